import { describe, expect, it } from 'vitest';
import type { Findings } from '../../../src/inspect/findings.ts';
import { type Plan, planSchema, type Step } from '../../../src/plan/plan.ts';
import { type Case, cutover, moved, rollback } from '../../support/handed-over.ts';
import { sampleYaml } from '../../support/sample.ts';

const written = { added: 2, changed: 1, gone: 0, more: false, first: [] };
const asLeft = { asLeft: true, state: 'd'.repeat(64) };
const back = (choice: 'carry-back' | 'discard', more: Partial<Case> = {}): Plan =>
  rollback({
    findings: moved({ released: true, handedOver: true }),
    ...more,
    move: { written, source: asLeft, ...more.move },
    wanted: { choice, ...more.wanted },
  });
const step = (plan: Plan, id: string): Step => {
  const found = plan.steps.find((candidate) => candidate.id === `${id} docker`);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};
const ids = (plan: Plan) => plan.steps.map(({ id }) => id.replace(' docker', ''));
const guardsOf = (found: Step) =>
  found.operations.map((operation) => (operation.guards ?? []).map(({ what }) => what));
const sourceSide = ['carry-back', 'start-source'];

describe('the way back of a move that was handed over', () => {
  it('is pure, has no blocker, and can be written to a file and read back', () => {
    const plan = back('carry-back');
    expect(plan).toEqual(back('carry-back'));
    expect(plan.blockers).toEqual([]);
    expect(planSchema.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  });

  it('is blocked while the share is on another node: what was written there is not seen', () => {
    const shares = { containers: { name: 'containers', occupied: false, elsewhere: 'maint' } };
    const findings = { ...moved({ released: true, handedOver: true }), shares };
    expect(back('discard', { findings }).blockers.map(({ code }) => code)).toContain('plan/share-elsewhere');
  });

  it('stops the target, takes the release away, keeps what it wrote, and only then turns to the source', () => {
    expect(ids(back('carry-back'))).toEqual([
      'source-read',
      'stop-target',
      'take-release',
      'keep',
      'as-left',
      'carry-back',
      'carried-back',
      'lift-fence',
      'start-source',
      'end',
    ]);
  });

  it('that discards differs from one that carries back by the copy alone', () => {
    expect(ids(back('discard'))).toEqual(
      ids(back('carry-back')).filter(
        (id) => !['source-read', 'as-left', 'carry-back', 'carried-back'].includes(id),
      ),
    );
    const kinds = back('discard').steps.flatMap((each) => each.operations.map(({ kind }) => kind));
    expect(kinds).not.toContain('carry-back');
  });

  it('takes the restart policies from the containers of the target before it stops them', () => {
    const whats = step(back('discard'), 'stop-target').operations.map(({ what }) => what);
    expect(whats[0]).toBe('writer is not restarted any more');
    expect(whats.at(-1)).toBe('stop notes.service of notes');
    expect(whats).toContain('stop web.service');
    expect(whats).toContain('stop writer');
  });

  it('keeps what the target wrote in a snapshot of its own, and never writes over an earlier one', () => {
    const argv = (plan: Plan) => (step(plan, 'keep').operations[0] as { argv: string[] }).argv;
    expect(argv(back('discard'))).toEqual([
      'zfs',
      'snapshot',
      'nvmeprom/containers@drayage-docker-rollback-1',
    ]);
    const snapshots = ['drayage-docker-cutover', 'drayage-docker-rollback-1'];
    expect(argv(back('discard', { share: { snapshots } })).at(-1)).toContain('drayage-docker-rollback-2');
  });

  it('says what cannot be taken back where the source is written to, and nowhere else', () => {
    const plan = back('carry-back');
    expect(step(plan, 'carry-back').irreversible).toContain('nvmeprom/containers@drayage-docker-cutover');
    expect(plan.steps.filter(({ irreversible }) => irreversible !== undefined)).toHaveLength(1);
  });

  it('gives the containers of the source the restart policies that they had, and starts what ran', () => {
    const whats = ['lift-fence', 'start-source'].flatMap((id) =>
      step(back('discard'), id).operations.map(({ what }) => what),
    );
    expect(whats).toContain('take the fence of web.service away');
    expect(whats).toContain('writer has restart policy always again');
    expect(whats.slice(-3)).toEqual([
      'start web.service again',
      'start writer again',
      'start notes.service of notes again',
    ]);
    expect(step(back('discard'), 'start-source').proof.map(({ what }) => what)).toContain('writer run');
  });

  it('starts nothing, and writes nothing, on a source path that is another directory than now, or empty', () => {
    const findings = moved({ released: true, handedOver: true });
    const docker = findings.moves.docker!;
    // The guest was booted since the window: its disk has another device number.
    const source = { ...docker.source, device: '64770', inode: '131' } as typeof docker.source;
    const plan = back('carry-back', { findings: { ...findings, moves: { docker: { ...docker, source } } } });
    const starts = step(plan, 'start-source').operations;
    expect(starts.length).toBeGreaterThan(1);
    for (const { guards } of [...starts, ...step(plan, 'carry-back').operations])
      expect(guards).toContainEqual(
        expect.objectContaining({
          kind: 'source',
          host: 'doc1',
          path: '/mnt/docker',
          device: '64770',
          inode: '131',
        }),
      );
  });

  it('has no step, and says so, when the source path is not there', () => {
    const findings = moved({ released: true, handedOver: true });
    const docker = { ...findings.moves.docker!, source: { state: 'missing' } as never };
    const plan = back('discard', { findings: { ...findings, moves: { docker } } });
    expect(plan.steps).toEqual([]);
    expect(plan.blockers.map(({ code }) => code)).toContain('plan/source-missing');
  });

  it('removes the note of the hand-over last of all', () => {
    const plan = back('carry-back');
    expect((plan.steps.at(-1)!.operations[0] as { argv: string[] }).argv.slice(3)).toEqual([
      '/nvmeprom/containers/.drayage/moves/docker/carry-back',
      '/nvmeprom/containers/.drayage/moves/docker/handed-over',
      '/nvmeprom/containers/.drayage/moves/docker/carried-back',
    ]);
  });
});

describe('law 2 on the way back: one writer', () => {
  it('the release goes only while nothing of the move runs on the target, and nothing holds its files', () => {
    const [, remove = []] = guardsOf(step(back('discard'), 'take-release'));
    expect(remove).toContain('no process on doc2 has a file below /mnt/docker open');
    expect(step(back('discard'), 'stop-target').proof.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'none of web.service is active on doc2',
        'none of writer runs on doc2',
        'writer has no restart policy on doc2',
        'no process on doc2 has a file below /mnt/docker open',
      ]),
    );
  });

  it.each(sourceSide)('%s asks each time whether the target is stopped and cannot start', (id) => {
    const each = guardsOf(step(back('carry-back'), id));
    expect(each.length).toBeGreaterThan(0);
    for (const guards of each)
      expect(guards).toEqual(
        expect.arrayContaining([
          'docker is not released to doc2 any more',
          'docker was handed over to doc2',
          'none of web.service is active on doc2',
          'none of writer runs on doc2',
          'writer has no restart policy on doc2',
          '/etc/systemd/system/web.service.d/50-drayage.conf is as planned',
        ]),
      );
  });

  it('lifting the fence asks before the first of it, and for the release before each', () => {
    const [first = [], ...others] = guardsOf(step(back('carry-back'), 'lift-fence'));
    expect(first).toContain('none of writer runs on doc2');
    expect(others.length).toBeGreaterThan(0);
    for (const guards of others) expect(guards).toContain('docker is not released to doc2 any more');
  });

  it('where the conditions come from a NixOS configuration, systemd is asked for them', () => {
    const { plan: then, findings } = cutover();
    const steps = then.steps.filter(({ id }) => id !== 'conditions docker');
    const plan = back('discard', { move: { recorded: { plan: { ...then, steps }, findings } } });
    expect(step(plan, 'stop-target').proof).toContainEqual(
      expect.objectContaining({
        host: 'doc2',
        what: 'web.service on doc2 asserts the release',
        argv: expect.arrayContaining([
          'AssertPathExists=/mnt/containers/.drayage/moves/docker/released',
          'systemctl',
          'cat',
        ]),
      }),
    );
  });
});

describe('law 4 on the way back: deletes', () => {
  it('copies only below the source path, capped, and only from the marked and mounted share', () => {
    const [note, copy] = step(back('carry-back'), 'carry-back').operations;
    expect(note).toMatchObject({
      kind: 'write',
      path: '/nvmeprom/containers/.drayage/moves/docker/carry-back',
    });
    expect(copy).toMatchObject({
      kind: 'carry-back',
      host: 'prom',
      from: { path: '/nvmeprom/containers/doc1' },
      to: { host: 'doc1', path: '/mnt/docker' },
      maxDelete: 1000,
    });
    const argv = (copy as { argv: string[] }).argv;
    expect(argv.slice(-2)).toEqual(['/nvmeprom/containers/doc1/', 'root@doc1:/mnt/docker/./']);
    expect(argv).toEqual(
      expect.arrayContaining([
        '--files-from=-',
        '--delete-missing-args',
        '--max-delete=1000',
        '-aHAXS',
        '--numeric-ids',
      ]),
    );
    expect((copy as { listing: string[] }).listing.slice(4)).toEqual([
      '/nvmeprom/containers/.zfs/snapshot/drayage-docker-cutover/doc1',
      '/nvmeprom/containers/doc1',
    ]);
    expect((copy?.guards ?? []).map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        '/nvmeprom/containers is mounted',
        '/nvmeprom/containers carries the marker of share containers',
        'no process on doc1 has a file below /mnt/docker open',
        'it is noted that the source is written to',
      ]),
    );
  });

  it('from the top of a share takes neither its own folder nor the one of ZFS for data', () => {
    const yaml = sampleYaml.replace('guest: doc2 }', 'guest: doc2, as: . }');
    const found = step(back('carry-back', { yaml }), 'carry-back');
    const copy = found.operations[1] as { argv: string[]; listing: string[]; topIsShare: boolean };
    expect(copy.topIsShare).toBe(true);
    expect(copy.argv).toEqual(expect.arrayContaining(['--exclude=/.drayage', '--exclude=/.zfs']));
    expect(copy.listing.slice(-2)).toEqual(['.drayage', '.zfs']);
    expect(found.proof[0]).toMatchObject({ exclude: ['.drayage', '.zfs'] });
    expect(found.why).not.toContain('Not touched');
  });

  it('begins only while the source is as it was left, as the snapshot of the cutover keeps it', () => {
    const look = step(back('carry-back'), 'as-left');
    expect(look.operations).toEqual([]);
    expect(look.proof).toEqual([
      expect.objectContaining({ host: 'doc1', expect: { exitCode: 0, stdout: asLeft.state } }),
    ]);
  });

  it('never lists the source in the moment in which it asks whether it is quiet', () => {
    for (const { operations, probe, proof } of back('carry-back').steps)
      for (const checks of [probe, proof, ...operations.map(({ guards = [] }) => guards)])
        if (checks.some(({ kind }) => kind === 'quiet'))
          expect(checks.map(({ what }) => what).join('\n')).not.toContain('is as it was left');
  });

  it('passes over the whole tree too when an earlier try was cut off, and does not ask the source to be as it was left', () => {
    const plan = back('carry-back', { move: { carryBack: 'begun', source: undefined as never } });
    expect(plan.blockers).toEqual([]);
    const [, , whole] = step(plan, 'carry-back').operations;
    expect((whole as { argv: string[] }).argv).toContain('--delete-delay');
    expect((whole as { argv: string[] }).argv).not.toContain('--files-from=-');
    expect(step(back('carry-back'), 'carry-back').operations).toHaveLength(2);
    expect(plan.steps.map(({ id }) => id)).not.toContain('as-left docker');
  });

  describe('where rsync on the source guest does not delete by a list', () => {
    const refusing = (what: 'deletions' | 'pass'): Findings => {
      const found = moved({ released: true, handedOver: true });
      const doc1 = found.guests.doc1!;
      const system = { ...doc1.system!, rsyncVersion: '3.2.7', rsyncRefuses: { what, said: 'invalid mode' } };
      return { ...found, guests: { ...found.guests, doc1: { ...doc1, system } } };
    };

    it('gives it a list of what is there, deletes by a pass over the whole tree, and says why', () => {
      const plan = back('carry-back', { findings: refusing('deletions') });
      expect(plan.blockers).toEqual([]);
      const { operations, proof, why } = step(plan, 'carry-back');
      expect(operations).toMatchObject([
        { kind: 'write' },
        { goneLater: true, listing: expect.any(Array), what: 'rsync of exactly what was written since' },
        {
          argv: expect.arrayContaining(['--delete-delay']),
          what: expect.stringContaining('what is gone goes'),
        },
      ]);
      expect(proof[0]).toMatchObject({ scope: 'full' });
      expect(why).toContain('because rsync 3.2.7 on doc1 does not delete by a list (invalid mode)');
      expect(plan.estimates.docker!.windowSeconds).toBeGreaterThan(
        back('carry-back').estimates.docker!.windowSeconds,
      );
    });

    it('is blocked where it refuses every pass, and not without a copy', () => {
      const findings = refusing('pass');
      expect(back('carry-back', { findings }).blockers.map(({ code }) => code)).toEqual([
        'plan/rsync-refuses',
      ]);
      expect(back('discard', { findings }).blockers).toEqual([]);
    });
  });

  it('reads the whole source before the downtime, beside the snapshot that it was proven against', () => {
    const read = step(back('carry-back'), 'source-read');
    expect(read).toMatchObject({ stage: 'seed', operations: [] });
    expect(read.proof).toEqual([
      expect.objectContaining({
        kind: 'compare',
        scope: 'full',
        source: { host: 'doc1', path: '/mnt/docker' },
        target: {
          host: 'prom',
          path: '/nvmeprom/containers/.zfs/snapshot/drayage-docker-cutover/doc1',
        },
      }),
    ]);
    expect(step(back('carry-back'), 'as-left').needs).toEqual(['source-read docker']);
  });

  it('reads everything in the downtime where an earlier try was cut off', () => {
    const plan = back('carry-back', { move: { carryBack: 'begun', source: undefined as never } });
    expect(step(plan, 'carry-back').proof).toEqual([expect.objectContaining({ scope: 'full' })]);
    expect(plan.steps.map(({ id }) => id)).not.toContain('source-read docker');
    const seconds = (each: Plan) => each.estimates.docker!.windowSeconds;
    expect(seconds(plan)).toBeGreaterThan(seconds(back('carry-back')));
  });

  it('compares content and metadata of what was carried before anything starts', () => {
    expect(step(back('carry-back'), 'carry-back').proof).toEqual([
      expect.objectContaining({
        kind: 'compare',
        scope: 'changed',
        source: { host: 'doc1', path: '/mnt/docker' },
        target: { host: 'prom', path: '/nvmeprom/containers/doc1' },
      }),
    ]);
    for (const id of ['lift-fence', 'start-source'])
      for (const guards of guardsOf(step(back('carry-back'), id)))
        expect(guards).toContain('it was carried back and compared');
  });
});

describe('law 9: what blocks the way back', () => {
  const codes = (plan: Plan) => plan.blockers.map(({ code }) => code);

  it('discarding after carrying back has begun', () => {
    const plan = back('discard', { move: { carryBack: 'begun' } });
    expect(codes(plan)).toEqual(['rollback/carry-back-begun']);
    expect(plan.blockers[0]?.next[0]).toBe('drayage rollback --move docker --carry-back');
  });

  it('carrying back over a source that somebody has written to; discarding starts on what is there', () => {
    const move = { source: { asLeft: false, state: 'x' } };
    const plan = back('carry-back', { move });
    expect(codes(plan)).toEqual(['rollback/source-changed']);
    expect(plan.blockers[0]?.next[1]).toContain('drayage rollback --move docker --discard');
    expect(codes(back('discard', { move }))).toEqual([]);
  });

  it('no snapshot of the cutover', () => {
    const plan = back('discard', { share: { snapshots: [] } });
    expect(codes(plan)).toEqual(['rollback/no-snapshot']);
    expect(plan.blockers[0]?.next[0]).toContain('docs/recovery.md');
  });

  it('more deletions than the move allows, known before the downtime', () => {
    const plan = back('carry-back', { move: { written: { ...written, gone: 1001 } } });
    expect(codes(plan)).toEqual(['rollback/too-many-deletions']);
    expect(plan.blockers[0]?.next[0]).toContain('maxDelete: 1001');
  });

  it('a workload of the target that did not come with the move and runs on its path', () => {
    const found = moved({ released: true, handedOver: true });
    const doc2 = found.guests.doc2!;
    const other = { ...found.guests.doc1!.system!.containers[0]!, name: 'newcomer' };
    const plan = back('discard', {
      findings: {
        ...found,
        guests: { ...found.guests, doc2: { ...doc2, system: { ...doc2.system!, containers: [other] } } },
      },
    });
    expect(codes(plan)).toEqual(['rollback/other-workloads']);
    expect(plan.blockers[0]?.seen).toContain('newcomer on doc2 uses /mnt/docker');
  });

  it('a target that does not answer: whether it is stopped cannot be seen', () => {
    const found = moved({ released: true, handedOver: true });
    const { system: _gone, ...doc2 } = found.guests.doc2!;
    const plan = back('discard', { findings: { ...found, guests: { ...found.guests, doc2 } } });
    expect(codes(plan)).toEqual(['rollback/not-reached']);
    expect(plan.blockers[0]?.next).toEqual([
      'ssh root@doc2 true',
      expect.stringContaining('ssh root@192.168.1.12 qm stop 114'),
    ]);
  });

  it('a source that is off: it can be started, for its workloads are fenced', () => {
    const found = moved({ released: true, handedOver: true });
    const { system: _gone, ...doc1 } = found.guests.doc1!;
    const findings = { ...found, guests: { ...found.guests, doc1: { ...doc1, running: false } } };
    const plan = back('discard', { findings });
    expect(plan.blockers[0]).toMatchObject({
      code: 'rollback/not-reached',
      seen: 'doc1 is off: what goes back there cannot start',
      next: [expect.stringContaining('ssh root@192.168.1.12 qm start 104')],
    });
  });

  it('a cutover of which this folder has no record', () => {
    const plan = back('discard', { move: { recorded: undefined as never } });
    expect(codes(plan)).toEqual(['rollback/no-record']);
    expect(plan.steps).toEqual([]);
  });
});

describe('a target that is off', () => {
  const found = moved({ released: true, handedOver: true });
  const { system: _gone, ...doc2 } = found.guests.doc2!;
  const findings = { ...found, guests: { ...found.guests, doc2: { ...doc2, running: false } } };
  const plan = back('carry-back', { findings });

  it('does not block: it is not asked, and loses the share instead of being stopped', () => {
    expect(plan.blockers).toEqual([]);
    expect(step(plan, 'stop-target').operations).toEqual([
      expect.objectContaining({
        kind: 'call',
        method: 'PUT',
        path: '/nodes/prom/qemu/114/config',
        params: { delete: 'virtiofs0', digest: doc2.vm.digest },
        guards: [expect.objectContaining({ what: 'VM 114 is off' })],
      }),
    ]);
    const hosts = plan.steps.flatMap(({ probe, proof, operations }) =>
      [...probe, ...proof, ...operations, ...operations.flatMap(({ guards = [] }) => guards)].flatMap(
        (each) => ('host' in each ? [each.host] : []),
      ),
    );
    expect(new Set(hosts)).toEqual(new Set(['doc1', 'prom']));
  });

  it.each(['take-release', 'keep', 'carry-back', 'lift-fence', 'start-source', 'end'])(
    '%s asks the API whether it is off still, and without the share',
    (id) => {
      const asked = guardsOf(step(plan, id)).flat();
      expect(asked).toContain('VM 114 is off');
      expect(asked).toContain('VM 114 has no virtiofs0 any more');
    },
  );
});
