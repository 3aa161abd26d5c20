import { relative, resolve } from 'node:path';
import { DrayageError } from '../errors/error.ts';

/** How one check ended. `skipped`: it could not be made, and `what` says why. */
export type Outcome =
  | { readonly name: string; readonly is: 'good'; readonly what: string }
  | { readonly name: string; readonly is: 'skipped'; readonly what: string }
  | { readonly name: string; readonly is: 'failed'; readonly error: DrayageError };

/** One thing that must hold before a commit. Throws a DrayageError when it does not. */
export interface CheckItem {
  readonly name: string;
  run(): Promise<{ readonly is: 'good' | 'skipped'; readonly what: string }>;
}

/** Makes every check, at once: one that fails keeps no other from being made. */
export function runChecks(items: readonly CheckItem[]): Promise<Outcome[]> {
  return Promise.all(
    items.map(async ({ name, run }): Promise<Outcome> => {
      try {
        return { name, ...(await run()) };
      } catch (error) {
        if (error instanceof DrayageError) return { name, is: 'failed', error };
        throw error;
      }
    }),
  );
}

/** A file as git names it, below the top of the repository; undefined: it lies outside. */
export function belowTop(top: string, file: string): string | undefined {
  const path = relative(top, resolve(file));
  return path.startsWith('..') || path === '' ? undefined : path;
}
