import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { judge, refusals } from '../../../src/plan/tofu/judge.ts';
import { initPlan } from '../../../src/plan/tofu/operations.ts';
import { controllerHost } from '../../../src/ssh/local.ts';
import { lookAtState, rememberState } from '../../../src/stack/state-record.ts';
import { findTofu, openTofu, type TofuClient, tofuEnvironment } from '../../../src/tofu/client.ts';
import { sampleFolder } from '../../plan/tofu/sample.ts';

/**
 * The real program, where this machine has one. The provider is not to be had without its registry, so each resource of the
 * golden file is given to it as the built-in `terraform_data` with the same body: expressions, imports, outputs and
 * lifecycles are read by the real language.
 */
const host = controllerHost('controller', tofuEnvironment({}));
const program = await findTofu(host).catch(() => undefined);

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

type Loose = Record<string, unknown>;

function builtIn(): Loose {
  const text = readFileSync(join(sampleFolder, 'drayage.tf.json'), 'utf8')
    .replace(/proxmox_hardware_mapping_dir\.([\w-]+)\.name/g, 'terraform_data.mapping_$1.input.name')
    .replace(/proxmox_virtual_environment_vm\.([\w-]+)\.ipv4/g, 'terraform_data.vm_$1.output.ipv4')
    .replace(/proxmox_hardware_mapping_dir\.([\w-]+)/g, 'terraform_data.mapping_$1')
    .replace(/proxmox_virtual_environment_vm\.([\w-]+)/g, 'terraform_data.vm_$1');
  const stack = JSON.parse(text);
  const resources: Loose = {};
  for (const [type, prefix] of [
    ['proxmox_hardware_mapping_dir', 'mapping'],
    ['proxmox_virtual_environment_vm', 'vm'],
  ] as const)
    for (const [name, { lifecycle, ...input }] of Object.entries<Loose>(stack.resource[type]))
      resources[`${prefix}_${name}`] = {
        input,
        lifecycle: { prevent_destroy: (lifecycle as Loose).prevent_destroy },
      };
  (resources.vm_stack2 as { input: Loose }).input.ipv4_addresses = [
    ['127.0.0.1'],
    ['192.0.2.35', '10.88.0.1'],
  ];
  return { ...stack, resource: { terraform_data: resources } };
}

describe.skipIf(program === undefined)('the files and the real OpenTofu or Terraform', () => {
  let folder: string;
  let client: TofuClient;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-real-tofu-'));
    made.push(folder);
    client = openTofu(host, program as NonNullable<typeof program>, folder);
    write(builtIn());
  });
  const write = (stack: Loose) => writeFileSync(join(folder, 'drayage.tf.json'), JSON.stringify(stack));
  const mkdtempOf = (prefix: string) => {
    const other = mkdtempSync(join(tmpdir(), prefix));
    made.push(other);
    return other;
  };
  const planFile = () => join(folder, 'plan');
  const planned = async () => {
    const result = await client.plan(planFile(), { lockSeconds: 0 });
    if (result.kind !== 'planned') throw new Error(result.seen);
    return judge(result.plan);
  };
  const apply = async () => {
    const argv = [client.program.command, `-chdir=${folder}`, 'apply', '-input=false', planFile()];
    expect((await host.run(argv)).exitCode).toBe(0);
  };

  it('agree: valid, applied, and then nothing is to do; what was escaped comes out as it was', async () => {
    expect(await client.validate()).toEqual({ kind: 'valid' });
    const first = await planned();
    expect(refusals(first, [])).toEqual([]);
    expect(first.changes).toHaveLength(7);
    expect(first.changes.filter(({ importing }) => importing !== undefined)).toHaveLength(3);
    await apply();
    expect(await planned()).toMatchObject({ empty: true, refused: [] });
    const state = await client.state();
    expect(state.get('terraform_data.vm_stack2')?.input).toMatchObject({
      description: 'Costs $\u007bnothing}, 100%{sure}',
      virtiofs: [{ mapping: 'containers' }],
    });
    const out = await host.run([client.program.command, `-chdir=${folder}`, 'output', '-json']);
    const outputs = JSON.parse(out.stdout.toString('utf8')) as Record<string, { value: unknown }>;
    expect(outputs.stack2_ip?.value).toBe('192.0.2.35');
    // An agent that tells nothing is no error; an output that is null is not kept.
    expect(outputs.render_ip?.value ?? null).toBe(null);
  });

  it('tell of a machine that is to be forgotten, and of one that would be replaced or destroyed', async () => {
    await planned();
    await apply();
    const stack = builtIn();
    const resources = (stack.resource as Loose).terraform_data as Record<string, Loose>;
    const { vm_ledger: ledger, ...others } = resources;
    const { ledger_ip: _, ...output } = stack.output as Loose;
    const removed = [{ from: 'terraform_data.vm_ledger', lifecycle: { destroy: false } }];
    write({ ...stack, output, resource: { terraform_data: others }, removed });
    expect((await planned()).changes).toMatchObject([
      { address: 'terraform_data.vm_ledger', kind: 'forget' },
    ]);

    // Without prevent_destroy a block that is taken out plans a destruction.
    write({ ...stack, output, resource: { terraform_data: others } });
    expect((await planned()).changes).toMatchObject([
      { address: 'terraform_data.vm_ledger', kind: 'delete' },
    ]);

    // With it, the plan ends with an error, and the plan file still says what it was about.
    write({
      ...stack,
      resource: { terraform_data: { ...others, vm_ledger: { ...ledger, triggers_replace: [1] } } },
    });
    const stopped = await planned();
    expect(stopped.changes).toMatchObject([{ address: 'terraform_data.vm_ledger', kind: 'replace' }]);
    expect(refusals(stopped, ['terraform_data.vm_ledger'])).toEqual([
      { why: 'the plan ended with an error, and is not complete' },
    ]);
  });

  it('notice a state that was lost', async () => {
    const config = join(folder, 'drayage.yaml');
    expect((await lookAtState(config, client, false)).says).toContain('There is no state yet');
    await planned();
    await apply();
    await host.run(['mkdir', join(folder, '.drayage')]);
    await rememberState(config, client);
    expect((await lookAtState(config, client, false)).says).toContain('The state has 7 resources');
    rmSync(join(folder, 'terraform.tfstate'));
    await expect(lookAtState(config, client, false)).rejects.toMatchObject({ code: 'tofu/state-lost' });
  });

  it('stop at a lock that another run holds', async () => {
    // fcntl locks belong to a process: another one takes it, as another run would.
    const script = [
      'import fcntl, sys, time',
      'file = open(sys.argv[1], "a")',
      'fcntl.lockf(file, fcntl.LOCK_EX)',
      'print("held", flush=True)',
      'time.sleep(60)',
    ].join('\n');
    const holder = spawn('python3', ['-c', script, join(folder, 'terraform.tfstate')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await Promise.race([new Promise((resolve) => holder.stdout.once('data', resolve)), sleep(20_000)]);
      await expect(client.plan(planFile(), { lockSeconds: 0 })).rejects.toMatchObject({
        code: 'tofu/state-locked',
        exit: 11,
      });
    } finally {
      holder.kill();
      await new Promise((resolve) => holder.once('exit', resolve));
    }
  });

  it('ask for init where the backend is not ready, and not after it', async () => {
    const state = mkdtempOf('drayage-backend-');
    writeFileSync(
      join(folder, 'backend.tf.json'),
      JSON.stringify({ terraform: { backend: { local: { path: join(state, 'kept.tfstate') } } } }),
    );
    const why = await client.validate();
    expect(why).toMatchObject({
      kind: 'not-initialised',
      seen: expect.stringMatching(/initialization required/i),
    });
    const init = initPlan(client.program.command, folder, 'test').steps[0]?.operations[0];
    expect((await host.run((init as { argv: string[] }).argv)).exitCode).toBe(0);
    expect(await client.validate()).toEqual({ kind: 'valid' });
    await planned();
    await apply();
    expect(await client.identity()).toMatchObject({ serial: expect.any(Number) });
    expect(existsSync(join(state, 'kept.tfstate'))).toBe(true);
  });

  it('ask for init where a provider is missing, and say where a file is wrong', async () => {
    writeFileSync(
      join(folder, 'drayage-provider.tf.json'),
      readFileSync(join(sampleFolder, 'drayage-provider.tf.json')),
    );
    writeFileSync(join(folder, 'drayage.tf.json'), readFileSync(join(sampleFolder, 'drayage.tf.json')));
    expect(await client.validate()).toEqual({ kind: 'not-initialised', seen: 'Missing required provider' });
    expect(await client.plan(planFile(), { lockSeconds: 0 })).toMatchObject({ kind: 'not-initialised' });
    rmSync(join(folder, 'drayage-provider.tf.json'));
    writeFileSync(
      join(folder, 'drayage.tf.json'),
      '{\n  "resource": {"terraform_data": {"a": {"nothing": 1}}}\n}\n',
    );
    await expect(client.validate()).rejects.toMatchObject({
      code: 'tofu/invalid',
      where: expect.stringMatching(/^drayage\.tf\.json:2:/),
      seen: expect.stringContaining('nothing'),
    });
  });
});
