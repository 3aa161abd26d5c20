import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Host } from '../../src/ssh/host.ts';
import { commonDigest, digestParser } from '../../src/verify/digest.ts';

const digestOf = (index: number) => index.toString(16).padStart(32, '0');

/** As the tools show a name: xxhsum 0.8.1 as it is; coreutils and newer ones escaped; b3sum without what is not UTF-8. */
const styles = {
  raw: (digest: string, name: string) => `${digest}  ${name}\n`,
  escaped: (digest: string, name: string) => {
    const shown = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
    return `${shown === name ? '' : '\\'}${digest}  ${shown}\n`;
  },
  lossy: (digest: string, name: string) => {
    const utf8 = Buffer.from(Buffer.from(name, 'latin1').toString('utf8'), 'utf8').toString('latin1');
    return styles.escaped(digest, utf8);
  },
};

describe('what a digest tool prints', () => {
  const names = fc.array(
    fc.string({
      unit: fc.constantFrom('a', 'b', '\n', '\\', '\r', 'n', '\xff', '\xc3\xa9', ' '),
      minLength: 1,
    }),
    { maxLength: 8 },
  );

  test.each(['raw', 'escaped', 'lossy'] as const)(
    'is understood for any names when they are shown %s, whatever the chunks',
    (style) => {
      fc.assert(
        fc.property(names, fc.nat(), (list, seed) => {
          const seen: [number, string][] = [];
          const parser = digestParser<{ name: string; of: number }>('xxh128', {
            digest: ({ of }, digest) => seen.push([of, digest]),
            skipped: () => expect.unreachable(),
          });
          parser.expect(list.map((name, of) => ({ name, of })));
          const text = list.map((name, index) => styles[style](digestOf(index), `./${name}`)).join('');
          const cut = seed % (text.length + 1);
          parser.push(text.slice(0, cut));
          parser.push(text.slice(cut));
          expect(parser.end()).toEqual([]);
          expect(seen).toEqual(list.map((_name, index) => [index, digestOf(index)]));
        }),
        { numRuns: 300 },
      );
    },
  );

  test('says by its silence which files could not be read', () => {
    const seen: string[] = [];
    const parser = digestParser<{ name: string }>('xxh128', {
      digest: ({ name }) => seen.push(name),
      skipped: ({ name }) => seen.push(`no ${name}`),
    });
    parser.expect(['a', 'b\nc', 'd', 'e'].map((name) => ({ name })));
    parser.push(styles.raw(digestOf(1), './d'));
    expect(parser.end()).toEqual([]);
    expect(seen).toEqual(['no a', 'no b\nc', 'd', 'no e']);
  });

  test('of another shape, or for a name that was not asked for, is not guessed', () => {
    for (const said of ['xxhsum: what?\n', styles.raw(digestOf(1), './other'), `${digestOf(1)}  ./a`]) {
      const parser = digestParser('xxh128', { digest: () => {}, skipped: () => {} });
      parser.expect([{ name: 'a' }]);
      parser.push(said);
      expect(parser.end()).toHaveLength(1);
    }
  });
});

describe('the algorithm of two machines', () => {
  const nothing = {
    xxh128: '99aa06d3014798d86001c324468d497f',
    blake3: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  };
  const host = (...has: string[]): Host => ({
    name: 'h',
    run: async () => ({
      exitCode: 0,
      stdout: Buffer.from(has.map((digest) => `${digest}  -\n`).join('\n')),
      stderr: Buffer.alloc(0),
    }),
  });
  const all = Object.values(nothing);

  test.each([
    ['xxh128', host(...all), host(...all)],
    ['blake3', host(...all), host(nothing.blake3, nothing.sha256)],
    ['sha256', host(...all), host(nothing.sha256)],
    ['sha256', host(nothing.xxh128, nothing.sha256), host(nothing.blake3, nothing.sha256)],
    // A tool of that name that says something else is not the tool.
    ['sha256', host(...all), host('00', '00', nothing.sha256)],
  ] as const)('is %s', async (expected, left, right) => {
    expect(await commonDigest([left, right])).toBe(expected);
  });
});
