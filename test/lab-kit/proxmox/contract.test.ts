import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { endpoints } from '../../../lab/proxmox/dispatch.ts';
import type { Param } from '../../../lab/proxmox/params.ts';
import {
  checkRequestAgainstSchema,
  type Schema,
  type SchemaParam,
} from '../../../lab/proxmox/schema-check.ts';

const file =
  process.env.DRAYAGE_PVE_SCHEMA ?? resolve(import.meta.dirname, '../../../../shared/reference/pve-api.json');
const present = existsSync(file);
const schema: Schema = present ? JSON.parse(readFileSync(file, 'utf8')) : { endpoints: [] };
if (!present)
  console.warn('The official API schema is absent: contract skipped. Name its file in DRAYAGE_PVE_SCHEMA.');

/** What both sides say of a parameter, in one shape. */
const shape = (param: SchemaParam | Param) => ({
  type: param.type ?? 'string',
  optional: param.optional ? 1 : 0,
  minimum: param.minimum === undefined ? undefined : Number(param.minimum),
  maximum: param.maximum === undefined ? undefined : Number(param.maximum),
  maxLength: param.maxLength,
  enum: param.enum ? [...param.enum].sort() : undefined,
});

describe.skipIf(!present)('the official schema', () => {
  test.each(endpoints.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
    '%s has the same parameters',
    (_, endpoint) => {
      const official = schema.endpoints.find(
        ({ method, path }) => method === endpoint.method && path === endpoint.path,
      );
      expect(official).toBeDefined();
      const theirs = Object.entries(official?.parameters?.properties ?? {}).map(([name, param]) => [
        name,
        shape(param),
      ]);
      const mine = Object.entries(endpoint.params).map(([name, param]) => [name, shape(param)]);
      expect(Object.fromEntries(mine)).toEqual(Object.fromEntries(theirs));
    },
  );

  test('holds requests', () => {
    const check = (method: string, path: string, params = {}) =>
      checkRequestAgainstSchema({ method, path, params }, schema);
    expect(check('PUT', '/nodes/prom/qemu/104/config', { virtiofs0: 'containers', onboot: 1 })).toEqual([]);
    expect(check('POST', '/cluster/mapping/dir', { id: 'a', map: ['node=prom,path=/a'] })).toEqual([]);
  });
});

test('a request that does not fit a schema is told why', () => {
  const small: Schema = {
    endpoints: [
      {
        method: 'POST',
        path: '/a/{id}',
        parameters: {
          additionalProperties: 0,
          properties: {
            id: { type: 'integer', minimum: 100 },
            map: { type: 'array', items: { type: 'string', maxLength: 3 } },
            'net[n]': { type: 'string', optional: 1 },
            full: { type: 'boolean', optional: 1 },
            kind: { type: 'string', enum: ['vm', 'ct'], optional: 1 },
          },
        },
      },
    ],
  };
  const check = (path: string, params: Record<string, string | string[] | boolean>) =>
    checkRequestAgainstSchema({ method: 'POST', path, params }, small);
  expect(check('/a/104', { map: 'one', net3: 'x', full: '1' })).toEqual([]);
  expect(check('/b', {})).toEqual(['POST /b: no such method and path in the schema']);
  expect(check('/a/5', { map: ['long'], full: 'yes', kind: 'lxc', foo: '1' })).toEqual([
    'POST /a/5: map is longer than 3',
    'POST /a/5: full is not 0 or 1: yes',
    'POST /a/5: kind is none of vm, ct: lxc',
    'POST /a/5: foo is not in the schema',
    'POST /a/5: id is below 100',
  ]);
  expect(check('/a/104', {})).toEqual(['POST /a/104: map is missing']);
  expect(check('/a/104', { map: [] })).toEqual(['POST /a/104: map is an empty list']);
});
