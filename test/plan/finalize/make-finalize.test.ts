import { describe, expect, it } from 'vitest';
import type { FinalizeFacts } from '../../../src/plan/finalize/facts.ts';
import { makeFinalize } from '../../../src/plan/finalize/make-finalize.ts';
import { planSchema } from '../../../src/plan/plan.ts';
import { cutover, moved } from '../../support/handed-over.ts';
import { sampleConfig, sampleSource, sampleYaml } from '../../support/sample.ts';

const time = '2026-11-01T12:00:00.000Z';
const facts: FinalizeFacts = {
  recorded: cutover(),
  provenAt: time,
  source: { digest: 'd'.repeat(64), newest: { read: time, written: time, changed: time }, atime: 'relatime' },
  snapshots: ['drayage-docker-cutover', 'drayage-docker-rollback-1', 'daily', 'drayage-docker2-cutover'],
};
const released = moved({ released: true, handedOver: true });
const plan = (
  more: Partial<FinalizeFacts> = {},
  findings = released,
  dropSnapshots = false,
  yaml = sampleYaml,
) =>
  makeFinalize(
    sampleConfig(yaml),
    findings,
    { ...facts, ...more },
    { move: 'docker', dropSnapshots },
    '0.1.0',
  );
const codes = (made: ReturnType<typeof plan>) => made.blockers.map(({ code }) => code);

describe('letting the old data go', () => {
  it('is pure, is not blocked three weeks after the proof, and can be read back', () => {
    expect(plan()).toEqual(plan());
    expect(codes(plan())).toEqual([]);
    expect(planSchema.parse(JSON.parse(JSON.stringify(plan())))).toEqual(plan());
  });

  it('is blocked while the share is on another node', () => {
    const shares = { containers: { name: 'containers', occupied: false, elsewhere: 'maint' } };
    const away = plan({}, { ...released, shares });
    expect(codes(away)).toEqual(['plan/share-elsewhere']);
    expect(away.blockers[0]?.next).toEqual(['drayage maintenance leave']);
  });

  it('is one step on the source guest, and touches nothing else', () => {
    expect(plan().steps.map(({ id }) => id)).toEqual(['as-shown docker', 'delete-source docker']);
    const operations = plan().steps.flatMap((step) => step.operations);
    expect(operations).toHaveLength(1);
    expect(operations[0]).toMatchObject({ kind: 'run', host: 'doc1' });
    expect((operations[0] as { argv: string[] }).argv.slice(4)).toEqual(['/mnt/docker', '65024:131']);
    expect(plan().steps[1]?.irreversible).toBeDefined();
  });

  it('deletes only what was shown, while everything that must hold still holds', () => {
    const guards = plan().steps[1]?.operations[0]?.guards ?? [];
    expect(guards.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        '/nvmeprom/containers is mounted',
        '/nvmeprom/containers carries the marker of share containers',
        'docker was handed over to doc2',
        'docker is released to doc2',
        '/nvmeprom/containers/doc1 holds the data',
        'a proof of docker without differences is kept',
        'no process on doc1 has a file below /mnt/docker open',
      ]),
    );
    expect(plan().steps[0]?.proof.at(-1)).toMatchObject({ host: 'doc1', expect: { stdout: 'd'.repeat(64) } });
  });

  it('leaves what was never moved', () => {
    const yaml = sampleYaml.replace('guest: doc2 }', 'guest: doc2 }\n    exclude: [store]');
    const made = plan({ recorded: cutover(yaml) }, released, false, yaml);
    expect((made.steps[1]!.operations[0] as { argv: string[] }).argv.slice(4)).toEqual([
      '/mnt/docker',
      '65024:131',
      'store',
    ]);
    expect(made.notes.join('\n')).toContain('Not touched, because it was not moved: store');
  });

  it('says where no snapshot of the source can be taken, and what holds the data instead', () => {
    expect(plan().notes.join('\n')).toContain('No snapshot of doc1:/mnt/docker can be taken (ext4)');
    expect(plan().notes.join('\n')).toContain(
      'nvmeprom/containers@drayage-docker-cutover holds the same data',
    );
  });

  it('takes a snapshot first where the source path is a subvolume of its own', () => {
    const source = { state: 'directory' as const, ...sampleSource, fsType: 'btrfs', inode: '256' };
    const made = plan({}, { ...released, moves: { docker: { ...released.moves.docker!, source } } });
    expect(made.steps.map(({ id }) => id)).toEqual([
      'keep-source docker',
      'as-shown docker',
      'delete-source docker',
    ]);
    expect((made.steps[0]!.operations[0] as { argv: string[] }).argv).toEqual([
      ...['btrfs', 'subvolume', 'snapshot', '-r', '/mnt/docker', '/mnt/.drayage-docker-finalize'],
    ]);
  });

  it("leaves drayage's snapshots, and destroys only its own of this move at a further word", () => {
    expect(plan().notes.join('\n')).toContain('--drop-snapshots');
    const dropped = plan({}, released, true).steps.at(-1);
    expect(dropped?.operations.map((operation) => (operation as { argv: string[] }).argv.at(-1))).toEqual([
      'nvmeprom/containers@drayage-docker-cutover',
      'nvmeprom/containers@drayage-docker-rollback-1',
    ]);
    expect(dropped?.needs).toEqual(['delete-source docker']);
  });
});

describe('what keeps the old data', () => {
  it('a move that is not released', () => {
    expect(codes(plan({}, moved({ released: false, handedOver: true })))).toEqual(['finalize/not-released']);
  });

  it('nothing else is told of a move that is not released', () => {
    const { recorded: _r, provenAt: _p, source: _s, ...rest } = facts;
    const wanted = { move: 'docker', dropSnapshots: false };
    const made = makeFinalize(sampleConfig(), moved({}), rest, wanted, '0');
    expect(codes(made)).toEqual(['finalize/not-released']);
  });

  it('a move that is not proven, with the command that proves it', () => {
    const { provenAt: _none, ...rest } = facts;
    const made = makeFinalize(sampleConfig(), released, rest, { move: 'docker', dropSnapshots: false }, '0');
    expect(codes(made)).toEqual(['finalize/not-proven']);
    expect(made.blockers[0]?.next[0]).toBe('drayage verify --move docker');
  });

  it.each([
    ['2026-11-15T20:59:00.000Z', []],
    ['2026-11-15T21:01:00.000Z', ['finalize/soaking']],
  ])('the time after the proof, to the minute: proven %s', (provenAt, expected) => {
    expect(codes(plan({ provenAt }))).toEqual(expected);
  });

  it('as long as the configuration says', () => {
    const yaml = `${sampleYaml}finalize: { soakDays: 30 }\n`;
    const [blocked] = plan({}, released, false, yaml).blockers;
    expect(blocked?.code).toBe('finalize/soaking');
    expect(blocked?.next[0]).toContain('2026-12-01T12:00:00.000Z');
  });

  it('a move of which this folder has no record', () => {
    const { recorded: _none, ...rest } = facts;
    const made = makeFinalize(sampleConfig(), released, rest, { move: 'docker', dropSnapshots: false }, '0');
    expect(codes(made)).toEqual(['finalize/no-record']);
    expect(made.steps).toEqual([]);
  });
});
