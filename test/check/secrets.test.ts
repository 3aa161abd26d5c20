import { describe, expect, it } from 'vitest';
import { secretsIn } from '../../src/check/secrets.ts';

const uuid = '01234567-89ab-cdef-0123-456789abcdef';
const found = (path: string, text: string | Buffer, known: readonly string[] = []) =>
  secretsIn(path, Buffer.from(text as string), known).map(({ line, what }) => `${line ?? 0}: ${what}`);

describe('a file that must not be committed', () => {
  it.each([
    ['.drayage/runs/x/journal.jsonl', "drayage's own records"],
    ['vms/.drayage/marks.json', "drayage's own records"],
    ['tofu/terraform.tfstate', 'the state of OpenTofu'],
    ['tofu/terraform.tfstate.backup', 'the state of OpenTofu'],
    ['tofu/.terraform.tfstate.lock.info', 'the state of OpenTofu'],
    ['tofu/.terraform/providers/x', 'the working folder of OpenTofu'],
    ['tfplan', 'a plan file of OpenTofu'],
    ['vms/night.tfplan', 'a plan file of OpenTofu'],
    ['keys/id_ed25519', 'the name of a private ssh key'],
    ['.pve_token', 'the name of a token file'],
  ])('is known by its name: %s', (path, what) => {
    expect(found(path, '')[0]).toContain(what);
  });

  it.each([
    'tofu/drayage.tf.json',
    '.terraform.lock.hcl',
    'id_ed25519.pub',
    'docs/tfplan.md',
    'drayage.yaml',
  ])('is not every file: %s', (path) => expect(found(path, 'plain text\n')).toEqual([]));

  it('is known by what is in it, and by the line', () => {
    const key = ['-----BEGIN', 'OPENSSH', 'PRIVATE', 'KEY-----'].join(' ');
    expect(found('a', `one\n${key}\n`)).toEqual(['2: a private key']);
    expect(found('a', `token: drayage@pve!mover=${uuid}`)).toEqual(['1: an API token of Proxmox VE']);
    expect(found('a', `x\nx\nAGE-SECRET-KEY-1${'Q'.repeat(58)}`)).toEqual(['3: a secret key of age']);
    expect(found('a', JSON.stringify({ version: 4, serial: 3, lineage: 'x', resources: [] }))).toEqual([
      '0: the state of OpenTofu, which holds secrets in clear',
    ]);
    const zip = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(30), Buffer.from('tfplan')]);
    expect(found('night', zip)).toEqual(['0: a plan file of OpenTofu, which holds secrets in clear']);
  });

  it('is known by the very secret that this machine uses', () => {
    expect(found('notes.txt', 'a\nmy s3cr3t-value here\n', ['s3cr3t-value'])).toEqual([
      '2: the token that drayage itself uses',
    ]);
  });

  it('is not one that only talks of tokens and keys', () => {
    for (const text of [
      "export PROXMOX_VE_API_TOKEN='drayage@pve!migration=SECRET'",
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI fern',
      '-----BEGIN CERTIFICATE-----',
      'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',
      `uuid=${uuid}`,
      '{"lineage":',
    ])
      expect(found('README.md', text)).toEqual([]);
  });

  it('is never shown with its secret', () => {
    const all = JSON.stringify(secretsIn('a', Buffer.from(`drayage@pve!mover=${uuid}`), [uuid]));
    expect(all).not.toContain(uuid);
  });
});
