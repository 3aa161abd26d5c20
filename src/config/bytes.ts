import { isUtf8 } from 'node:buffer';
import type { RawProblem } from './problem.ts';

/** A configuration of several hundred guests has less than a tenth of this. */
export const largestFile = 1024 * 1024;

/** Text of a configuration file, or why it is not text. */
export function decode(
  input: string | Uint8Array,
): { text: string } | { problem: RawProblem & { text: string } } {
  const bytes = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input);
  const refuse = (offset: number, text: string, what: string, write: string) => ({
    problem: { offset, text, what, write },
  });
  if (bytes.length > largestFile)
    return refuse(
      0,
      '',
      'the file is larger than 1 MiB: this is not a configuration of drayage',
      'the path of your drayage.yaml after --file, or `drayage init` for a new one',
    );
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return refuse(0, '', 'the file is UTF-16', 'the same text, saved as UTF-8');
  const nul = bytes.indexOf(0);
  if (nul >= 0) {
    const text = bytes.subarray(0, nul).toString();
    return refuse(text.length, text, 'the file is binary: it holds a NUL byte', 'plain text in UTF-8');
  }
  if (!isUtf8(bytes)) {
    const text = bytes.subarray(0, firstInvalid(bytes)).toString();
    return refuse(text.length, text, 'the file is not UTF-8 from here on', 'plain text, saved as UTF-8');
  }
  return { text: bytes.toString() };
}

/** Index of the first byte that is not part of a valid UTF-8 sequence. */
function firstInvalid(bytes: Buffer): number {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const line = end < 0 ? bytes.subarray(start) : bytes.subarray(start, end + 1);
    if (!isUtf8(line) || end < 0) return start + invalidInLine(line);
    start = end + 1;
  }
}

function invalidInLine(line: Buffer): number {
  let valid = 0;
  while (valid < line.length) {
    const next = [1, 2, 3, 4].find(
      (n) => valid + n <= line.length && isUtf8(line.subarray(valid, valid + n)),
    );
    if (next === undefined) break;
    valid += next;
  }
  return valid;
}
