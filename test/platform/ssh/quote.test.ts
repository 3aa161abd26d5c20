import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteArgument, quoteArgv } from '../../../src/ssh/quote.ts';

/** Text whose UTF-16 units stand for bytes, so that one word can be tried as any bytes. */
const anyBytes = fc
  .uint8Array({ min: 1, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const awkward = fc.string({
  unit: fc.constantFrom(...'\'"\\$`!*?~#&|;<>(){}[]=%^ \t\n\rä€-a'),
  maxLength: 40,
});

const shells = ['/bin/sh', '/bin/bash', '/usr/bin/zsh', '/usr/bin/fish'].filter((shell) => existsSync(shell));

describe.each(shells)('quoting for %s', (shell) => {
  const printed = (words: readonly string[]) =>
    execFileSync(shell, [], {
      input: Buffer.from(`printf '%s\\0' ${quoteArgv(words)}\n`, 'latin1'),
      env: { PATH: process.env.PATH, LC_ALL: 'C', HOME: '/nonexistent' },
    })
      .toString('latin1')
      .split('\0')
      .slice(0, -1);

  it('gives back every byte but NUL', () => {
    const all = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');
    expect(printed([all, ...all])).toEqual([all, ...all]);
  });

  it('gives back any words of any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyBytes, awkward.map(latin1)), { minLength: 1, maxLength: 20 }),
        (words) => {
          expect(printed(words)).toEqual(words);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** The bytes of its UTF-8, one unit each. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('quoteArgument', () => {
  it('leaves plain words readable', () => {
    expect(quoteArgv(['rsync', '-aHAX', '--delete', 'root@doc1:/mnt/docker/', '/nvmeprom/containers/'])).toBe(
      'rsync -aHAX --delete root@doc1:/mnt/docker/ /nvmeprom/containers/',
    );
  });

  it('keeps an empty argument', () => {
    expect(quoteArgument('')).toBe("''");
  });

  it('refuses a NUL, which no argument can hold', () => {
    expect(() => quoteArgument('a\0b')).toThrow(RangeError);
  });
});
