import { realpath, stat } from 'node:fs/promises';
import type { NixSource } from './source.ts';

/** A changed text of a file that is proven and not written yet, with what its file is like. */
export interface EditedFile {
  /** Absolute, without symbolic links: the file itself is replaced. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
  /** Four octal digits. */
  readonly mode: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** What becomes another value: `doc2.proxmox.virtiofs`. */
  readonly attribute: string;
  /** Nix evaluated both texts; else they were compared by what is written out in them. */
  readonly evaluated: boolean;
}

/** What is written when `before` becomes `after`. */
export async function editedFile(
  before: NixSource,
  after: NixSource,
  proof: { readonly attribute: string; readonly evaluated: boolean },
): Promise<EditedFile> {
  const path = await realpath(before.file);
  const { mode, uid, gid } = await stat(path);
  return {
    path,
    before: before.text,
    after: after.text,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    owner: { uid, gid },
    attribute: proof.attribute,
    evaluated: proof.evaluated,
  };
}
