import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../src/ssh/host.ts';
import {
  createDataset,
  createSnapshot,
  destroySnapshot,
  getDatasetProperties,
  mountDataset,
} from '../../src/zfs/commands.ts';
import {
  listDatasets,
  readDataset,
  readPools,
  readProperties,
  readSnapshots,
  readVersion,
} from '../../src/zfs/dataset.ts';
import { zfsFailure } from '../../src/zfs/errors.ts';
import { aclTypeOf, shownPosixAcl, xattrModeOf } from '../../src/zfs/values.ts';

/** A zfs with a pool `nvmeprom` of its own that a test may fill. */
export interface ZfsUnderTest {
  readonly host: Host;
  /** Where the pool's root dataset is mounted. */
  readonly mountpoint: string;
  /** True for OpenZFS; the lab's emulator lets ACLs work and shows `.zfs` among the names. */
  readonly real: boolean;
  close(): Promise<void>;
}

const pool = 'nvmeprom';

/**
 * What drayage expects of zfs, whichever it is: held against OpenZFS in a guest, and against the lab's emulator.
 * @param more further tests of the same zfs, after the common ones
 */
export function describeZfs(
  title: string,
  open: () => Promise<ZfsUnderTest>,
  more?: (zfs: () => ZfsUnderTest) => void,
): void {
  describe(title, () => {
    let zfs: ZfsUnderTest;
    // Long enough for modules that must be built on a busy machine.
    beforeAll(async () => {
      zfs = await open();
    }, 1_800_000);
    afterAll(() => zfs?.close());

    const run = (...argv: string[]) => zfs.host.run(argv, { timeoutSeconds: 60 });
    const ok = async (...argv: string[]) => {
      const { exitCode, stdout, stderr } = await run(...argv);
      expect(`${stderr}`).toBe('');
      expect(exitCode).toBe(0);
      return stdout.toString();
    };
    const shell = (script: string) => ok('sh', '-ec', script);
    /** The error that drayage makes of a command that must fail. */
    const failure = async (...argv: string[]) => {
      const { exitCode, stderr } = await run(...argv);
      expect(exitCode).not.toBe(0);
      return zfsFailure({ host: zfs.host.name, argv, exitCode, stderr: stderr.toString() });
    };
    const at = (path: string) => `${zfs.mountpoint}/${path}`;
    const shareProperties = (mountpoint: string) => ({ acltype: 'posixacl', xattr: 'sa', mountpoint });

    it('tells its version, of which the module decides what xattr=on means', async () => {
      const version = await readVersion(zfs.host);
      expect(version.major).toBeGreaterThanOrEqual(2);
      expect(version.module.includes('drayage-lab-emulator')).toBe(!zfs.real);
    });

    it('lists the pool with its size, health and guid', async () => {
      const [only, ...others] = await readPools(zfs.host);
      expect(others).toEqual([]);
      expect(only).toMatchObject({ name: pool, health: 'ONLINE', readonly: false });
      expect(only?.guid).toMatch(/^\d{10,20}$/);
      expect(only?.sizeBytes).toBe((only?.freeBytes ?? 0) + (only?.allocatedBytes ?? 0));
    });

    it('creates a dataset with the properties of a share, mounted, and reads them back', async () => {
      await ok(
        ...createDataset(`${pool}/containers`, { ...shareProperties(at('containers')), recordsize: '16K' }),
      );
      const version = await readVersion(zfs.host);
      const dataset = await readDataset(zfs.host, `${pool}/containers`);
      expect(dataset).toMatchObject({
        name: `${pool}/containers`,
        mountpoint: at('containers'),
        mounted: true,
        canmount: 'on',
        readonly: false,
        recordsizeBytes: 16384,
        quotaBytes: 0,
        children: [],
      });
      expect(dataset?.availableBytes).toBeGreaterThan(100_000_000);
      expect(aclTypeOf(dataset?.acltype ?? '')).toBe('posix');
      expect(xattrModeOf(dataset?.xattr ?? '', version)).toBe('sa');
    });

    it('shows posixacl as posix, and each property with its source', async () => {
      expect(
        await ok(...getDatasetProperties(`${pool}/containers`, ['mounted', 'mountpoint', 'acltype'])),
      ).toBe(`yes\n${at('containers')}\n${shownPosixAcl}\n`);
      expect(
        await readProperties(zfs.host, `${pool}/containers`, ['acltype', 'mounted', 'compression']),
      ).toEqual([
        { property: 'acltype', value: 'posix', source: 'local' },
        { property: 'mounted', value: 'yes', source: '-' },
        { property: 'compression', value: 'on', source: 'default' },
      ]);
    });

    it('inherits properties and mount points from the dataset above', async () => {
      await ok(...createDataset(`${pool}/containers/child`, {}));
      const rows = await readProperties(zfs.host, `${pool}/containers/child`, [
        'mountpoint',
        'recordsize',
        'acltype',
      ]);
      expect(rows).toEqual([
        {
          property: 'mountpoint',
          value: at('containers/child'),
          source: `inherited from ${pool}/containers`,
        },
        { property: 'recordsize', value: '16384', source: `inherited from ${pool}/containers` },
        { property: 'acltype', value: 'posix', source: `inherited from ${pool}/containers` },
      ]);
      expect((await readDataset(zfs.host, `${pool}/containers`))?.children).toEqual([
        `${pool}/containers/child`,
      ]);
      expect((await listDatasets(zfs.host, pool))?.map((row) => row.name)).toEqual([
        pool,
        `${pool}/containers`,
        `${pool}/containers/child`,
      ]);
    });

    it('reads a dataset whose mount point holds a space, a tab, a comma and an equals sign', async () => {
      const odd = at('odd a\tb,c=d');
      await ok(...createDataset(`${pool}/odd`, { mountpoint: odd }));
      expect(await readDataset(zfs.host, `${pool}/odd`)).toMatchObject({ mountpoint: odd, mounted: true });
    });

    it('keeps ACLs, xattrs and their order of bytes on a dataset of a share', async () => {
      await shell(
        `cd '${at('containers')}'; touch f; setfacl -m u:1000:rw f; setfattr -n user.note -v hello f`,
      );
      expect(await shell(`getfacl -cn '${at('containers/f')}' 2>/dev/null`)).toContain('user:1000:rw-');
      expect(
        await shell(`getfattr --only-values -n user.note --absolute-names '${at('containers/f')}'`),
      ).toBe('hello');
    });

    it('lets ACLs fail with "Operation not supported" where acltype is off', async ({ skip }) => {
      await ok(...createDataset(`${pool}/plain`, { acltype: 'off' }));
      skip(!zfs.real, 'btrfs knows noacl only for a whole file system');
      const { exitCode, stderr } = await run('setfacl', '-m', 'u:1000:rw', at('plain'));
      expect(exitCode).toBe(1);
      expect(stderr.toString()).toContain('Operation not supported');
      const copy = await run('rsync', '-aAX', '--numeric-ids', `${at('containers')}/f`, at('plain/'));
      expect(copy.exitCode).toBe(23);
      expect(copy.stderr.toString()).toContain('set_acl: xacl_set');
    });

    it('says whether a dataset is mounted, and shows what lies below an unmounted one', async () => {
      await ok(...createDataset(`${pool}/away`, {}));
      await shell(`touch '${at('away/inside')}'`);
      await ok('zfs', 'unmount', `${pool}/away`);
      expect(await readDataset(zfs.host, `${pool}/away`)).toMatchObject({
        mounted: false,
        mountpoint: at('away'),
      });
      expect(await shell(`ls -A '${at('away')}'`)).toBe('');
      await ok(...mountDataset(`${pool}/away`));
      expect(await readDataset(zfs.host, `${pool}/away`)).toMatchObject({ mounted: true });
      expect(await shell(`ls -A '${at('away')}'`)).toBe('inside\n');
    });

    it('reads datasets that have no mount point or are mounted by others', async () => {
      await ok(...createDataset(`${pool}/none`, { mountpoint: 'none' }));
      await ok(...createDataset(`${pool}/legacy`, { mountpoint: 'legacy' }));
      expect(await readDataset(zfs.host, `${pool}/none`)).toMatchObject({
        mountpoint: 'none',
        mounted: false,
      });
      expect(await readDataset(zfs.host, `${pool}/legacy`)).toMatchObject({
        mountpoint: 'legacy',
        mounted: false,
      });
      expect((await failure(...mountDataset(`${pool}/none`))).code).toBe('zfs/mount-failed');
    });

    it('takes snapshots that stay as they were and can be read below .zfs', async () => {
      await ok(...createDataset(`${pool}/snapped`, shareProperties(at('snapped'))));
      await shell(`echo before > '${at('snapped/f')}'`);
      const before = Math.floor(Date.now() / 1000) - 120;
      await ok(...createSnapshot({ dataset: `${pool}/snapped`, snapshot: 'first' }));
      await shell(`echo after > '${at('snapped/f')}'`);
      await ok(...createSnapshot({ dataset: `${pool}/snapped`, snapshot: 'second' }));
      const snapshots = await readSnapshots(zfs.host, `${pool}/snapped`);
      expect(snapshots?.map((each) => [each.dataset, each.snapshot])).toEqual([
        [`${pool}/snapped`, 'first'],
        [`${pool}/snapped`, 'second'],
      ]);
      expect(snapshots?.[0]?.creation).toBeGreaterThan(before);
      expect(await shell(`cat '${at('snapped/.zfs/snapshot/first/f')}'`)).toBe('before\n');
      expect(await shell(`cat '${at('snapped/.zfs/snapshot/second/f')}'`)).toBe('after\n');
      const write = await run('touch', at('snapped/.zfs/snapshot/first/new'));
      expect(write.stderr.toString()).toContain('Read-only file system');
      expect((await shell(`ls -A '${at('snapped')}'`)).split('\n').includes('.zfs')).toBe(!zfs.real);
    });

    it('destroys one snapshot, and leaves the data and the other snapshots', async () => {
      await ok(...createDataset(`${pool}/dropped`, shareProperties(at('dropped'))));
      await shell(`echo kept > '${at('dropped/f')}'`);
      await ok(...createSnapshot({ dataset: `${pool}/dropped`, snapshot: 'first' }));
      await ok(...createSnapshot({ dataset: `${pool}/dropped`, snapshot: 'second' }));
      expect(await shell(`cat '${at('dropped/.zfs/snapshot/first/f')}'`)).toBe('kept\n');
      expect(await ok(...destroySnapshot(`${pool}/dropped`, 'first'))).toBe('');
      expect((await readSnapshots(zfs.host, `${pool}/dropped`))?.map((each) => each.snapshot)).toEqual([
        'second',
      ]);
      expect(await shell(`cat '${at('dropped/f')}'`)).toBe('kept\n');
      // OpenZFS still shows the name, as an empty directory, to those who looked there before.
      const gone = await run('cat', at('dropped/.zfs/snapshot/first/f'));
      expect(gone.stderr.toString()).toContain('No such file or directory');
    });

    it('takes a snapshot anew under a name that was destroyed, and shows what is new', async () => {
      await shell(`echo newer > '${at('dropped/f')}'`);
      await ok(...createSnapshot({ dataset: `${pool}/dropped`, snapshot: 'first' }));
      expect(await shell(`cat '${at('dropped/.zfs/snapshot/first/f')}'`)).toBe('newer\n');
      expect(await shell(`cat '${at('dropped/.zfs/snapshot/second/f')}'`)).toBe('kept\n');
    });

    it('refuses to destroy a snapshot in which a process works', async () => {
      const { stdout } = await run(
        'sh',
        '-c',
        `(cd '${at('dropped/.zfs/snapshot/second')}'; exec sleep 20) >/dev/null 2>&1 & sleep 0.5; zfs destroy ${pool}/dropped@second 2>&1; echo "exit $?"; kill $!`,
      );
      expect(stdout.toString()).toBe(
        `cannot destroy snapshot ${pool}/dropped@second: dataset is busy\nexit 1\n`,
      );
      const busy = zfsFailure({
        host: 'prom',
        argv: destroySnapshot(`${pool}/dropped`, 'second'),
        exitCode: 1,
        stderr: stdout.toString().replace(/exit 1\n$/, ''),
      });
      expect(busy.code).toBe('zfs/snapshot-busy');
      expect(busy.next[0]).toBe(`zfs holds ${pool}/dropped@second`);
      expect(await shell(`cat '${at('dropped/.zfs/snapshot/second/f')}'`)).toBe('kept\n');
    });

    it('says exactly why a snapshot could not be destroyed', async () => {
      const says = async (...argv: string[]) => {
        const { exitCode, stdout, stderr } = await run(...argv);
        return `${exitCode} ${stdout}${stderr}`;
      };
      expect(await says(...destroySnapshot(`${pool}/dropped`, 'none'))).toBe(
        '1 could not find any snapshots to destroy; check snapshot names.\n',
      );
      expect(await says(...destroySnapshot(`${pool}/missing`, 'none'))).toBe(
        `1 cannot open '${pool}/missing': dataset does not exist\n`,
      );
      expect(await says('zfs', 'destroy')).toMatch(/^2 missing dataset argument\nusage:/);
      expect(await says('zfs', 'destroy', `${pool}/dropped@a`, `${pool}/dropped@b`)).toMatch(
        /^2 too many arguments\nusage:/,
      );
      const missing = await failure(...destroySnapshot(`${pool}/dropped`, 'none'));
      expect(missing.code).toBe('zfs/snapshot-missing');
      expect(missing.next).toEqual([`zfs list -t snapshot ${pool}/dropped`]);
    });

    it('lists one snapshot by its name, and fails for one that is not there', async () => {
      const list = async (name: string) => {
        const { exitCode, stdout, stderr } = await run('zfs', 'list', '-H', '-t', 'snapshot', '--', name);
        return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
      };
      const found = await list(`${pool}/dropped@second`);
      expect(found).toMatchObject({ exitCode: 0, stderr: '' });
      const [name, , available, , mountpoint] = found.stdout.trimEnd().split('\t');
      expect([name, available, mountpoint]).toEqual([`${pool}/dropped@second`, '-', '-']);
      expect(found.stdout.split('\n')).toHaveLength(2);
      for (const missing of [`${pool}/dropped@none`, `${pool}/missing@none`]) {
        expect(await list(missing)).toEqual({
          exitCode: 1,
          stdout: '',
          stderr: `cannot open '${missing}': dataset does not exist\n`,
        });
      }
    });

    it('takes a snapshot of everything below at once', async () => {
      await ok(...createSnapshot({ dataset: `${pool}/containers`, snapshot: 'all', recursive: true }));
      expect(
        (await readSnapshots(zfs.host, `${pool}/containers/child`))?.map((each) => each.snapshot),
      ).toEqual(['all']);
    });

    it('knows no dataset, pool or snapshots where there are none', async () => {
      expect(await readDataset(zfs.host, `${pool}/missing`)).toBeUndefined();
      expect(await listDatasets(zfs.host, 'nopool')).toBeUndefined();
      expect(await readProperties(zfs.host, `${pool}/missing`, ['mounted'])).toBeUndefined();
      expect(await readSnapshots(zfs.host, `${pool}/missing`)).toBeUndefined();
      expect(await readSnapshots(zfs.host, `${pool}/odd`)).toEqual([]);
    });

    it('gives each refusal its own error, with what to type next', async () => {
      const create = (name: string, properties = {}) => failure(...createDataset(name, properties));
      const exists = await create(`${pool}/containers`, shareProperties(at('containers')));
      expect(exists.code).toBe('zfs/already-exists');
      expect(exists.next).toEqual([`zfs get all ${pool}/containers`]);
      const orphan = await create(`${pool}/no/such/parent`);
      expect(orphan.code).toBe('zfs/parent-missing');
      expect(orphan.next[0]).toBe(`zfs create ${pool}/no/such`);
      const homeless = await create('nopool/containers');
      expect(homeless.code).toBe('zfs/pool-missing');
      expect(homeless.next).toEqual(['zpool list', 'zpool import nopool']);
      expect((await failure('zpool', 'list', '-Hp', 'nopool')).code).toBe('zfs/pool-missing');
      const twice = await failure(...createSnapshot({ dataset: `${pool}/snapped`, snapshot: 'first' }));
      expect(twice.code).toBe('zfs/already-exists');
      expect(twice.next).toEqual([`zfs get all ${pool}/snapped@first`]);
      const gone = await failure(...createSnapshot({ dataset: `${pool}/missing`, snapshot: 'x' }));
      expect(gone.code).toBe('zfs/dataset-missing');
      expect(gone.seen).not.toContain('usage:');
      expect((await failure('zfs', 'unmount', `${pool}/none`)).code).toBe('zfs/not-mounted');
      expect((await failure(...mountDataset(`${pool}/containers`))).code).toBe('zfs/already-mounted');
    });

    it.each([
      ['an unknown property', `${pool}/x`, { bogus: '1' }, 'zfs/property'],
      ['an unknown value', `${pool}/x`, { acltype: 'wrong' }, 'zfs/property'],
      ['a recordsize that is no power of 2', `${pool}/x`, { recordsize: '3' }, 'zfs/property'],
      ['a relative mount point', `${pool}/x`, { mountpoint: 'relative' }, 'zfs/property'],
      ['a property that cannot be set', `${pool}/x`, { used: '1' }, 'zfs/property'],
      ['a snapshot for a dataset', `${pool}/a@b`, {}, 'zfs/name'],
      ['a character that names may not have', `${pool}/a%b`, {}, 'zfs/name'],
      ['an empty component', `${pool}//b`, {}, 'zfs/name'],
      ['a pool alone', pool, {}, 'zfs/name'],
      ['a name that is too long', `${pool}/${'x'.repeat(260)}`, {}, 'zfs/name'],
    ])('refuses %s and creates nothing', async (_, name, properties, code) => {
      const before = await listDatasets(zfs.host, pool);
      expect((await failure(...createDataset(name, properties))).code).toBe(code);
      expect((await listDatasets(zfs.host, pool))?.length).toBe(before?.length);
    });

    it('refuses to unmount a dataset that is in use, and leaves it mounted', async () => {
      // The shell ends by itself when its input does.
      const { stdout } = await run(
        'sh',
        '-c',
        `(cd '${at('containers')}'; exec sleep 20) >/dev/null 2>&1 & sleep 0.5; zfs unmount ${pool}/containers 2>&1; echo "exit $?"; kill $!`,
      );
      const text = stdout.toString();
      const busy = zfsFailure({
        host: 'prom',
        argv: ['zfs', 'unmount', `${pool}/containers`],
        exitCode: 1,
        stderr: text.replace(/exit \d+\n$/, ''),
      });
      expect(text).toMatch(/exit 1\n$/);
      expect(busy.code).toBe('zfs/busy');
      expect(busy.next[0]).toBe(`fuser -vm ${at('containers')}`);
      expect(await readDataset(zfs.host, `${pool}/containers`)).toMatchObject({ mounted: true });
      expect(await readDataset(zfs.host, `${pool}/containers/child`)).toMatchObject({ mounted: true });
    });

    it('leaves a dataset behind, not mounted, when only the mount fails', async () => {
      await shell(`touch '${at('file')}'`);
      const error = await failure(...createDataset(`${pool}/onfile`, { mountpoint: at('file') }));
      expect(error.code).toBe('zfs/created-not-mounted');
      expect(error.next).toEqual([
        `zfs get mountpoint,mounted,overlay ${pool}/onfile`,
        `free the mount point, then: zfs mount ${pool}/onfile`,
      ]);
      expect(await readDataset(zfs.host, `${pool}/onfile`)).toMatchObject({ mounted: false });
      expect((await failure(...mountDataset(`${pool}/onfile`))).code).toBe('zfs/mount-failed');
    });

    it('refuses a user who is not root', async () => {
      const error = await failure(
        'setpriv',
        '--reuid=65534',
        '--clear-groups',
        ...createDataset(`${pool}/nobody`, {}),
      );
      expect(error.code).toBe('zfs/permission');
      expect(await readDataset(zfs.host, `${pool}/nobody`)).toBeUndefined();
    });

    more?.(() => zfs);
  });
}
