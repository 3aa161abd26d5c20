import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateDocs } from '../../scripts/generate-docs.ts';
import { configErrors } from '../../src/config/errors.ts';
import { configJsonSchema, type JsonSchema, schemaAt } from '../../src/config/json-schema.ts';

const root = join(import.meta.dirname, '../..');

// docs/errors.md is held fresh by `generate-docs.ts --check`: every area adds to it.
test.each(['docs/schema/drayage.schema.json', 'docs/configuration.md'])(
  '%s is what npm run docs writes',
  async (file) => {
    expect(readFileSync(join(root, file), 'utf8')).toBe((await generateDocs()).get(file));
  },
);

test('the error index has every code of this area, with its exit code', async () => {
  const page = (await generateDocs()).get('docs/errors.md');
  for (const code of Object.keys(configErrors))
    expect(page).toMatch(new RegExp(`\\| \`${code}\` \\| .+ \\| 2 \\(usage\\) \\|`));
});

test('every key that can be written has a description', () => {
  const bare: string[] = [];
  const walk = (schema: JsonSchema, key: string): void => {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (inner.properties === undefined && !inner.description) bare.push(`${key}.${name}`);
      walk(inner, `${key}.${name}`);
    }
    if (schema.additionalProperties) walk(schema.additionalProperties, `${key}.*`);
    if (schema.items) walk(schema.items, `${key}[]`);
  };
  walk(configJsonSchema(), '');
  expect(bare).toEqual([]);
});

test('patterns are regular expressions of the unicode kind, which editors use', () => {
  const patterns = JSON.stringify(configJsonSchema()).match(/"pattern":"(?:[^"\\]|\\.)*"/g) ?? [];
  expect(patterns.length).toBeGreaterThan(10);
  for (const pattern of patterns) new RegExp(JSON.parse(`{${pattern}}`).pattern, 'u');
});

test('the schema of a place is found through names and lists', () => {
  expect(schemaAt(['guests', 'doc1', 'vmid'])?.type).toBe('integer');
  expect(schemaAt(['phases', 0, 'moves', 1])?.type).toBe('string');
  expect(schemaAt(['guests', 'doc1', 'constructor'])).toBeUndefined();
});
