import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeCount } from '../../src/inspect/attributes.ts';
import { Census, censusArgv } from '../../src/inspect/census.ts';
import { LinkedInodes } from '../../src/inspect/linked-inodes.ts';
import { showName } from '../../src/inspect/names.ts';

const device = '64768';

const feed = (records: readonly string[], cut = 1_000_000): Census => {
  const census = new Census(device);
  const whole = Buffer.from(records.map((record) => `${record}\0`).join(''), 'latin1');
  for (let at = 0; at < whole.length; at += cut) census.add(whole.subarray(at, at + cut));
  return census;
};

const take = (records: readonly string[], cut?: number) => {
  const census = feed(records, cut);
  const tally = census.end();
  return { census, tally, owners: census.owners(tally) };
};

const records = [
  'd 4096 8 2 11 64768 1000 100 immich',
  'f 5000 16 1 12 64768 1000 100 immich/a',
  'f 100 8 2 13 64768 0 0 immich/b',
  'f 100 8 2 13 64768 0 0 immich/linked',
  'f 1048576 0 1 14 64768 100999 100999 immich/sparse',
  'l 3 0 1 15 64768 0 0 immich/link',
  'd 4096 8 2 16 64768 0 0 immich/closed',
  '! immich/closed',
  'p 0 0 1 17 64768 0 0 pipe',
  's 0 0 1 18 64768 0 0 run.sock',
  'b 0 0 1 19 64768 0 0 disk',
  'c 0 0 1 20 64768 0 0 null',
  'd 4096 8 2 256 77 0 0 subvolume',
  'f 1 8 1 21 64768 0 0 caf\xe9',
  'f 1 8 1 22 64768 0 0 caf\xc3\xa9',
];

describe('the census', () => {
  it.each([1_000_000, 7, 1])('counts the same whatever the size of the pieces (%i bytes)', (cut) => {
    const { census, tally, owners } = take(records, cut);
    expect(census.complete).toBe(true);
    expect(census.hardLinkGroups).toBe(1);
    expect(tally).toMatchObject({
      entries: 14,
      inodes: 13,
      bytes: 5000 + 100 + 1_048_576 + 1 + 1,
      allocatedBytes: (8 + 16 + 8 + 8 + 8 + 8 + 8) * 512,
      sparseFiles: 1,
      fifos: 1,
      sockets: 1,
      devices: 2,
      special: { count: 4, first: ['pipe', 'run.sock', 'disk', 'null'] },
      unreadable: { count: 1, first: ['immich/closed'] },
      notUtf8: { count: 1, first: ['caf\xe9'] },
      foreign: { count: 1, first: ['subvolume'] },
    });
    expect(owners).toEqual([
      { uid: 0, gid: 0, entries: 11 },
      { uid: 1000, gid: 100, entries: 2 },
      { uid: 100_999, gid: 100_999, entries: 1 },
    ]);
  });

  it('counts to the last one what it lists only the first of', () => {
    const closed = Array.from({ length: 1500 }, (_, at) => [
      `f 1 8 1 ${at + 1} 64768 0 0 x${at}\xff`,
      `! x${at}\xff`,
    ]).flat();
    const { tally } = take(closed);
    expect(tally.unreadable.count).toBe(1500);
    expect(tally.unreadable.first).toHaveLength(1000);
    expect(tally.notUtf8.count).toBe(1500);
    expect(tally.notUtf8.first).toHaveLength(20);
  });

  it('counts a name that is not UTF-8 once, not with all that lies below it', () => {
    const { tally } = take(['d 0 0 2 1 64768 0 0 \xff', 'f 0 0 1 2 64768 0 0 \xff/plain']);
    expect(tally.notUtf8).toMatchObject({ count: 1, first: ['\xff'] });
  });

  it('refuses a record of another form', () => {
    expect(() => take(['no record'])).toThrow(/find printed "no record"/);
  });

  it('notices an end in the middle of an entry', () => {
    const census = new Census(device);
    census.add(Buffer.from('d 4096 8 2 11 64768 1000 100 imm'));
    expect(census.complete).toBe(false);
  });

  it('takes the characters of a pattern for what they are', () => {
    expect(censusArgv('/mnt', ['/mnt/a[1]*'])).toContain('/mnt/a\\[1\\]\\*');
  });
});

describe('an image store', () => {
  const store = [
    'd 0 0 2 30 64768 0 0 s',
    'f 9000 24 1 31 64768 7 7 s/before',
    'f 50 8 3 32 64768 7 7 s/linked',
    'f 4096 8 1 33 64768 7 7 s/app.db',
    'd 0 0 2 34 64768 7 7 s/overlay-containers',
    'd 0 0 2 35 64768 7 7 s/overlay-images',
    's 0 0 1 36 64768 7 7 s/overlay-images/sock\xff',
    '! s/overlay-images/sock\xff',
    'f 50 8 3 32 64768 7 7 s/linked-again',
  ];

  it('is known by its two folders, not by one', () => {
    expect(take(store).census.stores).toEqual(['s']);
    expect(take(store.filter((record) => !record.endsWith('containers'))).census.stores).toEqual([]);
  });

  it('is taken out of every count when its last entry has come', () => {
    const plain = take([...records.slice(0, 8), ...records.slice(8)]);
    const around = take([...records.slice(0, 8), ...store, ...records.slice(8)]);
    expect(around.tally).toEqual(plain.tally);
    expect(around.owners).toEqual(plain.owners);
    expect(around.census.hardLinkGroups).toBe(plain.census.hardLinkGroups);
    expect(around.census.marks.takeCandidates().size).toBe(0);
  });

  it('leaves a file that has a name outside of it to be counted there', () => {
    const { census, tally } = take([...store, 'f 50 8 3 32 64768 7 7 outside']);
    expect(census.hardLinkGroups).toBe(1);
    expect(tally).toMatchObject({ entries: 1, inodes: 1, bytes: 50 });
  });

  it('inside another one is part of it', () => {
    const inner = [
      'd 0 0 2 40 64768 0 0 s/volumes',
      'd 0 0 2 41 64768 0 0 s/volumes/vfs-images',
      'd 0 0 2 42 64768 0 0 s/volumes/vfs-containers',
    ];
    expect(take([...store, ...inner]).census.stores).toEqual(['s']);
  });

  it('that is the top itself leaves nothing to count', () => {
    const { census, tally } = take([
      'd 0 0 2 1 64768 0 0 vfs-images',
      'd 0 0 2 2 64768 0 0 vfs-containers',
      'f 1 8 1 3 64768 0 0 x',
    ]);
    expect(census.stores).toEqual(['.']);
    expect(tally.entries).toBe(0);
  });
});

describe('the set of linked inodes', () => {
  it('knows what it has, and forgets what is taken back, like a plain set', () => {
    const inode = fc.oneof(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    const action = fc.oneof(inode, fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }) }));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const inodes = new LinkedInodes();
        let model: bigint[] = [];
        for (const step of actions) {
          if (typeof step === 'bigint') {
            expect(inodes.add(String(step))).toBe(!model.includes(step));
            if (!model.includes(step)) model.push(step);
          } else {
            model = model.slice(0, Math.floor(model.length * step.keep));
            inodes.takeBack(model.length);
          }
          expect(inodes.size).toBe(model.length);
        }
      }),
    );
  });

  it('grows, and takes back across its growth', () => {
    const inodes = new LinkedInodes();
    for (let at = 0; at < 100_000; at += 1) expect(inodes.add(String(at * 4096))).toBe(true);
    inodes.takeBack(600);
    expect(inodes.add(String(599 * 4096))).toBe(false);
    expect(inodes.add(String(600 * 4096))).toBe(true);
    expect(inodes.size).toBe(601);
  });
});

describe('the count of attributes', () => {
  const text = `# file: ./a
system.posix_acl_access
user.note

# file: ./b
security.selinux

# file: ./store/c
user.overlay.opaque

# file: ./odd\\012name
security.capability

# file: ./xfs
system.posix_acl_access
system.posix_acl_default
trusted.SGI_ACL_FILE
trusted.SGI_ACL_DEFAULT

`;

  it.each([1000, 5])('takes ACLs and capabilities apart, and leaves stores out (%i bytes)', (cut) => {
    const counted = new AttributeCount(['store']);
    const whole = Buffer.from(text);
    for (let at = 0; at < whole.length; at += cut) counted.add(whole.subarray(at, at + cut));
    counted.end();
    expect(counted).toMatchObject({ acls: 2, xattrs: 1, capabilities: 1 });
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
