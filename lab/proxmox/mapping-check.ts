/** What PVE checks of a directory mapping: that the path exists on the node, and is a directory. No mount is looked for. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { mapEntry } from './formats.ts';
import { parsePropertyString } from './property-string.ts';
import type { DirMapping } from './section-config.ts';

/** A text that says what is wrong, or undefined. */
export function checkDirectory(nodeRoot: string, path: string): string | undefined {
  const stat = statSync(join(nodeRoot, path), { throwIfNoEntry: false });
  if (!stat) return `Path ${path} does not exist`;
  return stat.isDirectory() ? undefined : `Path ${path} exists, but is not a directory`;
}

/** The entries of one node. */
export const entriesFor = (mapping: DirMapping, node: string): { node: string; path: string }[] =>
  (mapping.map ?? [])
    .map((entry) => parsePropertyString(entry, mapEntry))
    .map((entry) => ({ node: String(entry.node), path: String(entry.path) }))
    .filter((entry) => entry.node === node);
