import { describe, expect, it } from 'vitest';
import { type ReachQuestion, reach } from '../../src/integrate/reach.ts';
import { proxmoxError } from '../../src/proxmox/errors.ts';
import { sshError } from '../../src/ssh/errors.ts';
import type { Host } from '../../src/ssh/host.ts';
import { fingerprintOf, parseHostKey } from '../../src/ssh/host-key.ts';

const own = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS';
const foreign = own.replace('GPKSUT', 'GPKSUX');

/** A network: which key answers at which address, and what the guest agent says in each round. */
function question(
  world: {
    answers: Readonly<Record<string, string | 'timeout' | 'denied'>>;
    rounds: readonly (readonly string[] | Error)[];
    file?: string | Error;
  },
  more: Partial<ReachQuestion> = {},
) {
  const tried: string[] = [];
  let round = 0;
  const asked: ReachQuestion = {
    name: 'doc2',
    user: 'root',
    hardware: [],
    agent: {
      addresses: async () => {
        const now = world.rounds[Math.min(round, world.rounds.length - 1)] ?? [];
        round += 1;
        if (now instanceof Error) throw now;
        return [...now];
      },
      file: async () => {
        if (world.file instanceof Error) throw world.file;
        return world.file;
      },
    },
    controller: {
      name: 'controller',
      run: async (argv) => {
        const shown = world.answers[argv.at(-1) ?? ''] ?? '';
        const stdout = shown.startsWith('ssh-') ? `${argv.at(-1)} ${shown}\n` : '';
        return { exitCode: 0, stdout: Buffer.from(stdout), stderr: Buffer.alloc(0) };
      },
    },
    resolve: async (destination) => ({ hostname: destination.replace(/^.*@/, ''), port: 22 }),
    open: (destination, key): Host => ({
      name: 'doc2',
      run: async () => {
        tried.push(destination);
        const answer = world.answers[destination.replace(/^.*@/, '')] ?? 'timeout';
        const facts = { seen: `${destination}: ${answer}`, next: [] };
        if (answer === 'timeout') throw sshError('ssh/timeout', facts);
        if (answer === 'denied') throw sshError('ssh/permission-denied', facts);
        if (answer !== `${key.type} ${key.key}`) throw sshError('ssh/host-key-unknown', facts);
        return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      },
    }),
    waitSeconds: 3,
    say: () => {},
    ...more,
  };
  return { asked, tried };
}

describe('reaching a guest', () => {
  it('waits, and follows it to another address', async () => {
    const { asked, tried } = question({
      answers: { '10.0.0.7': own },
      rounds: [['10.0.0.6'], ['10.0.0.7']],
      file: own,
    });
    expect(await reach(asked)).toMatchObject({ destination: 'root@10.0.0.7', by: 'agent' });
    expect(tried).toEqual(['root@10.0.0.6', 'root@10.0.0.7']);
  });

  it('waits for an agent that has not started', async () => {
    const notYet = proxmoxError('proxmox/unexpected', {
      seen: '500 QEMU guest agent is not running',
      next: [],
    });
    const { asked } = question({ answers: { '10.0.0.7': own }, rounds: [notYet, ['10.0.0.7']], file: own });
    expect(await reach(asked)).toMatchObject({ destination: 'root@10.0.0.7' });
  });

  it('tries what drayage.yaml has first', async () => {
    const { asked, tried } = question(
      { answers: { doc2: own }, rounds: [['10.0.0.7']], file: own },
      { known: 'ops@doc2' },
    );
    expect(await reach(asked)).toMatchObject({ destination: 'ops@doc2' });
    expect(tried).toEqual(['ops@doc2']);
  });

  it('never takes the word of the address', async () => {
    const { asked } = question({ answers: { '10.0.0.7': foreign }, rounds: [['10.0.0.7']], file: own });
    await expect(reach(asked)).rejects.toMatchObject({
      code: 'integrate/other-machine',
      exit: 5,
      next: [expect.stringContaining('on the console of doc2')],
    });
  });

  it('without the word of the agent asks the operator, and only about what is shown', async () => {
    const refused = proxmoxError('proxmox/permission', { seen: '403', next: ['pveum acl modify /vms/114'] });
    const world = { answers: { '10.0.0.7': own }, rounds: [['10.0.0.7']], file: refused };
    const shown: string[] = [];
    const confirm = (yes: boolean) => async (fingerprints: readonly string[]) => {
      shown.push(...fingerprints);
      return yes;
    };
    expect(await reach(question(world, { confirm: confirm(true) }).asked)).toMatchObject({ by: 'operator' });
    const fingerprint = fingerprintOf(parseHostKey(own) as { type: string; key: string });
    expect(shown).toEqual([fingerprint]);
    await expect(reach(question(world, { confirm: confirm(false) }).asked)).rejects.toMatchObject({
      code: 'integrate/host-key-unknown',
      next: expect.arrayContaining([
        `only when it shows the same: drayage guest integrate doc2 --host-key ${fingerprint}`,
        'pveum acl modify /vms/114',
      ]),
    });
    expect(await reach(question(world, { fingerprint }).asked)).toMatchObject({ by: 'operator' });
  });

  it('says that there is no address, and what to do', async () => {
    const { asked } = question({ answers: {}, rounds: [[]], file: own }, { waitSeconds: 0 });
    await expect(reach(asked)).rejects.toMatchObject({
      code: 'integrate/no-address',
      next: expect.arrayContaining(['drayage guest integrate doc2 ADDRESS']),
    });
  });

  it('a privilege does not come by waiting', async () => {
    const refused = proxmoxError('proxmox/permission', { seen: '403', next: [] });
    const { asked } = question({ answers: {}, rounds: [refused] }, { waitSeconds: 600 });
    await expect(reach(asked)).rejects.toMatchObject({ code: 'proxmox/permission' });
  });
});
