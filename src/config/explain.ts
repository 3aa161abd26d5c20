import type { z } from 'zod';
import { type JsonSchema, schemaAt } from './json-schema.ts';
import { nearest, oneOf } from './nearest.ts';
import { type ConfigPath, pathText, quoted, type RawProblem } from './problem.ts';
import type { YamlTree } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/** What zod found, in the words of the file: where it stands, what is there, what may stand there. */
export function explainIssues(issues: readonly Issue[], tree: YamlTree): RawProblem[] {
  const told = new Set<string>();
  // A key that was only misspelt is not missing as well.
  for (const issue of issues)
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) {
        const path = issue.path as ConfigPath;
        const meant = keyMeant([...path, key], tree);
        if (meant !== undefined) told.add(JSON.stringify([...path, meant]));
      }
  const problems: RawProblem[] = [];
  for (const issue of issues) {
    // One value may break several rules; the first one is the most basic.
    const key = JSON.stringify(issue.path);
    if (issue.code !== 'unrecognized_keys' && told.has(key)) continue;
    told.add(key);
    problems.push(...explain(issue, tree));
  }
  return problems;
}

function explain(issue: Issue, tree: YamlTree): RawProblem[] {
  const path = issue.path as (string | number)[];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], tree));
  if (issue.code === 'invalid_key')
    return [
      {
        offset: tree.keyAt(path),
        what: `the name ${quoted(String(path.at(-1)))} in ${pathText(path.slice(0, -1))} is not accepted`,
        write: issue.issues[0]?.message ?? 'another name',
      },
    ];
  if (!tree.has(path)) return [path.length === 0 ? notAMap(tree) : missing(path, tree)];
  return [
    {
      offset: tree.valueAt(path),
      what: `${pathText(path)} ${seen(valueAt(tree.value, path), issue)}`,
      write: instead(issue, path, tree),
    },
  ];
}

function unknownKey(path: ConfigPath, tree: YamlTree): RawProblem {
  const parent = path.slice(0, -1);
  const known = Object.keys(schemaAt(parent)?.properties ?? {});
  const meant = keyMeant(path, tree);
  return {
    offset: tree.keyAt(path),
    what: `${pathText(path)} is not a key of drayage`,
    write: meant ? `"${meant}"` : `nothing here; ${pathText(parent)} knows ${known.join(', ')}`,
  };
}

/** The known key that an unknown one stands for, if the file does not have that one too. */
function keyMeant(path: ConfigPath, tree: YamlTree): string | undefined {
  const parent = path.slice(0, -1);
  const known = Object.keys(schemaAt(parent)?.properties ?? {});
  return nearest(
    String(path.at(-1)),
    known.filter((key) => !tree.has([...parent, key])),
  );
}

/** `guests.doc1.vmid is missing`, with an example of what to write. */
export function missing(path: ConfigPath, tree: YamlTree): RawProblem {
  const schema = schemaAt(path);
  const key = String(path.at(-1));
  return {
    offset: tree.keyAt(path.slice(0, -1)),
    what: `${pathText(path)} is missing`,
    write: `${key}: ${example(schema)}${schema?.description ? `  (${schema.description})` : ''}`,
  };
}

/** The whole file is a list or a single word. */
function notAMap(tree: YamlTree): RawProblem {
  return {
    offset: 0,
    what: tree.value === null ? 'the file is empty' : 'the file is not a block of keys',
    write: 'the keys nodes, guests, shares and moves; `drayage init` writes a file to start from',
  };
}

function example(schema: JsonSchema | undefined): string {
  const first = schema?.examples?.[0];
  if (first !== undefined) return JSON.stringify(first);
  if (schema?.type === 'object') {
    const inner = (schema.required ?? []).map((k) => `${k}: ${example(schema.properties?.[k])}`);
    return inner.length > 0 ? `{ ${inner.join(', ')} }` : '{}';
  }
  return '...';
}

function seen(value: unknown, issue: Issue): string {
  if (value === null) return 'has no value';
  if (Array.isArray(value)) return value.length === 0 ? 'is an empty list' : 'is a list';
  if (typeof value === 'object') return 'is a block of keys';
  const text = typeof value === 'string' ? quoted(value) : `${value}`;
  if (issue.code === 'invalid_type' && typeof value !== 'string') return `is ${text}, a ${typeof value}`;
  return `is ${text}`;
}

function instead(issue: Issue, path: ConfigPath, tree: YamlTree): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const meant = nearest(String(valueAt(tree.value, path)), values);
    return meant ? `"${meant}" (one of ${values.join(', ')})` : oneOf(values);
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const schema = schemaAt(path);
    if (
      schema?.minimum !== undefined &&
      schema.maximum !== undefined &&
      schema.maximum < Number.MAX_SAFE_INTEGER
    )
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    if (schema?.minimum !== undefined) return `a whole number, at least ${schema.minimum}`;
    return issue.message;
  }
  if (issue.code !== 'invalid_type') return issue.message;
  switch (issue.expected) {
    case 'string': {
      const source = tree.sourceAt(path);
      const schema = schemaAt(path);
      const right = source !== undefined && source !== '' && source.length <= 80 && matches(source, schema);
      if (right && valueAt(tree.value, path) !== null) return `${quoted(source)}, in quotes: it is text`;
      return schema?.examples ? `text, such as ${example(schema)}` : 'text';
    }
    case 'int':
    case 'number':
      return 'a whole number, without quotes';
    case 'boolean':
      return 'true or false, without quotes';
    case 'array':
      return 'a list: [first, second], or one line with "- " for each entry';
    default:
      return `a block of keys: ${example(schemaAt(path))}`.replace(/: \{\}$/, '');
  }
}

function matches(text: string, schema: JsonSchema | undefined): boolean {
  return schema?.pattern === undefined || new RegExp(schema.pattern, 'u').test(text);
}

/** The value of the file at a path; undefined where there is none. */
export function valueAt(value: unknown, path: ConfigPath): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}
