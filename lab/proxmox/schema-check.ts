/** Holds requests against the official API schema (the dump of PVE::API2 that pve-docs publishes). */
import type { RequestRecord } from './record.ts';

export interface SchemaParam {
  type?: string;
  optional?: number;
  minimum?: number | string;
  maximum?: number | string;
  maxLength?: number;
  enum?: string[];
  items?: SchemaParam;
}

export interface SchemaEndpoint {
  method: string;
  path: string;
  parameters?: { additionalProperties?: number; properties?: Record<string, SchemaParam> };
}

export interface Schema {
  endpoints: SchemaEndpoint[];
}

/** What is wrong with a recorded request by the official schema; empty when nothing is. */
export function checkRequestAgainstSchema(
  record: Pick<RequestRecord, 'method' | 'path' | 'params'>,
  schema: Schema,
): string[] {
  const at = `${record.method} ${record.path}`;
  const found = schema.endpoints
    .filter(({ method }) => method === record.method)
    .map((endpoint) => ({ endpoint, uri: matchPath(endpoint.path, record.path) }))
    // A literal part wins over a parameter.
    .sort((a, b) => Object.keys(a.uri ?? {}).length - Object.keys(b.uri ?? {}).length)
    .find(({ uri }) => uri !== undefined);
  if (!found) return [`${at}: no such method and path in the schema`];
  const properties = found.endpoint.parameters?.properties ?? {};
  const given: Record<string, unknown> = { ...record.params, ...found.uri };
  const missing = Object.entries(properties)
    .filter(([name, param]) => !param.optional && !name.includes('[n]') && given[name] === undefined)
    .map(([name]) => `${at}: ${name} is missing`);
  const wrong = Object.entries(given).flatMap(([name, value]) => {
    const param = properties[name] ?? properties[name.replace(/\d+$/, '[n]')];
    if (!param)
      return found.endpoint.parameters?.additionalProperties ? [] : [`${at}: ${name} is not in the schema`];
    return wrongValue(value, param).map((text) => `${at}: ${name} ${text}`);
  });
  return [...missing, ...wrong];
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  const [wanted, parts] = [template.split('/'), path.split('/')];
  if (wanted.length !== parts.length) return undefined;
  const uri: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const part = parts[index] ?? '';
    const name = /^\{(.+)\}$/.exec(want)?.[1];
    if (name === undefined && want !== part) return undefined;
    if (name !== undefined) uri[name] = decodeURIComponent(part);
  }
  return uri;
}

function wrongValue(value: unknown, param: SchemaParam): string[] {
  if (param.type === 'array') {
    if (Array.isArray(value) && value.length === 0) return ['is an empty list'];
    return (Array.isArray(value) ? value : [value]).flatMap((item) => wrongValue(item, param.items ?? {}));
  }
  if (value !== null && typeof value === 'object') return [`is not of type ${param.type}`];
  const text = value === true ? '1' : value === false ? '0' : String(value);
  const problems: string[] = [];
  if (param.type === 'integer' && !/^[+-]?\d+$/.test(text)) problems.push(`is not an integer: ${text}`);
  if (param.type === 'number' && !Number.isFinite(Number(text))) problems.push(`is not a number: ${text}`);
  // The real server takes on, yes and true as well; 0 and 1 are the documented form.
  if (param.type === 'boolean' && !/^[01]$/.test(text)) problems.push(`is not 0 or 1: ${text}`);
  if (param.minimum !== undefined && Number(text) < Number(param.minimum))
    problems.push(`is below ${param.minimum}`);
  if (param.maximum !== undefined && Number(text) > Number(param.maximum))
    problems.push(`is above ${param.maximum}`);
  if (param.maxLength !== undefined && text.length > param.maxLength)
    problems.push(`is longer than ${param.maxLength}`);
  if (param.enum && !param.enum.includes(text)) problems.push(`is none of ${param.enum.join(', ')}: ${text}`);
  return problems;
}
