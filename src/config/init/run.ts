import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, configError } from '../errors.ts';
import { configJsonSchema } from '../json-schema.ts';
import { parseConfig } from '../load.ts';
import { askDraft, type InitIo } from './ask.ts';
import { draftOf } from './draft.ts';
import { type ClusterFacts, noFacts } from './facts.ts';
import { schemaFile, writeDraft } from './write.ts';

export interface InitOptions {
  /** Path of the file to write. */
  readonly file: string;
  /** Write over an existing file. */
  readonly force: boolean;
  /** What a live cluster shows; without it, nothing is offered. */
  readonly facts?: ClusterFacts;
}

/**
 * `drayage init`: writes drayage.yaml, and beside it the JSON Schema that editors read. With `io.ask` it asks; without,
 * it writes what the cluster shows, and examples for the rest.
 * @returns the files that were written.
 * @throws DrayageError `config/exists`, `config/no-answer`, `config/not-writable`.
 */
export async function runInit(options: InitOptions, io: InitIo): Promise<readonly string[]> {
  const { file, force, facts = noFacts } = options;
  // Before the first question: no one should answer twelve of them for nothing.
  if (!force) await refuseExisting(file);
  const text = writeDraft(io.ask ? await askDraft(io.ask, io.write, facts) : draftOf(facts));
  // The environment is left out: it is no part of the file.
  const result = parseConfig(text, file, {});
  if ('problems' in result) throw new ConfigError(result.problems);
  const schema = join(dirname(file), schemaFile);
  try {
    await mkdir(dirname(file), { recursive: true });
    await put(file, text, force);
    await put(schema, `${JSON.stringify(configJsonSchema(), null, 2)}\n`, true);
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && syscall === 'open') throw exists(file, error);
    throw configError('config/not-writable', {
      seen: message,
      next: [`ls -ld ${dirname(file)}`],
      cause: error,
    });
  }
  // What shall move stands in a draft as an example.
  const drafted = Object.keys(result.config.moves).length === 0;
  io.write(
    `Wrote ${file} and ${schema}. Next: ${drafted ? 'fill in `shares` and `moves`, then ' : ''}drayage inspect\n`,
  );
  return [file, schema];
}

async function refuseExisting(file: string): Promise<void> {
  if (await lstat(file).catch(() => undefined)) throw exists(file);
}

function exists(file: string, cause?: unknown) {
  return configError('config/exists', {
    seen: `${file} exists`,
    next: [`edit ${file}`, 'drayage --file OTHER.yaml init', 'drayage init --force, to write over it'],
    cause,
  });
}

/** Whole or not at all: a file that is half written never stands under its name. */
async function put(file: string, text: string, replace: boolean): Promise<void> {
  if (!replace) return writeFile(file, text, { flag: 'wx' });
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
