import type { MoveConfig, ShareConfig } from '../config/config.ts';
import { guestError } from '../guest/errors.ts';
import { notedIn, parseRescue } from '../plan/rescue.ts';
import { moveLayout } from '../plan/share-layout.ts';
import type { Noted } from './findings.ts';

/** What the note of a move says of its target guest before the move. @throws guest/unexpected-output */
export function readNoted(share: ShareConfig, { name }: MoveConfig, text: string): Noted {
  const rescue = parseRescue(text, name);
  if (rescue !== undefined) return notedIn(rescue);
  const file = moveLayout(share.path, name).rescue;
  throw guestError('guest/unexpected-output', {
    seen: `${file} on ${share.node} is not a note of this move: ${text.trim().slice(0, 100) || 'it is empty'}`,
    next: [
      `cat ${file}   # on ${share.node}: written by drayage, or by whom?`,
      `drayage rollback --move ${name}   # takes it away, with what was prepared`,
    ],
    meaning:
      'The note says which units the target guest had before the move. Without it, those that drayage has laid there would pass for its own.',
  });
}
