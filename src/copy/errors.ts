import { type ErrorCatalogue, errorsOf } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';

export const copyErrors = {
  'copy/source-not-as-expected': {
    meaning:
      'The source path is not a directory with something in it: a pass from it could delete what was copied before.',
    exit: exitCode.refused,
  },
  'copy/too-many-deletions': {
    meaning: 'The pass would delete more entries than `maxDelete` of this move allows. Nothing was deleted.',
    exit: exitCode.refused,
  },
  'copy/not-every-file': {
    meaning: 'rsync could not carry every file. Data with a file missing is never released.',
    exit: exitCode.failed,
  },
  'copy/not-empty': {
    meaning:
      'A directory went from one side, and on the other side something lies in it that is left behind (`exclude`, an image store): that is never deleted, so the directory stays, and both sides differ.',
    exit: exitCode.failed,
  },
  'copy/locked': {
    exit: exitCode.partial,
    meaning:
      'A pass holds a lock on the node while it runs. One that a lost connection left behind goes on by itself; two at once would disturb each other.',
  },
  'copy/rsync-failed': {
    meaning: 'rsync ended with an error.',
    exit: exitCode.failed,
  },
  'copy/unreadable-directory': {
    meaning: 'Not every directory could be walked, so what has changed there is not known.',
    exit: exitCode.failed,
  },
  'copy/unreadable-record': {
    meaning: 'The record of the last pass cannot be read, so what has changed since is not known.',
    exit: exitCode.failed,
  },
  'copy/unreadable-output': {
    meaning: 'A line of rsync or find has a shape that is not known, so what it did cannot be told.',
    exit: exitCode.failed,
  },
} satisfies ErrorCatalogue;

export const copyError = errorsOf(copyErrors);
