import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { Operation } from '../plan/operation.ts';
import { applyError } from './errors.ts';

/** One line of journal.jsonl. `id` ties an outcome to its intent. No secret: operations carry none. */
export type Entry =
  | {
      readonly kind: 'intent';
      readonly id: number;
      readonly time: string;
      readonly step: string;
      readonly undo: boolean;
      readonly operation: Operation;
    }
  | {
      readonly kind: 'outcome';
      readonly id: number;
      readonly time: string;
      readonly ok: boolean;
      readonly seconds: number;
      readonly error?: { readonly code: string; readonly seen: string };
    };

/** The record of what was done: on disk before the operation, and again after it. */
export interface Journal {
  /** Resolves when the intent is on disk. */
  intent(step: string, operation: Operation, undo: boolean): Promise<number>;
  outcome(id: number, ok: boolean, seconds: number, error?: { code: string; seen: string }): Promise<void>;
}

export interface JournalFile extends Journal {
  close(): Promise<void>;
}

/** Opens a journal for appending; one that is there is continued. */
export async function openJournal(file: string): Promise<JournalFile> {
  const handle: FileHandle = await open(file, 'a', 0o600);
  let next = 1;
  const append = async (entry: Entry) => {
    await handle.appendFile(`${JSON.stringify(entry)}\n`);
    await handle.datasync();
  };
  return {
    async intent(step, operation, undo) {
      const id = next;
      next += 1;
      await append({ kind: 'intent', id, time: new Date().toISOString(), step, undo, operation });
      return id;
    },
    async outcome(id, ok, seconds, error) {
      const entry: Entry = { kind: 'outcome', id, time: new Date().toISOString(), ok, seconds };
      await append(error === undefined ? entry : { ...entry, error });
    },
    close: () => handle.close(),
  };
}

/** What a journal says. A last line without its end is what a crash leaves behind: it is not an entry. */
export async function readJournal(file: string): Promise<{ entries: Entry[]; torn: boolean }> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const last = lines.pop();
  const entries = lines.map((line, index) => {
    try {
      return JSON.parse(line) as Entry;
    } catch (cause) {
      throw applyError('apply/journal-unreadable', {
        seen: `${file}:${index + 1}: ${line.slice(0, 200)}`,
        where: `${file}:${index + 1}:1`,
        next: [`mv ${file} ${file}.damaged`, 'drayage status'],
        cause,
      });
    }
  });
  return { entries, torn: last !== '' };
}

/** Operations that were begun and have no outcome: the run was killed there. */
export function unfinished(entries: readonly Entry[]): Extract<Entry, { kind: 'intent' }>[] {
  const ended = new Set(entries.flatMap((entry) => (entry.kind === 'outcome' ? [entry.id] : [])));
  return entries.filter((entry) => entry.kind === 'intent' && !ended.has(entry.id)) as Extract<
    Entry,
    { kind: 'intent' }
  >[];
}
