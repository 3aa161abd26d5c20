import { isUtf8 } from 'node:buffer';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attributeParser, type Entry, parseFields } from '../../src/verify/manifest.ts';
import { metadataCommand } from '../../src/verify/manifest-command.ts';
import { createManifest, readManifestFile, readManifestHeader } from '../../src/verify/manifest-file.ts';
import { manifestLine, parseLine, parsePathToken, pathToken } from '../../src/verify/manifest-line.ts';
import { printableName } from '../../src/verify/name.ts';
import { nulList, nulRecords } from '../../src/verify/records.ts';

describe('the fields that find prints', () => {
  test('are read with their fractions', () => {
    expect(
      parseFields('f 4755 100999 100 12 1795447724.6418358140 1795447725.0000000010 2 2147418 65024//'),
    ).toEqual({
      type: 'f',
      mode: '4755',
      uid: 100999,
      gid: 100,
      size: 12,
      mtime: '1795447724.641835814',
      ctime: '1795447725.000000001',
      links: 2,
      inode: '65024:2147418',
    });
  });

  test('before 1970 are read', () => {
    expect(parseFields('f 644 0 0 0 -6.5000000000 5.0 1 1 1//')?.mtime).toBe('-6.500000000');
  });

  test('tell where a link points, and no size but that of a file', () => {
    expect(parseFields('l 777 0 0 9 1.0 1.0 1 1 1//a//b\nc')).toMatchObject({ link: 'a//b\nc', size: 0 });
  });

  test('of an unknown type or shape are not guessed', () => {
    expect(parseFields('D 755 0 0 0 1.0 1.0 1 1 1//')).toBeUndefined();
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
    'btrfs.compression=0x7a737464',
    '',
    '# inode: 65024:7',
    '# file: base',
    'security.capability=0x0100',
    'trusted.empty=0x',
    '',
  ].join('\n');

  test('come with names of any bytes, without what XFS shows twice and settings of btrfs, whatever the chunks', () => {
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

const anyName = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
  minLength: 1,
});

describe('a line of a manifest', () => {
  const entry: Entry = {
    type: 'l',
    mode: '777',
    uid: 0,
    gid: 0,
    size: 0,
    mtime: '1.000000000',
    ctime: '1.000000000',
    links: 1,
    inode: '1:2',
  };

  test('gives back names and links of any bytes', () => {
    fc.assert(
      fc.property(anyName, anyName, anyName, (path, link, attribute) => {
        const whole = { ...entry, link, attributes: { [attribute]: '00ff' } };
        const line = manifestLine(path, whole);
        expect(line.slice(0, -1)).not.toContain('\n');
        expect(isUtf8(Buffer.from(line, 'latin1'))).toBe(true);
        expect(parseLine(line)).toEqual({ path, entry: whole });
        expect(parsePathToken(pathToken(line) as string)).toBe(path);
      }),
    );
  });

  test('shows a name as it is where it is UTF-8', () => {
    const path = Buffer.from('Übung "x"', 'utf8').toString('latin1');
    expect(Buffer.from(manifestLine(path, entry), 'latin1').toString('utf8')).toContain(
      '"path":"Übung \\"x\\""',
    );
  });
});

describe('a manifest file', () => {
  const header = {
    format: 2,
    algorithm: 'sha256',
    host: 'doc1',
    path: '/mnt/docker',
    exclude: [],
    attributesKnown: true,
    takenAt: '2026-01-01T00:00:00.000Z',
  } as const;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-manifest-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('that is cut off, of another version, or none at all is said to be so, with a look at it', async () => {
    const file = join(folder, 'whole.gz');
    const manifest = createManifest(file, header);
    await manifest.write('{"path":"x"');
    await manifest.finish();
    const bad = [file, join(folder, 'old.gz'), join(folder, 'half.gz'), join(folder, 'text')];
    writeFileSync(bad[1]!, gzipSync('{"path":".","type":"d"}\n'));
    writeFileSync(bad[2]!, readFileSync(file).subarray(0, -12));
    writeFileSync(bad[3]!, 'text');
    for (const one of bad) {
      const read = async () => {
        for await (const _entry of readManifestFile(one));
      };
      await expect(read()).rejects.toMatchObject({
        code: 'verify/manifest',
        next: [`zcat ${one} | tail -n 2`, expect.stringContaining('drayage verify')],
      });
    }
  });

  test('has its name only when it is whole', async () => {
    const manifest = createManifest(join(folder, 'given-up.gz'), header);
    await manifest.write('line\n');
    await manifest.abandon();
    expect(readdirSync(folder).filter((name) => name.startsWith('given-up'))).toEqual([]);
  });

  test('tells its header', async () => {
    const file = join(folder, 'header.gz');
    await createManifest(file, header).finish();
    expect(await readManifestHeader(file)).toEqual(header);
  });
});

describe('names', () => {
  test('of any bytes go through a NUL-separated list unharmed', () => {
    fc.assert(
      fc.property(fc.array(anyName), (names) => {
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
