import { describe, expect, it } from 'vitest';
import { isReadOnly } from '../../src/guest/read-only.ts';

const looks = [
  'cat /etc/os-release',
  'systemctl show --all --property=Id *.service',
  'systemctl --user show --all *.timer',
  'podman --version',
  'podman ps --all',
  'podman container inspect 1f',
  'runuser -u notes -- env --chdir=/ XDG_RUNTIME_DIR=/run/user/1001 podman ps',
  'env LC_ALL=C find /mnt/docker -xdev -printf %y',
  'xargs -0 -r head -v -c 16 --',
  'zfs list -H',
  'docker container inspect 1f',
  'podman volume inspect web',
  'readlink -m -- /docker',
];

const changes = [
  '',
  'rm -rf /mnt/docker',
  'find /mnt/docker -delete',
  'find /mnt/docker -name x -exec rm {} +',
  'find / -fprintf /etc/passwd x',
  'systemctl stop web.service',
  'systemctl --user daemon-reload',
  'podman rm web',
  'podman system info',
  'podman container rm web',
  'podman volume rm web',
  'podman system prune',
  'runuser -u notes -- env XDG_RUNTIME_DIR=/run/user/1001 podman stop web',
  'runuser notes -c ls',
  'env LC_ALL=C rm x',
  'env -i rm x',
  'xargs -0 rm',
  'zfs destroy nvmeprom/containers',
  'sh -c ls',
];

describe('commands of an inspection', () => {
  it.each(looks)('%s only looks', (line) => {
    expect(isReadOnly(line.split(' '))).toBe(true);
  });

  it.each(changes)('%s is refused', (line) => {
    expect(isReadOnly(line.split(' ').filter(Boolean))).toBe(false);
  });
});
