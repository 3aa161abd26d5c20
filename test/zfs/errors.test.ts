import { expect, it } from 'vitest';
import { zfsFailure } from '../../src/zfs/errors.ts';

const failed = (stderr: string, exitCode = 1, argv = ['zfs', 'create', 'nvmeprom/containers']) =>
  zfsFailure({ host: 'prom', argv, exitCode, stderr });

it('names the host, the command and the message, without the pages of usage that zfs adds', () => {
  const error = failed("bad property list: invalid property 'x'\nusage:\n\tget [-rHp] ...\n", 2);
  expect(error.code).toBe('zfs/property');
  expect(error.seen).toBe(
    "prom: zfs create nvmeprom/containers ended with exit code 2: bad property list: invalid property 'x'",
  );
});

it('passes a message that it does not know on as it is', () => {
  const error = failed('cannot create: the stars are wrong\n');
  expect(error.code).toBe('zfs/failed');
  expect(error.seen).toContain('the stars are wrong');
  expect(error.next).toEqual(['on prom: zfs create nvmeprom/containers', 'zpool status']);
});

it('says what exit code 2 means in the words of zfs(8)', () => {
  expect(failed('', 2).meaning).toContain('command line options');
});

it('does not take a known message within a longer line for the known error', () => {
  expect(failed("note: cannot open 'a': dataset does not exist\n").code).toBe('zfs/failed');
});

it('says that the tool is missing when the shell does not find it', () => {
  const error = failed('sh: 1: zfs: not found', 127);
  expect(error.code).toBe('zfs/tool-missing');
  expect(error.next[0]).toBe('on prom: command -v zfs zpool');
});

it('tells a dataset that was created but not mounted from one that was not created', () => {
  const error = failed(
    "cannot mount '/root': directory is not empty\nfilesystem successfully created, but not mounted\n",
  );
  expect(error.code).toBe('zfs/created-not-mounted');
  expect(error.next[1]).toBe('free the mount point, then: zfs mount nvmeprom/containers');
});
