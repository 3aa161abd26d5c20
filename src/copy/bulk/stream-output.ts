import { checkpointBytes } from './stream-command.ts';

export interface StreamHandlers {
  /** So many bytes of the stream were read, file data and what describes it. */
  read(bytes: number): void;
  /** Anything else, as tar says it. */
  said(line: string): void;
}

/** Reads the lines of a receiving tar as they come. */
export function streamParser(handlers: StreamHandlers): { push(chunk: Buffer): void; end(): void } {
  let rest = '';
  let checkpoints = 0;
  const line = (text: string) => {
    if (/^tar: \d+$/.test(text)) {
      checkpoints += 1;
      handlers.read(checkpoints * checkpointBytes);
    } else if (text !== '') handlers.said(text);
  };
  return {
    push(chunk) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() as string;
      for (const text of lines) line(text);
    },
    end() {
      line(rest);
      rest = '';
    },
  };
}

/**
 * What GNU tar's sending end says of a tree in use, with exit code 0 or 1: the entry is there, but perhaps not as it is
 * now, or not at all.
 */
const live =
  /: (file changed as we read it|(Warning: )?File removed before we read it|File shrank by \d+ bytes?; padding with zeros|Warning: Cannot \w+: No such file or directory)$/;
/** With `--ignore-failed-read`, what it could not read is no more than this. */
const unread = /: Warning: /;
const nothing = /: (socket ignored|file is on a different filesystem; not dumped)$/;

/** How a stream ended: entries that are to be looked at again, or why it is not known what it carried. */
export type StreamEnd = { readonly unsettled: number } | { readonly broken: string };

/** @param stderr of ssh and of the sending tar @param received what the receiving tar said beside names */
export function streamEnd(exitCode: number, stderr: string, received: readonly string[]): StreamEnd {
  const lines = stderr.split('\n').filter((line) => line.startsWith('tar: '));
  const changing = lines.filter((line) => live.test(line));
  const strange = lines.filter((line) => !live.test(line) && !nothing.test(line));
  const whole = exitCode === 0 ? !strange.some((line) => unread.test(line)) : strange.length === 0;
  if (whole && (exitCode === 0 || (exitCode === 1 && changing.length > 0)))
    return { unsettled: changing.length };
  // What the sending end said comes first: the receiving one often only tells that there was no more.
  const said = [...(strange.length > 0 ? strange : stderr.trim().split('\n')), ...received].filter(Boolean);
  return { broken: `exit code ${exitCode}${said.length === 0 ? '' : `: ${said.slice(0, 3).join(' | ')}`}` };
}
