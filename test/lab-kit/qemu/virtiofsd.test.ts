import { expect, test } from 'vitest';
import { virtiofsdArgv, virtiofsSocket } from '../../../lab/qemu/virtiofsd.ts';

const device = {
  index: 0,
  tag: 'containers',
  sharedDirectory: '/nvmeprom/containers',
  xattr: false,
  posixAcl: false,
  directIo: false,
};

test('a plain share gets what Proxmox passes and nothing else', () => {
  expect(virtiofsdArgv(device, virtiofsSocket(114, 0))).toEqual([
    '/usr/libexec/virtiofsd',
    '--socket-path=/run/qemu-server/virtiofsd/vm114-fs0',
    '--shared-dir=/nvmeprom/containers',
    '--announce-submounts',
  ]);
});

test('exposure, direct io and cache are added in the order Proxmox adds them', () => {
  const all = { ...device, xattr: true, posixAcl: true, directIo: true, cache: 'metadata' } as const;
  expect(virtiofsdArgv(all, '/s').slice(2)).toEqual([
    '--shared-dir=/nvmeprom/containers',
    '--xattr',
    '--posix-acl',
    '--announce-submounts',
    '--allow-direct-io',
    '--cache=metadata',
  ]);
});
