import { describe, expect, it } from 'vitest';
import {
  parseFindmnt,
  parseOsRelease,
  parsePasswd,
  parseSubids,
  storageSetting,
} from '../../src/guest/facts.ts';

describe('facts of a guest', () => {
  it('reads os-release with and without quotes', () => {
    expect(parseOsRelease('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n')).toEqual({
      os: 'debian',
      osName: 'Debian GNU/Linux 13 (trixie)',
    });
    expect(parseOsRelease("NAME=NixOS\nID='nixos'\n")).toEqual({ os: 'nixos', osName: 'NixOS' });
  });

  it('reads passwd and passes over lines of another shape', () => {
    expect(parsePasswd('abl030:x:1000:100::/home/abl030:/bin/bash\n+::::::\nbroken\n')).toEqual([
      { name: 'abl030', uid: 1000, gid: 100, home: '/home/abl030' },
    ]);
  });

  it('finds subordinate ranges by name and by number', () => {
    const text = 'notes:100000:65536\nother:165536:65536\n1001:300000:1000\n# a comment\n';
    expect(parseSubids(text, { name: 'notes', uid: 1001 })).toEqual([
      { first: 100_000, count: 65_536 },
      { first: 300_000, count: 1000 },
    ]);
  });

  it("lists mounts without the kernel's own", () => {
    const text = JSON.stringify({
      filesystems: [
        { target: '/', source: '/dev/vda', fstype: 'ext4' },
        { target: '/proc', source: 'proc', fstype: 'proc' },
        { target: '/mnt/docker', source: 'containers', fstype: 'virtiofs' },
      ],
    });
    expect(parseFindmnt(text).map((mount) => mount.target)).toEqual(['/', '/mnt/docker']);
  });

  it.each(['', '{}', 'findmnt: invalid option'])('refuses %j from findmnt with advice', (text) => {
    expect(() => parseFindmnt(text)).toThrow(
      expect.objectContaining({
        code: 'guest/unexpected-output',
        next: [expect.stringContaining('findmnt --version')],
      }),
    );
  });

  it('reads the store from storage.conf and not from its comments', () => {
    const text = '[storage]\n# graphroot = "/no"\ngraphroot = "/mnt/docker/.store"\n';
    expect(storageSetting(text, 'graphroot')).toBe('/mnt/docker/.store');
    expect(storageSetting('# graphroot = "/no"\n', 'graphroot')).toBeUndefined();
  });
});
