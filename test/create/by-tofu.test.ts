import { describe, expect, it } from 'vitest';
import { withoutLeftovers } from '../../src/create/entry.ts';
import { freeNumber } from '../../src/create/free-number.ts';
import { wishedGuest } from '../../src/create/wish.ts';
import { DrayageError } from '../../src/errors/error.ts';
import { type Fleet, fleetOf } from '../../src/nix/fleet.ts';
import { sourceOf } from '../../src/nix/source.ts';
import { proxmoxError } from '../../src/proxmox/errors.ts';
import { withoutNix } from '../nix/no-nix.ts';
import { machine, newFacts, newGuest, template } from '../plan/guest/sample.ts';
import { sampleConfig, sampleYaml } from '../support/sample.ts';

const fleet = (hosts: string): Promise<Fleet> =>
  fleetOf(
    sourceOf(
      '/home/me/hosts.nix',
      `{ _proxmox = { host = "h"; node = "prom"; templateVmid = 9000; defaultStorage = "tank"; }; ${hosts} }`,
    ),
    withoutNix,
  );
const described =
  'stack2 = { sshAlias = "doc9"; proxmox = { vmid = 130; cores = 2; memory = 2048; disk = "64G"; network = { bridge = "vmbr1"; vlan = 7; }; }; };';

describe('a guest of hosts.nix', () => {
  const wish = async (name: string, hosts: string, options = {}, yaml = '') =>
    wishedGuest({
      config: sampleConfig(sampleYaml.replace('shares:', `${yaml}shares:`)),
      fleet: await fleet(hosts),
      name,
      options,
      templates: async () => [template],
    });

  it('shall be as it stands there, under each of its names; nothing of it is entered a second time', async () => {
    for (const name of ['doc9', 'stack2'])
      expect(await wish(name, described)).toMatchObject({
        enterCreate: false,
        enterVmid: false,
        wish: {
          ...{ name, vmid: 130 },
          create: {
            ...{ template: 9000, cores: 2, memory: 2048, disk: '64G', storage: 'tank' },
            net: { bridge: 'vmbr1', vlan: 7, model: 'virtio' },
          },
        },
      });
    expect((await wish('doc9', described)).wish.vmName).toBe('stack2');
  });

  it('has of drayage.yaml what hosts.nix has no word for', async () => {
    const yaml = '  doc9: { create: { template: 1234, memory: 512, cloudInit: { user: me } } }\n';
    expect(await wish('doc9', described, {}, yaml)).toMatchObject({
      enterVmid: true,
      wish: { vmid: 130, create: { template: 9000, memory: 2048, cloudInit: { user: 'me' } } },
    });
  });

  it('is not described a second time by options, or by another number', async () => {
    const way = [expect.stringContaining('change it at /home/me/hosts.nix:1:')];
    await expect(wish('doc9', described, { memory: 4096 })).rejects.toMatchObject({
      code: 'create/said-twice',
      next: way,
    });
    await expect(
      wish('doc9', described, {}, '  doc9: { vmid: 131, create: { template: 9000 } }\n'),
    ).rejects.toMatchObject({ code: 'create/said-twice', next: way });
  });

  it('comes from the template that all come from, where no other is named', async () => {
    expect((await wish('doc8', described, { memory: 4096 })).wish.create.template).toBe(9000);
  });
});

describe('a number for a new guest', () => {
  const config = { guests: { doc1: { vmid: 100 } }, wishes: {} } as never;
  const asked: string[] = [];
  const client = (taken: readonly number[]) => ({
    get: async (path: string) => {
      asked.push(path);
      const number = Number(/vmid=(\d+)/.exec(path)?.[1] ?? 100);
      if (taken.includes(number)) throw proxmoxError('proxmox/parameter', { seen: 'exists', next: [] });
      return String(number);
    },
  });

  it('is none that drayage.yaml, hosts.nix or the cluster has', async () => {
    const withHost = await fleet(described.replace('130', '101'));
    expect(await freeNumber(client([102]), config, withHost)).toBe(103);
    expect(asked).toEqual(['/cluster/nextid', '/cluster/nextid?vmid=102', '/cluster/nextid?vmid=103']);
  });

  it('is asked of the operator where a hundred are taken', async () => {
    const all = Array.from({ length: 200 }, (_, index) => index + 101);
    const none = await freeNumber(client(all), config, undefined).catch((error: unknown) => error);
    expect(none).toBeInstanceOf(DrayageError);
    expect(none).toMatchObject({ code: 'create/no-number', next: ['choose one: --vmid NUMBER'] });
  });
});

describe('the devices of a template', () => {
  it('are no reason to write them into the files of OpenTofu', () => {
    const wanted = { ...newGuest(), wish: { ...newGuest().wish, vmid: 115 } };
    const made = machine(115, 'doc2', { virtiofs0: 'dirid=other', virtiofs3: 'dirid=mine' });
    const device = (key: string, mapping: string) => ({
      ...{ key, mapping, raw: `dirid=${mapping}`, cache: 'auto' as const, pending: false },
      ...{ directIo: false, exposeAcl: false, exposeXattr: false },
    });
    const vm = { vmid: 115, name: 'doc2', node: 'prom', running: false };
    const cluster = {
      ...{ nodes: [], mappings: [] },
      vms: [{ ...vm, virtiofs: [device('virtiofs0', 'other'), device('virtiofs3', 'mine')] }],
    };
    const seen = withoutLeftovers(cluster, newFacts({ alike: [made] }), undefined, wanted);
    expect(seen.vms[0]?.virtiofs?.map(({ key }) => key)).toEqual(['virtiofs3']);
  });
});
