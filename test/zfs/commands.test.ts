import { expect, it } from 'vitest';
import { destroySnapshot } from '../../src/zfs/commands.ts';

it('destroys one snapshot by its name', () => {
  expect(destroySnapshot('nvmeprom/containers', 'drayage-docker')).toEqual([
    'zfs',
    'destroy',
    'nvmeprom/containers@drayage-docker',
  ]);
});

it.each([
  ['nvmeprom/containers', ''],
  ['nvmeprom/containers', 'a%b'],
  ['nvmeprom/containers', 'a,b'],
  ['nvmeprom/containers', 'a@b'],
  ['nvmeprom/containers@a', 'b'],
  ['', 'a'],
])('makes no command of %s and %s: it could destroy more', (dataset, snapshot) => {
  expect(() => destroySnapshot(dataset, snapshot)).toThrow(RangeError);
});
