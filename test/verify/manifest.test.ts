import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attributeParser, parseFields } from '../../src/verify/manifest.ts';
import { metadataCommand } from '../../src/verify/manifest-command.ts';
import { printableName } from '../../src/verify/name.ts';
import { nulList, nulRecords } from '../../src/verify/records.ts';

describe('the fields that find prints', () => {
  test('are read with their fractions', () => {
    expect(
      parseFields('f 4755 100999 100 12 1795447724.6418358140 1795447725.0000000000 2 2147418 65024'),
    ).toEqual({
      type: 'f',
      mode: '4755',
      uid: 100999,
      gid: 100,
      size: 12,
      mtime: '1795447724.6418358140',
      ctime: 1795447725,
      links: 2,
      inode: '65024:2147418',
    });
  });

  test('before 1970 are read', () => {
    expect(parseFields('f 644 0 0 0 -6.5000000000 5.0 1 1 1')?.mtime).toBe('-6.5000000000');
  });

  test('of an unknown type or shape are not guessed', () => {
    expect(parseFields('D 755 0 0 0 1.0 1.0 1 1 1')).toBeUndefined();
    expect(parseFields('f 755')).toBeUndefined();
  });
});

describe('the attributes that getfattr prints', () => {
  const dump = [
    '# file: n\\012l=\\134q\xff',
    'user.a\\075b=0x31',
    'trusted.SGI_ACL_FILE=0x00',
    '',
    '# file: only-twice',
    'trusted.SGI_ACL_DEFAULT=0x00',
    '',
    '# inode: 65024:7',
    '# file: base',
    'security.capability=0x0100',
    'trusted.empty=0x',
    '',
  ].join('\n');

  test('come with names of any bytes, without those that XFS shows twice, whatever the chunks', () => {
    const bytes = Buffer.from(`${dump}\n`, 'latin1');
    fc.assert(
      fc.property(fc.nat(bytes.length), (cut) => {
        const seen: Record<string, Record<string, string>> = {};
        const parser = attributeParser((name, attributes) => {
          seen[name] = attributes;
        });
        parser.push(bytes.subarray(0, cut));
        parser.push(bytes.subarray(cut));
        expect(parser.end()).toBe('');
        expect(parser.unknown).toEqual([]);
        expect(seen).toEqual({
          'n\nl=\\q\xff': { 'user.a=b': '31' },
          '65024:7': { 'security.capability': '0100', 'trusted.empty': '' },
        });
      }),
      { numRuns: 50 },
    );
  });

  test('of another shape are kept as unknown', () => {
    const parser = attributeParser(() => {});
    parser.push(Buffer.from('# file: x\nuser.a="text"\n\n'));
    expect(parser.unknown).toEqual(['user.a="text"']);
  });
});

describe('names', () => {
  test('of any bytes go through a NUL-separated list unharmed', () => {
    const name = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(name), (names) => {
        const seen: string[] = [];
        const parser = nulRecords((record) => seen.push(record));
        for (const chunk of nulList(names)) parser.push(chunk);
        expect(seen).toEqual(names);
        expect(parser.rest()).toBe('');
      }),
    );
  });

  test('are shown as UTF-8 where they are, and byte by byte where they are not', () => {
    const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    expect(printableName(latin1('Übung/été'))).toBe('Übung/été');
    expect(printableName('q\xff\n')).toBe('q\\xff\\x0a');
    expect(printableName(latin1('a\u001b[31m'))).toBe('a\\x1b[31m');
  });

  test('that are excluded are matched literally by find', () => {
    expect(metadataCommand('/mnt/docker', ['a*[b]', '/lead/']).slice(5, 13)).toEqual([
      '(',
      '-path',
      './a\\*\\[b\\]',
      '-o',
      '-path',
      './lead',
      ')',
      '-prune',
    ]);
  });
});
