import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/ssh/host.ts';
import { findTofu, tofuEnvironment } from '../../src/tofu/client.ts';

/** A machine that has some programs, each with what its `version` prints. */
const hostWith = (programs: Readonly<Record<string, string>>): Host => ({
  name: 'controller',
  async run([program, ...args]) {
    const found = program === 'sh' ? programs[args.at(-1) as string] : programs[program as string];
    return {
      exitCode: found === undefined ? 127 : 0,
      stdout: Buffer.from(found ?? ''),
      stderr: Buffer.alloc(0),
    };
  },
});
const find = (programs: Readonly<Record<string, string>>, named?: string) =>
  findTofu(hostWith(programs), named);

describe('the program', () => {
  it('is tofu before terraform, or the one that is named', async () => {
    const both = { tofu: 'OpenTofu v1.12.6\non linux_amd64\n', terraform: 'Terraform v1.11.4\n' };
    expect(await find(both)).toEqual({ command: 'tofu', version: '1.12.6' });
    expect(await find(both, 'terraform')).toEqual({ command: 'terraform', version: '1.11.4' });
    expect(await find({ terraform: 'Terraform v1.7.0\n' })).toEqual({
      command: 'terraform',
      version: '1.7.0',
    });
  });

  it.each([
    ['OpenTofu v1.9.4', 'install OpenTofu 1.10 or newer'],
    ['Terraform v1.6.6', 'install Terraform 1.7 or newer'],
    ['Terraform v0.15.5', 'install Terraform 1.7 or newer'],
    ['OpenTofu v2.0.0', 'name another program as tofu.binary in drayage.yaml'],
  ])('is refused when it is %s', async (version, next) => {
    await expect(find({ tofu: version })).rejects.toMatchObject({ code: 'tofu/old-binary', next: [next] });
  });

  it('is refused when it says something else, or is not there', async () => {
    await expect(find({ tofu: 'soybean 3' })).rejects.toMatchObject({ code: 'tofu/unreadable-output' });
    await expect(find({})).rejects.toMatchObject({
      code: 'tofu/not-found',
      seen: 'looked for tofu, then terraform',
    });
  });
});

describe('the environment of the program', () => {
  it('has no switch of the operator that would weaken it', () => {
    const given = tofuEnvironment({ token: 'a@pve!b=c', certificate: '/x.pem' });
    expect(given).toMatchObject({ PROXMOX_VE_API_TOKEN: 'a@pve!b=c', SSL_CERT_FILE: '/x.pem' });
    for (const name of ['TF_CLI_ARGS', 'TF_CLI_ARGS_plan', 'TF_CLI_ARGS_apply', 'PROXMOX_VE_INSECURE']) {
      expect(Object.keys(given)).toContain(name);
      expect(given[name]).toBeUndefined();
    }
  });
});
