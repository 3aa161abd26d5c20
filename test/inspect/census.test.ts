import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeCount } from '../../src/inspect/attributes.ts';
import { Census, censusArgv } from '../../src/inspect/census.ts';
import { showName } from '../../src/inspect/names.ts';

const take = (records: string[], cut = 1_000_000): Census => {
  const census = new Census();
  const whole = Buffer.from(records.map((record) => `${record}\0`).join(''), 'latin1');
  for (let at = 0; at < whole.length; at += cut) census.add(whole.subarray(at, at + cut));
  return census;
};

const records = [
  'd 4096 8 2 11 1000 100 immich',
  'f 5000 16 1 12 1000 100 immich/a',
  'f 100 8 2 13 0 0 immich/b',
  'f 100 8 2 13 0 0 immich/linked',
  'f 1048576 0 1 14 100999 100999 immich/sparse',
  'l 3 0 1 15 0 0 immich/link',
  '! immich/closed',
];

describe('the census', () => {
  it.each([1_000_000, 7, 1])('counts the same whatever the size of the pieces (%i bytes)', (cut) => {
    const census = take(records, cut);
    expect(census).toMatchObject({
      complete: true,
      entries: 6,
      bytes: 5000 + 100 + 1_048_576,
      allocatedBytes: (8 + 16 + 8) * 512,
      hardLinkGroups: 1,
      sparseFiles: 1,
      unreadable: ['immich/closed'],
      owners: [
        { uid: 0, gid: 0, entries: 3 },
        { uid: 1000, gid: 100, entries: 2 },
        { uid: 100_999, gid: 100_999, entries: 1 },
      ],
    });
  });

  it('knows an image store by its two folders', () => {
    const store = ['d 0 0 2 1 0 0 s/overlay-containers', 'd 0 0 2 1 0 0 s/overlay-images'];
    expect(take(store).stores).toEqual(['s']);
    expect(take(store.slice(1)).stores).toEqual([]);
  });

  it('refuses a record of another form', () => {
    expect(() => take(['no record'])).toThrow(/find printed "no record"/);
  });

  it('notices an end in the middle of an entry', () => {
    const census = new Census();
    census.add(Buffer.from('d 4096 8 2 11 1000 100 imm'));
    expect(census.complete).toBe(false);
  });

  it('takes the characters of a pattern for what they are', () => {
    expect(censusArgv('/mnt', ['/mnt/a[1]*'])).toContain('/mnt/a\\[1\\]\\*');
  });
});

describe('databases', () => {
  const found = (names: string[], sqlite: string[] = []) =>
    take(
      names.map((name) =>
        name.endsWith('/') ? `d 0 0 2 1 0 0 ${name.slice(0, -1)}` : `f 4096 8 1 2 0 0 ${name}`,
      ),
    )
      .marks.found(new Set(sqlite), (path) => path)
      .map(({ kind, path }) => `${kind} at ${path}`);

  it.each([
    [['pg/PG_VERSION', 'pg/global/pg_control', 'pg/base/5/PG_VERSION'], 'PostgreSQL at pg'],
    [['my/ibdata1', 'my/aria_log_control'], 'MariaDB at my'],
    [['my/ibdata1'], 'MySQL or MariaDB at my'],
    [['mongo/WiredTiger'], 'MongoDB (WiredTiger) at mongo'],
    [['dump.rdb'], 'Redis at .'],
    [['r/appendonlydir/'], 'Redis at r'],
    [['prom/wal/', 'prom/chunks_head/'], 'Prometheus TSDB at prom'],
    [['es/indices/u1/0/index/segments_3', 'es/indices/u2/0/index/segments_a'], 'Lucene index at es'],
    [['l/data.mdb', 'l/lock.mdb'], 'LMDB at l'],
  ])('are known by their marks: %j', (names, expected) => {
    expect(found(names)).toEqual([expected]);
  });

  it('are not seen in half a mark', () => {
    expect(found(['pg/PG_VERSION', 'x/wal/', 'l/data.mdb'])).toEqual([]);
  });

  it('of SQLite are told by their header, and their journal is named', () => {
    expect(found(['app/a.db', 'app/a.db-wal', 'plain.sqlite'], ['app/a.db', 'plain.sqlite'])).toEqual([
      'SQLite (WAL) at app/a.db',
      'SQLite at plain.sqlite',
    ]);
  });

  it('of SQLite are looked for by name, and beside a journal', () => {
    const census = take(['f 4096 8 1 2 0 0 a.db', 'f 9 8 1 3 0 0 short.db', 'f 4096 8 1 4 0 0 odd-wal']);
    expect(census.marks.candidates()).toEqual(['a.db', 'odd']);
  });
});

describe('the count of attributes', () => {
  const text = `# file: /mnt/docker/a
system.posix_acl_access
user.note

# file: /mnt/docker/b
security.selinux

# file: /mnt/docker/store/c
user.overlay.opaque

# file: /mnt/docker/odd\\012name
security.capability

`;

  it.each([1000, 5])('takes ACLs apart from other attributes and leaves stores out (%i bytes)', (cut) => {
    const counted = new AttributeCount(['/mnt/docker/store']);
    const whole = Buffer.from(text);
    for (let at = 0; at < whole.length; at += cut) counted.add(whole.subarray(at, at + cut));
    counted.end();
    expect({ acls: counted.acls, xattrs: counted.xattrs }).toEqual({ acls: 1, xattrs: 2 });
  });
});

describe('names of any bytes', () => {
  it('show as UTF-8, with control characters and other bytes in hex', () => {
    expect(showName(Buffer.from('Fotos für Zoë'))).toBe('Fotos für Zoë');
    expect(showName(Buffer.from('a\nb\\'))).toBe('a\\x0ab\\x5c');
    expect(showName(Buffer.from([0x61, 0xff]))).toBe('a\\xff');
  });

  it('never look the same when they differ', () => {
    const bytes = fc.uint8Array({ maxLength: 6 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        fc.pre(!Buffer.from(a).equals(Buffer.from(b)));
        expect(showName(Buffer.from(a))).not.toBe(showName(Buffer.from(b)));
      }),
    );
  });
});
