import { describe, expect, test } from 'vitest';
import { dropInFolder } from '../../src/guest/drop-in.ts';

describe('the folder of a drop-in', () => {
  const user = { name: 'notes.service', user: 'nils', home: '/home/nils' };

  test('is that of the unit, for the system and for every user manager', () => {
    expect(dropInFolder({ name: 'web.service' }, 'debian')).toBe('/etc/systemd/system/web.service.d');
    expect(dropInFolder(user, 'debian')).toBe('/etc/systemd/user/notes.service.d');
  });

  test('is on NixOS where systemctl set-property writes: the others are links into the store', () => {
    expect(dropInFolder({ name: 'web.service' }, 'nixos')).toBe('/etc/systemd/system.control/web.service.d');
    expect(dropInFolder(user, 'nixos')).toBe('/home/nils/.config/systemd/user.control/notes.service.d');
  });
});
