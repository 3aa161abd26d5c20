import { describe, expect, it } from 'vitest';
import { askCreate } from '../../src/create/ask.ts';
import { wishedGuest } from '../../src/create/wish.ts';
import { template } from '../plan/guest/sample.ts';
import { sampleConfig, sampleYaml } from '../support/sample.ts';

const config = sampleConfig(
  `${sampleYaml}`.replace('shares:', '  doc3: { create: { template: 9000, cores: 4 } }\nshares:'),
);
const wish = (name: string, options = {}, vmid?: number) =>
  wishedGuest({
    config,
    name,
    options,
    ...(vmid === undefined ? {} : { vmid }),
    templates: async () => [template],
  });

describe('how a guest shall be', () => {
  it('stands in drayage.yaml', async () => {
    expect(await wish('doc3')).toMatchObject({
      wish: { name: 'doc3', create: { template: 9000, cores: 4, onboot: true } },
      enterCreate: false,
      enterVmid: true,
    });
  });

  it('or is given by options, and is entered then', async () => {
    expect(await wish('doc4', { template: 9000, memory: 4096 })).toMatchObject({ enterCreate: true });
    expect(await wish('doc3', { template: 9000, cores: 4 })).toMatchObject({ enterCreate: false });
  });

  it.each([
    ['doc3', { template: 9000, cores: 8 }, undefined, 'create/said-twice', 'change guests.doc3'],
    ['doc2', { template: 9000 }, 115, 'create/said-twice', 'change guests.doc2'],
    ['doc4', {}, undefined, 'create/nothing-said', '--template VMID'],
    ['doc_4', { template: 9000 }, undefined, 'create/bad-name', 'doc2'],
    ['doc4', { template: 9000, disk: '10' }, undefined, 'create/option', '--help'],
    ['doc4', { template: 9000, cloudInit: { gateway: '10.0.0.1' } }, undefined, 'create/option', '--help'],
  ])('%s %j %s: %s', async (name, options, vmid, code, way) => {
    await expect(wish(name, options, vmid)).rejects.toMatchObject({
      code,
      exit: 2,
      next: [expect.stringContaining(way)],
    });
  });
});

describe('asking', () => {
  const answer = async (...lines: (string | undefined)[]) => {
    const said: string[] = [];
    const io = { line: async () => lines.shift(), write: (text: string) => said.push(text) };
    return { create: await askCreate('doc2', {}, [template], io), said: said.join('') };
  };

  it('offers what the template has, and asks again until an answer is right', async () => {
    const { create, said } = await answer('', '4', '4G', '4096', '10', '32G', '');
    expect(create).toMatchObject({ template: 9000, cores: 4, memory: 4096, disk: '32G' });
    expect(create.net).toBeUndefined();
    expect(said.match(/not accepted/g)).toHaveLength(2);
    expect(said).toContain('template 9000  trixie  (on prom)');
  });

  it('ends when the input ends', async () => {
    await expect(answer('', undefined)).rejects.toMatchObject({ code: 'create/no-answer', exit: 2 });
  });
});
