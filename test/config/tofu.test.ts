import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { readProviderPin } from '../../src/config/provider-version.ts';

const base = 'nodes: {}\nguests: {}\nshares: {}\nmoves: {}\n';
const parse = (tofu: string) =>
  parseConfig(`${base}tofu: ${tofu}\n`, '/work/drayage.yaml', { HOME: '/home/mara' });
const config = (tofu: string) => {
  const parsed = parse(tofu);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config.tofu;
};

describe('the tofu section', () => {
  it('has its folder beside drayage.yaml, a known provider, and looks for the program itself', () => {
    expect(config('{ folder: vms/tofu }')).toEqual({
      folder: '/work/vms/tofu',
      provider: '0.111.1',
      providerFile: true,
    });
  });

  it('takes the name of a program, or a path to one', () => {
    expect(config('{ folder: t, binary: terraform }')).toMatchObject({ binary: 'terraform' });
    expect(config('{ folder: t, binary: ~/bin/tofu }')).toMatchObject({ binary: '/home/mara/bin/tofu' });
    expect(config('{ folder: t, binary: ./tofu }')).toMatchObject({ binary: '/work/tofu' });
  });

  it.each([
    ['0.75.9', 'does not know virtiofs'],
    ['1.0.0', 'is newer than drayage knows'],
    ['>= 0.93.0', 'is not one version'],
    ['~> 0.93', 'is not one version'],
    ['latest', 'is not one version'],
  ])('refuses the pin %s, with what to write', (pin, why) => {
    expect(parse(`{ folder: t, provider: "${pin}" }`)).toMatchObject({
      problems: [
        {
          line: 5,
          what: expect.stringContaining(why),
          write: '"0.111.1", or "~> 0.93.0" for the patches of one minor version',
        },
      ],
    });
  });

  it('knows the dialect of each pin', () => {
    const long = 'proxmox_virtual_environment_hardware_mapping_dir';
    expect(readProviderPin('0.76.0')).toMatchObject({
      dialect: { mappingType: long, destroyOptions: false },
    });
    expect(readProviderPin('~> 0.99.0')).toMatchObject({
      dialect: { mappingType: long, destroyOptions: true },
    });
    expect(readProviderPin('= 0.100.0')).toMatchObject({
      dialect: { mappingType: 'proxmox_hardware_mapping_dir', constraint: '= 0.100.0' },
    });
  });
});
