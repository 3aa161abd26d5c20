import { X509Certificate } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, secret, startBench } from '../../lab-kit/proxmox/bench.ts';
import { planWith, vmAddress, vmChange } from '../../plan/tofu/plan-json.ts';
import { type StandIn, standInTofu } from '../../support/stand-in-tofu.ts';
import { drayage, filesBelow } from './world.ts';

/** The command line against the emulated API and a stand-in for OpenTofu. */
let bench: Bench;
let cwd: string;
let tofu: StandIn;

beforeAll(async () => {
  bench = await startBench();
  bench.writeConf(114, 'agent: 1\ncores: 1\nmemory: 1024\nname: doc2\n');
  bench.machines.up.add(104).add(114);
  bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-network-get-interfaces': [] };
});
afterAll(() => bench.close());

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'drayage-tofu-'));
  mkdirSync(join(cwd, 'tofu'));
  tofu = standInTofu(join(cwd, 'stand-in'));
  tofu.set({ plan: planWith([]) });
  configure();
});
afterEach(() => rmSync(cwd, { recursive: true }));

function configure(more: { tofu?: string; cache?: string; hosts?: string } = {}): void {
  writeFileSync(
    join(cwd, 'drayage.yaml'),
    [
      `cluster: { endpoint: "${bench.api.url}", fingerprint: "${bench.api.fingerprint}" }`,
      'nodes: { prom: { ssh: root@192.0.2.1 } }',
      'guests:',
      '  doc1: { vmid: 104, ssh: root@192.0.2.2 }',
      '  doc2: { vmid: 114, ssh: root@192.0.2.3 }',
      'shares:',
      `  containers: { node: prom, dataset: tank/containers, owner: "1000:100", cache: ${more.cache ?? 'auto'} }`,
      'moves:',
      '  docker:',
      '    from: { guest: doc1, path: /mnt/docker }',
      '    to: { share: containers, guest: doc2 }',
      ...(more.hosts === undefined ? [] : ['hosts: { file: hosts.nix }']),
      `tofu: { folder: tofu${more.tofu ?? ''} }`,
      '',
    ].join('\n'),
  );
  if (more.hosts !== undefined) writeFileSync(join(cwd, 'hosts.nix'), more.hosts);
}

const token = `root@pam!drayage=${secret}`;
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  drayage(args, {
    cwd,
    env: {
      PROXMOX_VE_API_TOKEN: token,
      PATH: `${tofu.bin}:${process.env.PATH?.split(':')
        .filter((folder) => !existsSync(join(folder, 'tofu')))
        .join(':')}`,
      ...env,
    },
  });
const generated = () => join(cwd, 'tofu/drayage.tf.json');
const stack = () => JSON.parse(readFileSync(generated(), 'utf8'));

describe('drayage tofu generate', () => {
  it('writes what the cluster has, journalled, and the second time nothing', async () => {
    const first = await run(['tofu', 'generate']);
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('drayage.tf.json') });
    expect(stack().import).toEqual([
      { to: 'proxmox_virtual_environment_vm.doc1', id: 'prom/104' },
      { to: 'proxmox_virtual_environment_vm.doc2', id: 'prom/114' },
    ]);
    expect(stack().resource.proxmox_virtual_environment_vm.doc2).toMatchObject({
      node_name: 'prom',
      name: 'doc2',
    });
    const runs = join(cwd, '.drayage/tofu-runs');
    const journal = readdirSync(runs).map((name) => readFileSync(join(runs, name, 'journal.jsonl'), 'utf8'));
    expect(journal.join('').match(/"kind":"intent"/g)).toHaveLength(2);
    const before = filesBelow(join(cwd, 'tofu'));
    expect(await run(['tofu', 'generate'])).toMatchObject({
      exitCode: 0,
      stdout: 'The generated files are fresh.\n',
    });
    expect(filesBelow(join(cwd, 'tofu'))).toEqual(before);
    expect(readdirSync(runs)).toHaveLength(1);
  });

  it('says what is stale, with the cluster and without it, and writes nothing', async () => {
    await run(['tofu', 'generate']);
    expect(
      (await run(['tofu', 'generate', '--check', '--offline'], { PROXMOX_VE_API_TOKEN: '' })).exitCode,
    ).toBe(0);
    configure({ cache: 'always' });
    const before = filesBelow(join(cwd, 'tofu'));
    for (const more of [[], ['--offline']]) {
      const check = await run(['tofu', 'generate', '--check', ...more]);
      expect(check).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('-> drayage tofu generate'),
      });
    }
    expect(filesBelow(join(cwd, 'tofu'))).toEqual(before);
  });

  it('leaves a file alone that it did not make, or that was changed since', async () => {
    writeFileSync(generated(), '{"resource":{}}\n');
    const foreign = await run(['tofu', 'generate']);
    expect(foreign).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('[tofu/foreign-file]') });
    expect(readFileSync(generated(), 'utf8')).toBe('{"resource":{}}\n');
    rmSync(generated());
    await run(['tofu', 'generate']);
    const edited = readFileSync(generated(), 'utf8').replace('"vm_id": 114', '"vm_id": 115');
    writeFileSync(generated(), edited);
    const refused = await run(['tofu', 'generate']);
    expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('[tofu/edited-file]') });
    expect(refused.stderr).toContain('git diff --');
    expect(readFileSync(generated(), 'utf8')).toBe(edited);
  });

  it('refuses bad input where it stands, and writes nothing', async () => {
    configure({ tofu: ', provider: "0.75.0"' });
    const old = await run(['tofu', 'generate']);
    expect(old.exitCode).toBe(2);
    expect(old.stderr).toMatch(
      /^drayage\.yaml:12:\d+: tofu\.provider is "0\.75\.0", which does not know virtiofs/,
    );
    expect(old.stderr).toContain('write: "0.111.1", or "~> 0.93.0"');
    const long = 'c'.repeat(37);
    configure({
      hosts: `{ _proxmox = { host = "192.0.2.1"; node = "prom"; }; doc2 = { proxmox = { vmid = 114; cores = 1; memory = 1024; disk = "8G"; virtiofs = { mapping = "${long}"; }; }; }; }`,
    });
    const mapping = await run(['tofu', 'generate']);
    expect(mapping).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('has 37 bytes') });
    expect(readdirSync(join(cwd, 'tofu'))).toEqual([]);
    writeFileSync(
      join(cwd, 'drayage.yaml'),
      readFileSync(join(cwd, 'drayage.yaml'), 'utf8').replace(/^tofu:.*$/m, ''),
    );
    expect(await run(['tofu', 'generate'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('tofu: { folder: tofu }'),
    });
  });
});

describe('drayage tofu plan and apply', () => {
  const replaces = planWith([
    vmChange(['delete', 'create'], {}, { action_reason: 'replace_because_cannot_update' }),
  ]);
  const updates = planWith([
    vmChange(['update'], {
      before: { cpu: [{ cores: 2 }], reboot_after_update: false, initialization: [{ password: 'hunter2' }] },
      after: { cpu: [{ cores: 4 }], reboot_after_update: false, initialization: [{ password: 'hunter3' }] },
    }),
  ]);

  it('refuse a plan that replaces a machine, and apply nothing', async () => {
    tofu.set({ plan: replaces });
    for (const verb of [['plan'], ['apply', '--yes']]) {
      const refused = await run(['tofu', ...verb]);
      expect(refused).toMatchObject({ exitCode: 5, stdout: expect.stringContaining(`-/+ ${vmAddress}`) });
      expect(refused.stderr).toContain(
        'it would be destroyed and made again (replace because cannot update)',
      );
      expect(refused.stderr).toContain(`--allow '${vmAddress}'`);
    }
    expect(tofu.verbs()).not.toContain('apply');
  });

  it('tell of a replacement that prevent_destroy has stopped, in the same way', async () => {
    const summary = 'Instance cannot be destroyed';
    tofu.set({ plan: replaces.replace('"errored":false', '"errored":true'), planErrors: [{ summary }] });
    const refused = await run(['tofu', 'apply', '--yes', '--allow', vmAddress]);
    expect(refused).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('the plan ended with an error'),
    });
    expect(tofu.verbs()).not.toContain('apply');
  });

  it('apply exactly the file that was looked at, and leave none behind', async () => {
    tofu.set({ plan: replaces, resources: { [vmAddress]: { vm_id: 114 } } });
    const applied = await run(['tofu', 'apply', '--yes', '--allow', vmAddress]);
    expect(applied).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Applied.') });
    const of = (verb: string) => tofu.calls().find(({ args }) => args.includes(verb))?.args ?? [];
    const out = of('plan')
      .find((arg) => arg.startsWith('-out='))
      ?.slice(5);
    expect(of('apply').at(-1)).toBe(out);
    expect(of('plan')).toContain('-lock-timeout=0s');
    expect(
      tofu
        .calls()
        .flatMap(({ args }) => args)
        .join(' '),
    ).not.toMatch(/-lock=|auto-approve/);
    expect(existsSync(out as string)).toBe(false);
    expect(readdirSync(join(cwd, '.drayage/tofu'))).toEqual([]);
  });

  it('give the token by environment and nowhere else, and the certificate that is pinned', async () => {
    tofu.set({ plan: updates });
    const hostile = {
      TF_CLI_ARGS: '-lock=false',
      TF_CLI_ARGS_apply: '-lock=false -auto-approve',
      PROXMOX_VE_INSECURE: 'true',
    };
    const ended = await run(['tofu', 'apply', '--yes'], hostile);
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).not.toContain('does not answer');
    for (const verb of ['plan', 'apply']) {
      const call = tofu.calls().find(({ args }) => args.includes(verb));
      expect(call?.env).toMatchObject({ PROXMOX_VE_API_TOKEN: token, TF_INPUT: '0' });
      expect(Object.keys(call?.env ?? {}).filter((key) => /TF_CLI_ARGS|INSECURE/.test(key))).toEqual([]);
      expect(new X509Certificate(call?.certificate ?? '').fingerprint256).toBe(bench.api.fingerprint);
    }
    expect(
      tofu
        .calls()
        .flatMap(({ args }) => args)
        .join(' '),
    ).not.toContain(secret);
    const kept = Object.values(filesBelow(join(cwd, '.drayage'))).map((text) =>
      Buffer.from(text, 'base64').toString(),
    );
    for (const text of [ended.stdout, ended.stderr, ...kept]) {
      expect(text).not.toContain(secret);
      expect(text).not.toMatch(/hunter/);
    }
  });

  it('say why an apply failed, without the token that the tool repeats', async () => {
    tofu.set({ plan: updates, applyFails: 'Error: 403 for' });
    const failed = await run(['tofu', 'apply', '--yes']);
    expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Error: 403 for') });
    expect(failed.stderr).not.toContain(secret);
    const kept = Object.values(filesBelow(join(cwd, '.drayage'))).map((text) =>
      Buffer.from(text, 'base64').toString(),
    );
    for (const text of kept) expect(text).not.toContain(secret);
  });

  it('initialise when OpenTofu asks for it, say so, and not again', async () => {
    tofu.set({ initialised: false, plan: planWith([]) });
    const first = await run(['tofu', 'plan']);
    expect(first).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('Missing required provider: tofu init'),
    });
    expect(tofu.verbs().filter((verb) => verb === 'init')).toHaveLength(1);
    await run(['tofu', 'plan']);
    expect(tofu.verbs().filter((verb) => verb === 'init')).toHaveLength(1);
  });

  it('stop at a lock that another run holds, name who, and never take it away', async () => {
    const detail =
      'Error message: resource temporarily unavailable\nLock Info:\n  ID:        0b52\n  Who:       mara@quill\n  Created:   2026-11-27';
    tofu.set({ planErrors: [{ summary: 'Error acquiring the state lock', detail }] });
    const locked = await run(['tofu', 'plan']);
    expect(locked).toMatchObject({
      exitCode: 11,
      stderr: expect.stringContaining('ID 0b52, Who mara@quill'),
    });
    expect(locked.stderr).toContain('drayage tofu plan --lock-timeout 300');
    expect(tofu.verbs()).not.toContain('force-unlock');
    await run(['tofu', 'plan', '--lock-timeout', '7']);
    expect(tofu.calls().at(-1)?.args).toContain('-lock-timeout=7s');
  });

  it('notice a state that is gone or older, before anything is planned', async () => {
    tofu.set({ plan: updates, resources: { [vmAddress]: { vm_id: 114 } } });
    expect((await run(['tofu', 'apply', '--yes'])).stderr).toContain('There is no state yet');
    await run(['tofu', 'apply', '--yes']);
    const state = join(cwd, 'tofu/terraform.tfstate');
    const text = readFileSync(state, 'utf8');
    const planned = () => tofu.verbs().filter((verb) => verb === 'plan').length;
    const before = planned();
    for (const [other, seen] of [
      [text.replace('"serial":2', '"serial":1'), 'has the serial 1'],
      [text.replace('a-lineage', 'b-lineage'), 'has the lineage b-lineage'],
    ] as const) {
      writeFileSync(state, other);
      const lost = await run(['tofu', 'plan']);
      expect(lost).toMatchObject({ exitCode: 5, stderr: expect.stringContaining(seen) });
    }
    rmSync(state);
    const lost = await run(['tofu', 'apply', '--yes']);
    expect(lost).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('it had 1 resources') });
    expect(planned()).toBe(before);
    expect((await run(['tofu', 'plan', '--allow', 'state'])).exitCode).toBe(0);
  });

  it('notice a backup without its state, though nothing was applied from here', async () => {
    writeFileSync(join(cwd, 'tofu/terraform.tfstate.backup'), '{}');
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('terraform.tfstate.backup'),
    });
  });

  it('tell of an agent that is silent before they let OpenTofu wait for it', async () => {
    const answers = bench.machines.agentAnswers;
    bench.machines.agentAnswers = {};
    const planned = await run(['tofu', 'plan']);
    bench.machines.agentAnswers = answers;
    expect(planned.stderr).toContain('the guest agent of VM 114 (doc2) does not answer');
  });

  it('refuse to create a machine of a number that the cluster has', async () => {
    tofu.set({ plan: planWith([vmChange(['create'], { before: null, after: { vm_id: 104 } })]) });
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('the cluster has a VM 104 already'),
    });
  });

  it('apply nothing to a guest of a window that is open, whatever is allowed; another machine is no matter of it', async () => {
    const changes = (vmid: number) =>
      planWith([
        vmChange(['update'], {
          before: { vm_id: vmid, name: 'a', reboot_after_update: false },
          after: { vm_id: vmid, name: 'b', reboot_after_update: false },
        }),
      ]);
    const window = { plan: 'p', run: 'r', begun: [], released: [], openedAt: '2026-11-27T18:00:00Z' };
    mkdirSync(join(cwd, '.drayage'));
    writeFileSync(
      join(cwd, '.drayage/marks.json'),
      JSON.stringify({ format: 1, moves: {}, window: { ...window, phase: 'docker' } }),
    );
    tofu.set({ plan: changes(114) });
    const refused = await run(['tofu', 'apply', '--yes']);
    expect(refused).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('[tofu/journey-open]') });
    expect(refused.stderr).toContain('the window of phase docker is open since 2026-11-27T18:00:00Z');
    expect(refused.stderr).toContain('-> drayage apply   # goes on with it');
    expect(tofu.verbs()).not.toContain('apply');
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('Note: an apply would be refused'),
    });
    tofu.set({ plan: changes(130), resources: {} });
    expect((await run(['tofu', 'apply', '--yes'])).exitCode).toBe(0);
  });

  it('exit with 3 for changes when they are asked to, and with 0 for none', async () => {
    tofu.set({ plan: updates });
    expect((await run(['tofu', 'plan', '--detailed-exitcode'])).exitCode).toBe(3);
    tofu.set({ plan: planWith([]) });
    expect(await run(['tofu', 'plan', '--detailed-exitcode'])).toMatchObject({
      exitCode: 0,
      stdout: 'OpenTofu has nothing to do: files, state and cluster agree.\n',
    });
  });

  it('refuse what they cannot read, and say what is missing', async () => {
    tofu.set({ plan: planWith([], { format_version: '2.0' }) });
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('format_version "2.0"'),
    });
    tofu.set({
      invalid: [{ summary: 'Unsupported argument', detail: 'An argument named "x" is not expected here.' }],
    });
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('An argument named "x"'),
    });
    tofu.set({ version: 'OpenTofu v1.9.1' });
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('install OpenTofu 1.10 or newer'),
    });
    configure({ tofu: ', binary: no-such-tofu' });
    expect(await run(['tofu', 'plan'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('or name the program as tofu.binary'),
    });
  });

  it('ask before they apply, and without a terminal want --yes', async () => {
    tofu.set({ plan: updates });
    expect(await run(['tofu', 'apply'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('drayage tofu apply --yes'),
    });
    expect(tofu.verbs()).not.toContain('apply');
  });
});

describe('drayage check', () => {
  it('says where files, state and cluster differ, and exits with 10', async () => {
    await run(['tofu', 'generate']);
    tofu.set({ plan: planWith([]), resources: {} });
    writeFileSync(join(cwd, 'tofu/terraform.tfstate'), '{"version":4,"lineage":"a-lineage","serial":1}');
    const ended = await run(['check']);
    expect(ended).toMatchObject({
      exitCode: 10,
      stdout: expect.stringContaining('good    generated files: fresh'),
    });
    for (const line of [
      'doc2 (VM 114) has no virtiofs device with the mapping containers',
      'the directory mapping containers is not in the cluster',
      'the state does not have proxmox_virtual_environment_vm.doc1: drayage tofu apply',
    ])
      expect(ended.stderr).toContain(line);
  });
});
