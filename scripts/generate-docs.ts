/**
 * Writes the parts of docs/ that are made from the source: `npm run docs`. With `--check` it writes nothing and exits 1
 * when a committed file differs.
 */
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configJsonSchema, type JsonSchema } from '../src/config/json-schema.ts';
import type { ErrorCatalogue } from '../src/errors/error.ts';
import { type ExitCode, exitCode } from '../src/errors/exit-code.ts';

const root = join(import.meta.dirname, '..');
const sample = 'test/config/samples/mission.yaml';

/** Path below the repository -> content. */
export async function generateDocs(): Promise<Map<string, string>> {
  const schema = configJsonSchema();
  return new Map([
    ['docs/schema/drayage.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
    ['docs/configuration.md', configurationPage(schema, await readFile(join(root, sample), 'utf8'))],
    ['docs/errors.md', errorsPage(await errorCatalogues())],
  ]);
}

/** The generated files whose committed text is another one. */
export async function staleDocs(): Promise<string[]> {
  const stale: string[] = [];
  for (const [file, text] of await generateDocs())
    if ((await readFile(join(root, file), 'utf8').catch(() => undefined)) !== text) stale.push(file);
  return stale;
}

interface Row {
  readonly key: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

function configurationPage(schema: JsonSchema, example: string): string {
  const sections = Object.entries(schema.properties ?? {}).map(([name, section]) => {
    const rows = rowsBelow(name, section);
    return [
      `## ${name}`,
      '',
      ...(section.description ? [section.description, ''] : []),
      '| key | type | default | meaning |',
      '| --- | --- | --- | --- |',
      ...rows.map(
        ({ key, schema: s, required }) =>
          `| \`${key}\` | ${cell(typeOf(s))} | ${required ? '**required**' : defaultOf(s)} | ${cell(meaningOf(s))} |`,
      ),
      '',
    ].join('\n');
  });
  return `${[
    '# drayage.yaml',
    '',
    '<!-- Made by `npm run docs` from src/config/schema.ts. -->',
    '',
    '`drayage` reads `drayage.yaml` in the current folder, or the file after `--file`. `drayage init` writes one.',
    'Relative files in it are relative to its folder, and `~/` is your home folder.',
    'Every mistake is told at once, as `file:line:column: what is wrong`, with what to write instead.',
    '',
    'The file is YAML 1.2: `no` and `10:10` are text. Anchors and aliases may be used for whole values; merge keys (`<<`),',
    'tags (`!name`) and a second document may not. A key that stands twice is a mistake.',
    '',
    'No secret stands in it. The API token comes from `PROXMOX_VE_API_TOKEN`, or else from the file that',
    "`cluster.tokenFile` names, which must be yours (or root's) and readable by its owner alone. The token of the",
    'environment is not sent to another cluster than the one that `PROXMOX_VE_ENDPOINT`, when it is set, names.',
    '',
    'For completion in an editor, the first line points to the JSON Schema that `drayage init` lays beside the file',
    '(also `docs/schema/drayage.schema.json`): `# yaml-language-server: $schema=./drayage.schema.json`.',
    '',
    '## Example',
    '',
    '```yaml',
    example.trimEnd(),
    '```',
    '',
    ...sections,
    '## What must fit together',
    '',
    '- A move has two different guests, and each name it uses stands in the file.',
    '- Two shares have different mapping ids; on one node, different datasets, and paths that do not lie in each other.',
    '- Two moves of a share have places (`as`) that do not lie in each other; `as: .` is the only move of its share,',
    '  and the share is mounted at the source path.',
    '- On one guest, source paths, mounts of shares, and the places where workloads look for their data do not lie in',
    '  each other, and none is a directory of the system.',
    '- Every move is in exactly one phase, and no phases wait for each other in a circle.',
  ].join('\n')}\n`;
}

/** `guests.<name>.vmid`, depth first, in the order of the schema. */
function rowsBelow(key: string, schema: JsonSchema): Row[] {
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([name, inner]) => {
      const path = `${key}.${name}`;
      const below = rowsBelow(path, inner);
      return below.length > 0
        ? below
        : [{ key: path, schema: inner, required: schema.required?.includes(name) ?? false }];
    });
  const entry = schema.additionalProperties || undefined;
  if (entry?.properties) return rowsBelow(`${key}.<name>`, entry);
  if (schema.items?.properties) return rowsBelow(`${key}[]`, schema.items);
  return [];
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return 'list of text';
  if (schema.additionalProperties) return `path: ${typeOf(schema.additionalProperties)}`;
  if (schema.type === 'integer') return 'whole number';
  return schema.type === 'boolean' ? '`true`, `false`' : 'text';
}

function defaultOf(schema: JsonSchema): string {
  return schema.default === undefined ? 'see meaning' : `\`${JSON.stringify(schema.default)}\``;
}

function meaningOf(schema: JsonSchema): string {
  const example = schema.examples?.[0];
  const inner = schema.additionalProperties ? schema.additionalProperties.description : undefined;
  return [
    schema.description ?? '',
    ...(inner ? [inner] : []),
    ...(example === undefined
      ? []
      : [`Example: \`${Array.isArray(example) ? `[${example.join(', ')}]` : example}\`.`]),
  ].join(' ');
}

/** Text of a table cell; `<` outside of code would begin a tag. */
const cell = (text: string) =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .split('`')
    .map((part, i) => (i % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`');

/** Every `export const ...Errors` of every src/<area>/errors.ts. */
async function errorCatalogues(): Promise<Map<string, ErrorCatalogue>> {
  const found = new Map<string, ErrorCatalogue>();
  const areas = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  for (const area of areas.map((entry) => entry.name).sort()) {
    if (!readdirSync(join(root, 'src', area)).includes('errors.ts')) continue;
    const module: Record<string, unknown> = await import(
      pathToFileURL(join(root, 'src', area, 'errors.ts')).href
    );
    for (const [name, value] of Object.entries(module))
      if (name.endsWith('Errors') && typeof value === 'object' && value !== null)
        found.set(area, { ...found.get(area), ...(value as ErrorCatalogue) });
  }
  return found;
}

function errorsPage(catalogues: ReadonlyMap<string, ErrorCatalogue>): string {
  const lines = [
    '# Error index',
    '',
    '<!-- Made by `npm run docs` from the catalogues in src/*/errors.ts. -->',
    '',
    'Every error shows what was seen, what it means, and the next command to type. Its code stays the same between',
    'versions. The exit code is that of the process when the error ends it.',
    '',
  ];
  for (const [area, catalogue] of catalogues) {
    lines.push(`## ${area}`, '', '| code | meaning | exit |', '| --- | --- | --- |');
    for (const [code, kind] of Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1)))
      lines.push(`| \`${code}\` | ${cell(kind.meaning)} | ${kind.exit} (${exitName(kind.exit)}) |`);
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function exitName(code: ExitCode): string {
  return (Object.entries(exitCode).find(([, value]) => value === code)?.[0] ?? '').replace(
    /[A-Z]/g,
    (letter) => ` ${letter.toLowerCase()}`,
  );
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await staleDocs();
    for (const file of stale) process.stderr.write(`${file} is stale: npm run docs\n`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else
    for (const [file, text] of await generateDocs()) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), text);
    }
}
