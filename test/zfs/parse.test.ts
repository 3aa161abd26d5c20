import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseFilesystems,
  parsePools,
  parseProperties,
  parseSnapshots,
  parseVersion,
  UnreadableOutput,
} from '../../src/zfs/parse.ts';

const bytes = (text: string) => Buffer.from(text);
const filesystem = (fields: Partial<Record<string, string>> = {}) => {
  const row = {
    name: 'nvmeprom/containers',
    used: '24576',
    available: '1878883840',
    referenced: '24576',
    mounted: 'yes',
    canmount: 'on',
    readonly: 'off',
    acltype: 'posix',
    xattr: 'on',
    recordsize: '131072',
    compression: 'on',
    quota: '0',
    refquota: '0',
    guid: '14064300717093013981',
    mountpoint: '/nvmeprom/containers',
    ...fields,
  };
  return `${Object.values(row).join('\t')}\n`;
};

describe('filesystems', () => {
  it('are read with exact numbers, the guid as text', () => {
    expect(parseFilesystems(bytes(filesystem()))).toEqual([
      {
        name: 'nvmeprom/containers',
        mountpoint: '/nvmeprom/containers',
        mounted: true,
        canmount: 'on',
        readonly: false,
        usedBytes: 24576,
        availableBytes: 1878883840,
        referencedBytes: 24576,
        acltype: 'posix',
        xattr: 'on',
        recordsizeBytes: 131072,
        compression: 'on',
        quotaBytes: 0,
        refquotaBytes: 0,
        guid: '14064300717093013981',
      },
    ]);
  });

  it('keep every mount point as it is, tabs included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const mountpoint = `/${text.replaceAll('\n', '')}`;
        expect(parseFilesystems(bytes(filesystem({ mountpoint })))[0]?.mountpoint).toBe(mountpoint);
      }),
    );
  });

  it.each([
    [
      'a state of the mount that no version documents',
      filesystem({ mounted: '-' }),
      'yes | no as mounted, got "-"',
    ],
    ['a rounded number', filesystem({ used: '24K' }), 'a number as used, got "24K"'],
    ['a number beyond what is exact', filesystem({ used: '9007199254740993' }), 'a number as used'],
    ['too few columns', 'nvmeprom\t1\n', 'got "nvmeprom'],
    ['a line that breaks off', filesystem().slice(0, -3), 'ends within a line'],
    ['the table for people', 'NAME  USED  AVAIL\n', 'got "NAME  USED  AVAIL"'],
  ])('are refused with %s', (_, output, message) => {
    expect(() => parseFilesystems(bytes(output))).toThrow(UnreadableOutput);
    expect(() => parseFilesystems(bytes(output))).toThrow(message);
  });

  it('are refused when a name is not UTF-8', () => {
    expect(() => parseFilesystems(Buffer.from(filesystem({ mountpoint: '/\xff' }), 'latin1'))).toThrow(
      'not UTF-8',
    );
  });
});

describe('properties', () => {
  it('keep tabs within values', () => {
    expect(parseProperties(bytes('mountpoint\t/a\tb\tlocal\nmounted\tyes\t-\n'))).toEqual([
      { property: 'mountpoint', value: '/a\tb', source: 'local' },
      { property: 'mounted', value: 'yes', source: '-' },
    ]);
  });

  it('are refused without a source', () => {
    expect(() => parseProperties(bytes('mounted\tyes\n'))).toThrow(UnreadableOutput);
  });
});

describe('pools', () => {
  it('are none when nothing is imported', () => {
    expect(parsePools(bytes(''))).toEqual([]);
  });

  it('are read with their health', () => {
    expect(
      parsePools(bytes('nvmeprom\t2013265920\t148992\t2013116928\tDEGRADED\t5743286253120276086\toff\n')),
    ).toEqual([
      {
        name: 'nvmeprom',
        sizeBytes: 2013265920,
        allocatedBytes: 148992,
        freeBytes: 2013116928,
        health: 'DEGRADED',
        guid: '5743286253120276086',
        readonly: false,
      },
    ]);
  });

  it('are refused with a health that no version documents', () => {
    expect(() => parsePools(bytes('nvmeprom\t1\t1\t1\tFINE\t1\toff\n'))).toThrow('as health, got "FINE"');
  });
});

it('splits a snapshot into its dataset and its name', () => {
  expect(
    parseSnapshots(bytes('nvmeprom/containers@a\t0\t24576\t1795447202\t17970377959566271712\n')),
  ).toEqual([
    {
      dataset: 'nvmeprom/containers',
      snapshot: 'a',
      usedBytes: 0,
      referencedBytes: 24576,
      creation: 1795447202,
      guid: '17970377959566271712',
    },
  ]);
});

describe('the version', () => {
  it.each([
    ['zfs-2.3.9-0+deb13u1\nzfs-kmod-2.3.9-0+deb13u1\n', 2, 3],
    ['zfs-2.2.8-pve1\nzfs-kmod-2.2.8-pve1\n', 2, 2],
  ])('is read from %j', (output, major, minor) => {
    expect(parseVersion(bytes(output))).toMatchObject({ major, minor });
  });

  it('is refused without that of the module', () => {
    expect(() => parseVersion(bytes('zfs-2.3.9-1\n'))).toThrow(UnreadableOutput);
  });
});
