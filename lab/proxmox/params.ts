/** Verification of parameters as PVE::JSONSchema does it: the same checks, the same texts. */
import { badParams } from './api-error.ts';
import { verifyPropertyString } from './property-string.ts';

/** A named format: `check` returns what is wrong with a value, or undefined. */
export interface NamedFormat {
  name: string;
  check: (value: string) => string | undefined;
}

/** A property string: `key=value,key=value`, where `defaultKey` may stand without its name. */
export interface PropertyFormat {
  fields: ParamTable;
  defaultKey?: string;
}

export interface Param {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  optional?: boolean;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  enum?: readonly string[];
  pattern?: RegExp;
  format?: NamedFormat;
  properties?: PropertyFormat;
  items?: Param;
  requires?: string;
  /** For numbered keys, written `virtiofs[n]` in a table: how many there are. */
  count?: number;
}

export type ParamTable = Readonly<Record<string, Param>>;
/** A parameter as it arrived: form text, or what JSON said. */
export type Raw = string | number | boolean | null | readonly unknown[] | object;
export type RawParams = Record<string, Raw>;
export type Value = string | number | string[];

/** Makes a table; a name that ends in `?` is optional. */
export function params(table: Record<string, Param>): ParamTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, param]) =>
      name.endsWith('?') ? [name.slice(0, -1), { ...param, optional: true }] : [name, param],
    ),
  );
}

export const text = (more: Omit<Param, 'type'> = {}): Param => ({ type: 'string', ...more });
export const flag: Param = { type: 'boolean' };
export const integer = (minimum?: number, maximum?: number): Param => ({
  type: 'integer',
  ...(minimum === undefined ? {} : { minimum }),
  ...(maximum === undefined ? {} : { maximum }),
});
export const list = (items: Param): Param => ({ type: 'array', items });

/** Parameters after verification: booleans are 0 or 1, integers numbers, arrays always arrays. */
export class Values {
  readonly all: Readonly<Record<string, Value>>;

  constructor(all: Readonly<Record<string, Value>>) {
    this.all = all;
  }

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }

  text(name: string): string {
    return String(this.all[name]);
  }

  maybe(name: string): string | undefined {
    const value = this.all[name];
    return value === undefined ? undefined : String(value);
  }

  number(name: string): number | undefined {
    const value = this.all[name];
    return value === undefined ? undefined : Number(value);
  }

  flag(name: string): boolean {
    return this.all[name] === 1;
  }

  list(name: string): string[] | undefined {
    const value = this.all[name];
    return Array.isArray(value) ? value : undefined;
  }
}

/** The table's entry for a name, numbered keys included. */
export function paramFor(table: ParamTable, name: string): Param | undefined {
  const exact = Object.hasOwn(table, name) && !name.endsWith('[n]') ? table[name] : undefined;
  if (exact) return exact;
  const numbered = /^(.*?[a-z])(0|[1-9]\d*)$/.exec(name);
  const param = numbered && table[`${numbered[1]}[n]`];
  return param?.count !== undefined && Number(numbered?.[2]) < param.count ? param : undefined;
}

/**
 * Checks and converts parameters.
 * @throws ApiError 400 with a text for each parameter that is wrong
 */
export function verify(table: ParamTable, given: RawParams): Values {
  const errors: Record<string, string> = {};
  const values: Record<string, Value> = {};
  for (const [name, raw] of Object.entries(given)) {
    const param = paramFor(table, name);
    if (!param) {
      errors[name] = 'property is not defined in schema and the schema does not allow additional properties';
      continue;
    }
    const value = verifyValue(name, raw, param, errors);
    if (value !== undefined) values[name] = value;
    if (param.requires !== undefined && given[param.requires] === undefined)
      errors[param.requires] = `missing property - '${name}' requires this property`;
  }
  for (const [name, param] of Object.entries(table))
    if (!param.optional && param.count === undefined && given[name] === undefined)
      errors[name] = 'property is missing and it is not optional';
  if (Object.keys(errors).length > 0) throw badParams(errors);
  return new Values(values);
}

function verifyValue(
  path: string,
  raw: Raw,
  param: Param,
  errors: Record<string, string>,
): Value | undefined {
  if (param.type === 'array') {
    // A single value of a form stands for a list of one.
    const items = Array.isArray(raw) ? raw : [raw];
    return items.map((item, index) =>
      String(verifyScalar(`${path}[${index}]`, item, param.items ?? { type: 'string' }, errors)),
    );
  }
  return verifyScalar(path, raw, param, errors);
}

/** Checks one value and returns it converted; puts what is wrong into `errors`. */
export function verifyScalar(
  path: string,
  raw: unknown,
  param: Param,
  errors: Record<string, string>,
): string | number | undefined {
  if (raw !== null && typeof raw === 'object') {
    errors[path] = `type check ('${param.type}') failed - got ${Array.isArray(raw) ? 'ARRAY' : 'HASH'}`;
    return undefined;
  }
  const value = raw === true ? '1' : raw === false ? '0' : String(raw ?? '');
  const wrong = wrongScalar(path, value, param);
  if (wrong !== undefined) {
    errors[path] = wrong;
    return undefined;
  }
  if (param.type === 'boolean') return isTrue(value) ? 1 : 0;
  return param.type === 'integer' || param.type === 'number' ? Number(value) : value;
}

const isTrue = (value: string): boolean => /^(1|on|yes|true)$/i.test(value);
const isFalse = (value: string): boolean => /^(0|off|no|false)$/i.test(value);

function wrongScalar(path: string, value: string, param: Param): string | undefined {
  const typed =
    param.type === 'integer'
      ? /^[+-]?\d+$/.test(value)
      : param.type === 'number'
        ? /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)
        : param.type === 'boolean'
          ? isTrue(value) || isFalse(value)
          : true;
  if (!typed) return `type check ('${param.type}') failed - got '${value}'`;
  if (param.minimum !== undefined && Number(value) < param.minimum)
    return `value must have a minimum value of ${param.minimum}`;
  if (param.maximum !== undefined && Number(value) > param.maximum)
    return `value must have a maximum value of ${param.maximum}`;
  if (param.maxLength !== undefined && [...value].length > param.maxLength)
    return `value may only be ${param.maxLength} characters long`;
  if (param.enum && !param.enum.includes(value))
    return `value '${value}' does not have a value in the enumeration '${param.enum.join(', ')}'`;
  if (param.pattern && !param.pattern.test(value)) return 'value does not match the regex pattern';
  const wrongFormat = param.format?.check(value);
  if (wrongFormat !== undefined) return `invalid format - ${wrongFormat}`;
  const wrongProperty = param.properties && verifyPropertyString(path, value, param.properties);
  return typeof wrongProperty === 'string' ? `invalid format - ${wrongProperty}` : undefined;
}
