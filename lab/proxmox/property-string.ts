/** Property strings (`node=prom,path=/tank/a`), read as PVE::JSONSchema::parse_property_string does. */
import { died } from './api-error.ts';
import { type PropertyFormat, verifyScalar } from './params.ts';

export type Properties = Record<string, string | number>;

/** Splits without checking the values; returns a text when it cannot be split. */
function split(value: string, format: PropertyFormat): Record<string, string> | string {
  const found: Record<string, string> = {};
  for (const part of value.split(',')) {
    if (part.trim() === '') continue;
    const pair = /^([^=]+)=(.+)$/s.exec(part);
    if (pair) {
      const [, key = '', text = ''] = pair;
      if (found[key] !== undefined) return `duplicate key in comma-separated list property: ${key}`;
      found[key] = text;
      continue;
    }
    if (part.includes('=')) return 'missing key in comma-separated list property';
    if (format.defaultKey === undefined) return 'value without key, but schema does not define a default key';
    if (found[format.defaultKey] !== undefined)
      return `duplicate key in comma-separated list property: ${format.defaultKey}`;
    found[format.defaultKey] = part;
  }
  return found;
}

/** Checks a property string below `path`; returns the values, or the text of what is wrong. */
export function verifyPropertyString(
  path: string,
  value: string,
  format: PropertyFormat,
): Properties | string {
  const found = split(value, format);
  if (typeof found === 'string') return found;
  const errors: Record<string, string> = {};
  const values: Properties = {};
  for (const [key, text] of Object.entries(found)) {
    const param = format.fields[key];
    const at = `${path}.${key}`;
    if (!param) {
      errors[at] = 'property is not defined in schema and the schema does not allow additional properties';
      continue;
    }
    const converted = verifyScalar(at, text, param, errors);
    if (converted !== undefined) values[key] = converted;
  }
  for (const [key, param] of Object.entries(format.fields))
    if (!param.optional && found[key] === undefined)
      errors[`${path}.${key}`] = 'property is missing and it is not optional';
  const lines = Object.entries(errors).map(([at, wrong]) => `${at}: ${wrong}\n`);
  return lines.length > 0 ? `format error\n${lines.join('')}` : values;
}

/**
 * Reads a property string that came out of a configuration file.
 * @throws ApiError 500 when it is not one
 */
export function parsePropertyString(value: string, format: PropertyFormat, name = 'value'): Properties {
  const parsed = verifyPropertyString(name, value, format);
  if (typeof parsed === 'string') throw died(parsed);
  return parsed;
}
