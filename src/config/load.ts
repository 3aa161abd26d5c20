import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LineCounter } from 'yaml';
import type { z } from 'zod';
import { decode, largestFile } from './bytes.ts';
import { check } from './check.ts';
import type { Checked } from './check-common.ts';
import type { Config } from './config.ts';
import { ConfigError, configError } from './errors.ts';
import { explainIssues, valueAt } from './explain.ts';
import { normalise } from './normalise.ts';
import { type ConfigProblem, printable, type RawProblem } from './problem.ts';
import { configSchema } from './schema.ts';
import { readYaml, type YamlTree } from './yaml.ts';

/** A file with more problems than this is not a drayage.yaml. */
const mostProblems = 100;

export interface LoadOptions {
  /** The guests that moves name may still have to be made: for the commands that make them. */
  readonly unmade?: boolean;
}

/**
 * Reads drayage.yaml.
 * @throws ConfigError with every problem of the file; DrayageError `config/missing`, `config/unreadable`.
 */
export function loadConfig(file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Config {
  const result = parseConfig(readConfigFile(file), file, env, options);
  if ('problems' in result) throw new ConfigError(result.problems);
  return result.config;
}

/** Pure: the text of a file -> the configuration, or every problem that it has, in the order of the file. */
export function parseConfig(
  input: string | Uint8Array,
  file: string,
  env: NodeJS.ProcessEnv,
  options: LoadOptions = {},
): { config: Config } | { problems: readonly ConfigProblem[] } {
  const decoded = decode(input);
  if ('problem' in decoded) return { problems: placed([decoded.problem], decoded.problem.text, file) };
  const { text } = decoded;
  const yaml = readYaml(text);
  if ('problems' in yaml) return { problems: placed(yaml.problems, text, file) };
  const { tree } = yaml;
  const whole = configSchema.safeParse(tree.value);
  const issues = whole.success ? [] : whole.error.issues;
  const checkable = whole.success ? whole.data : readablePart(tree.value, issues);
  const config = checkable && normalise(checkable, file, env);
  const problems = explainIssues(issues, tree);
  if (config) problems.push(...check(checkedOf(config, tree, issues, options)));
  if (problems.length > 0) return { problems: placed(problems, text, file) };
  return { config: config as Config };
}

function checkedOf(
  config: Config,
  tree: YamlTree,
  issues: readonly z.core.$ZodIssue[],
  options: LoadOptions,
): Checked {
  return {
    unmade: options.unmade === true,
    config,
    tree,
    names: (section) => {
      const entries = valueAt(tree.value, [section]);
      return typeof entries === 'object' && entries !== null && !Array.isArray(entries)
        ? Object.keys(entries)
        : undefined;
    },
    phasesReadable: !issues.some((issue) => issue.path[0] === 'phases'),
  };
}

/** The file without the entries that the schema refuses, so that the rest is checked in the same run. */
function readablePart(
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
): z.output<typeof configSchema> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const part = structuredClone(value) as Record<string, unknown>;
  for (const section of ['nodes', 'guests', 'shares', 'moves']) part[section] ??= {};
  for (const issue of issues) {
    const [section, name] = issue.path;
    if (section === undefined) {
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) delete part[key];
    } else if (issue.code === 'unrecognized_keys') removeKeys(part, issue.path, issue.keys);
    else if (name === undefined) {
      if (['nodes', 'guests', 'shares', 'moves'].includes(String(section))) part[String(section)] = {};
      else delete part[String(section)];
    } else if (['cluster', 'ssh', 'phases', 'notify', 'metrics', 'hosts', 'tofu'].includes(String(section)))
      delete part[String(section)];
    else delete (part[String(section)] as Record<string, unknown> | undefined)?.[String(name)];
  }
  const parsed = configSchema.safeParse(part);
  return parsed.success ? parsed.data : undefined;
}

function removeKeys(
  part: Record<string, unknown>,
  path: readonly PropertyKey[],
  keys: readonly string[],
): void {
  let here: unknown = part;
  for (const key of path)
    here =
      typeof here === 'object' && here !== null ? (here as Record<PropertyKey, unknown>)[key] : undefined;
  if (typeof here === 'object' && here !== null)
    for (const key of keys) delete (here as Record<string, unknown>)[key];
}

function placed(problems: readonly RawProblem[], text: string, file: string): ConfigProblem[] {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
  const sorted = [...problems].sort((a, b) => a.offset - b.offset);
  const shown = sorted.slice(0, mostProblems).map(({ offset, what, write }) => {
    const { line, col } = lines.linePos(Math.min(Math.max(offset, 0), text.length));
    return { file, line, column: col, what: printable(what), write: printable(write) };
  });
  const last = shown.at(-1);
  if (sorted.length > mostProblems && last)
    shown.push({
      ...last,
      what: `${sorted.length - mostProblems} more problems follow`,
      write: 'the corrections above first',
    });
  return shown;
}

function readConfigFile(file: string): Buffer {
  try {
    // Non-blocking: a pipe without a writer must be refused, not waited for.
    const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(handle).isFile())
        throw configError('config/unreadable', {
          seen: `${file} is not a regular file`,
          meaning: 'A configuration is a text file.',
          next: ['drayage --file drayage.yaml ...'],
        });
      // One byte more than allowed is enough to see that it is too large.
      const buffer = Buffer.alloc(largestFile + 1);
      let length = 0;
      for (;;) {
        const bytesRead = readSync(handle, buffer, length, buffer.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
      }
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw configError('config/missing', {
        seen: `${file} does not exist`,
        next: ['drayage init', 'drayage --file FILE ...'],
        cause: error,
      });
    if (code !== undefined && error instanceof Error && 'syscall' in error)
      throw configError('config/unreadable', {
        seen: error.message,
        next: [`ls -l ${file}`],
        cause: error,
      });
    throw error;
  }
}
