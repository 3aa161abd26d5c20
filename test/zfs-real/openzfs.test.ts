import { expect, it } from 'vitest';
import { createSnapshot, destroySnapshot } from '../../src/zfs/commands.ts';
import { readPools, readVersion } from '../../src/zfs/dataset.ts';
import { zfsFailure } from '../../src/zfs/errors.ts';
import { describeZfs } from './expectations.ts';
import { openGuest } from './open-guest.ts';

describeZfs('OpenZFS', openGuest, (zfs) => {
  const run = (...argv: string[]) => zfs().host.run(argv, { timeoutSeconds: 120 });
  const shell = async (script: string) => {
    const { exitCode, stdout, stderr } = await run('sh', '-ec', script);
    expect(stderr.toString()).toBe('');
    expect(exitCode).toBe(0);
    return stdout.toString();
  };
  const failure = async (...argv: string[]) => {
    const { exitCode, stderr } = await run(...argv);
    expect(exitCode).not.toBe(0);
    return zfsFailure({ host: 'prom', argv, exitCode, stderr: stderr.toString() });
  };

  it('keeps .zfs out of listings, so that no copy walks into snapshots', async () => {
    expect(await shell('find /nvmeprom/snapped')).not.toContain('.zfs');
    expect(await shell('rsync -a --dry-run --out-format=%n /nvmeprom/snapped/ /nvmeprom/none')).not.toContain(
      '.zfs',
    );
  });

  it('shows xattr=dir as dir, and what it was given as sa as on', async () => {
    await shell('zfs create -o xattr=dir nvmeprom/dir');
    expect(await shell('zfs get -Hp -o value xattr nvmeprom/containers nvmeprom/dir')).toBe('on\ndir\n');
  });

  it('is out of space for a quota that is too small and for a full pool', async () => {
    expect((await failure('zfs', 'create', '-o', 'quota=10', 'nvmeprom/small')).code).toBe('zfs/no-space');
    await shell('truncate -s 64M /root/full.img; zpool create full /root/full.img');
    await run('dd', 'if=/dev/urandom', 'of=/full/f', 'bs=1M');
    await shell('sync');
    const snapshot = await failure(...createSnapshot({ dataset: 'full', snapshot: 'x' }));
    expect(snapshot.code).toBe('zfs/no-space');
    expect((await failure('zfs', 'create', 'full/x')).next).toEqual([
      'zfs list -o space -r full',
      'zpool list',
    ]);
  });

  it('refuses every change of a pool that is imported read-only', async () => {
    await shell('zpool export full; zpool import -o readonly=on -d /root full');
    expect((await readPools(zfs().host)).find((pool) => pool.name === 'full')).toMatchObject({
      readonly: true,
    });
    expect((await failure('zfs', 'create', 'full/x')).code).toBe('zfs/pool-read-only');
    expect((await failure('zfs', 'snapshot', 'full@x')).code).toBe('zfs/pool-read-only');
    await shell('zpool export full');
  });

  it('refuses an ordinary user who may open /dev/zfs, as on a node with udev', async () => {
    await shell('chmod 666 /dev/zfs');
    const asNobody = ['setpriv', '--reuid=65534', '--clear-groups', 'zfs'];
    expect((await failure(...asNobody, 'create', 'nvmeprom/nobody')).code).toBe('zfs/permission');
    expect((await failure(...asNobody, 'snapshot', 'nvmeprom/containers@nobody')).code).toBe(
      'zfs/permission',
    );
    expect((await failure(...asNobody, 'unmount', 'nvmeprom/containers')).code).toBe('zfs/permission');
    expect((await run(...asNobody, 'list', '-Hp', '-o', 'name', 'nvmeprom')).stdout.toString()).toBe(
      'nvmeprom\n',
    );
  });

  it('destroys no snapshot that is held', async () => {
    await shell('zfs hold keep nvmeprom/dropped@second');
    const argv = destroySnapshot('nvmeprom/dropped', 'second');
    const { stderr } = await run(...argv);
    expect(stderr.toString()).toBe(
      "cannot destroy snapshot nvmeprom/dropped@second: it's being held. Run 'zfs holds -r nvmeprom/dropped@second' to see holders.\n",
    );
    const error = await failure(...argv);
    expect(error.code).toBe('zfs/snapshot-busy');
    expect(error.next[0]).toBe('zfs holds nvmeprom/dropped@second');
    await shell('zfs release keep nvmeprom/dropped@second');
  });

  it('destroys nothing that has snapshots or datasets below it unasked', async () => {
    const error = await failure('zfs', 'destroy', 'nvmeprom/containers');
    expect(error.code).toBe('zfs/has-children');
    expect(error.next).toEqual(['zfs list -t all -r nvmeprom/containers']);
  });

  it('says that the modules are missing where the kernel has none', async () => {
    await shell('zpool export nvmeprom; rmmod zfs spl; mv "/lib/modules/$(uname -r)/updates" /root/; depmod');
    const error = await failure('zfs', 'list');
    expect(error.code).toBe('zfs/module-missing');
    expect(error.next[0]).toBe('modprobe zfs');
    await expect(readVersion(zfs().host)).rejects.toMatchObject({ code: 'zfs/module-missing' });
  });
});
