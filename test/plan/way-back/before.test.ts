import { describe, expect, it } from 'vitest';
import type { Plan, Step } from '../../../src/plan/plan.ts';
import { type Case, cutover, moved, rollback } from '../../support/handed-over.ts';
import { sampleYaml } from '../../support/sample.ts';

const back = (more: Partial<Case> = {}): Plan => rollback({ findings: moved({}), ...more });
const ids = (plan: Plan) => plan.steps.map(({ id }) => id);
const step = (plan: Plan, id: string): Step => {
  const found = plan.steps.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no step ${id} among ${ids(plan).join(', ')}`);
  return found;
};
const scripts = (found: Step) =>
  found.operations.map((operation) => (operation.kind === 'run' ? operation.argv.join(' ') : operation.kind));

describe('the way back before the hand-over', () => {
  it('takes back what was made, the last one first, and has no downtime', () => {
    expect(ids(back())).toEqual([
      'undo definitions docker',
      'undo device docker',
      'undo conditions docker',
      'undo mount-units docker',
      'undo rescue docker',
      'restart-guest docker',
      'undo snapshot docker',
      'undo place docker',
      'undo mapping containers',
      'undo dataset containers',
    ]);
    expect(back().steps.some(({ stage }) => stage === 'cutover')).toBe(false);
    expect(back().blockers).toEqual([]);
  });

  it('touches nothing that no run has made', () => {
    const { plan } = cutover();
    const performed = plan.steps.filter(({ id }) => id === 'place docker').map((each) => ({ step: each }));
    const only = back({ move: { performed }, share: { performed: [], snapshots: [] } });
    expect(ids(only)).toEqual(['undo place docker']);
  });

  it('removes the copy from the place that is claimed for the move, and from nowhere else', () => {
    const [remove, ...more] = step(back(), 'undo place docker').operations;
    expect(more).toEqual([]);
    expect((remove as { argv: string[] }).argv.slice(4)).toEqual([
      '/nvmeprom/containers/doc1',
      '/nvmeprom/containers/.drayage/moves/docker/claim.json',
      '/nvmeprom/containers/.drayage/moves/docker',
    ]);
    expect((remove?.guards ?? []).map(({ what }) => what)).toEqual([
      '/nvmeprom/containers is mounted',
      '/nvmeprom/containers carries the marker of share containers',
      'docker was not handed over to doc2 yet',
      '/nvmeprom/containers/doc1 is claimed for docker',
    ]);
  });

  it('leaves a place alone whose claim is gone already', () => {
    expect(ids(back({ findings: moved({ claimed: false }) }))).not.toContain('undo place docker');
  });

  it("keeps drayage's own folder when the move has the top of the share", () => {
    const yaml = sampleYaml.replace('guest: doc2 }', 'guest: doc2, as: . }');
    const [remove] = step(back({ yaml }), 'undo place docker').operations;
    expect((remove as { argv: string[] }).argv[2]).toContain('! -name .drayage ! -name .zfs');
  });

  it('gives the mapping back to the other nodes as they have it, with the digest', () => {
    expect(step(back(), 'undo mapping containers').operations).toEqual([
      {
        kind: 'call',
        method: 'PUT',
        path: '/cluster/mapping/dir/containers',
        params: { map: ['node=main,path=/tank/containers'], digest: 'e'.repeat(40) },
        what: 'send the other entries back',
      },
    ]);
  });

  it('removes a mapping that has no other entry', () => {
    const found = moved({});
    const [mapping] = found.cluster.mappings;
    const own = { ...mapping!, entries: mapping!.entries.slice(1) };
    const alone = { ...found, cluster: { ...found.cluster, mappings: [own] } };
    expect(step(back({ findings: alone }), 'undo mapping containers').operations[0]).toMatchObject({
      method: 'DELETE',
      path: '/cluster/mapping/dir/containers',
    });
  });

  it('removes the device that it added and leaves every other option of the VM', () => {
    expect(step(back(), 'undo device docker').operations).toEqual([
      expect.objectContaining({ method: 'PUT', params: { delete: 'virtiofs0' } }),
    ]);
    const found = moved({});
    const doc2 = { ...found.guests.doc2!, vm: { ...found.guests.doc2!.vm, virtiofs: [] } };
    const gone = { ...found, guests: { ...found.guests, doc2 } };
    expect(ids(back({ findings: gone }))).not.toContain('undo device docker');
    expect(ids(back({ findings: gone }))).toContain('restart-guest docker');
  });

  it('stops and starts the target, which names its containers, because a running VM keeps the device', () => {
    const restart = step(back(), 'restart-guest docker');
    expect(restart.operations.map(({ what }) => what)).toEqual(['shut the guest down', 'start it']);
    expect(restart.probe.map(({ what }) => what)).toContain(
      'the running VM 114 does not have virtiofs0 any more',
    );
  });

  it('removes files only where they are still as they were written, and containers by their label', () => {
    const all = [
      ...scripts(step(back(), 'undo definitions docker')),
      ...scripts(step(back(), 'undo conditions docker')),
    ];
    const removals = all.filter((script) => /\brm\b/.test(script));
    expect(removals.length).toBeGreaterThan(4);
    for (const script of removals) expect(script).toMatch(/sha256sum --check|drayage\.create/);
  });

  it('leaves the conditions of units that others have defined, and says so', () => {
    const yaml = sampleYaml.replace('guest: doc2 }', 'guest: doc2 }\n    definitions: present');
    const plan = back({ yaml });
    expect(ids(plan)).not.toContain('undo conditions docker');
    expect(ids(plan)).not.toContain('undo definitions docker');
    expect(plan.notes.join('\n')).toContain('The conditions (50-drayage.conf) of the units on doc2 stay');
  });

  it('names what it leaves behind: images', () => {
    expect(back().notes).toEqual([expect.stringContaining('Images that were loaded on doc2 stay')]);
  });

  it.each([
    ['snapshots of others', { snapshots: ['drayage-docker-cutover', 'daily'] }, 'snapshot @daily'],
    ['files of others', { strangers: ['notes'] }, '/nvmeprom/containers/notes'],
  ])('keeps a dataset with %s, and says what it is', (_what, share, named) => {
    const plan = back({ share });
    expect(ids(plan)).not.toContain('undo dataset containers');
    expect(plan.notes.join('\n')).toContain(`more in it than drayage brought: ${named}`);
  });

  it('keeps a dataset that was there before, and takes its own folder out of it', () => {
    const { plan } = cutover();
    const performed = plan.steps
      .filter(({ id }) => id === 'marker containers' || id === 'mapping containers')
      .map((each) => ({ step: each }));
    const found = back({ share: { performed } });
    expect(ids(found)).not.toContain('undo dataset containers');
    expect(scripts(step(found, 'undo marker containers')).at(-1)).toContain('/nvmeprom/containers/.drayage');
  });

  it('keeps the snapshots of earlier ways back, and with them the dataset', () => {
    const snapshots = ['drayage-docker-cutover', 'drayage-docker-rollback-1'];
    const plan = back({ share: { snapshots } });
    expect(ids(plan)).not.toContain('undo dataset containers');
    expect(ids(plan)).not.toContain('undo snapshot docker');
    expect(plan.notes.join('\n')).toContain(
      'nvmeprom/containers@drayage-docker-rollback-1 keeps what the target had written',
    );
  });

  it('keeps what another move of the same guest needs: share, device, and the mount of the share', () => {
    const yaml = `${sampleYaml}  media:\n    from: { guest: doc1, path: /srv/media }\n    to: { share: containers, guest: doc2, as: media }\n`;
    const found = moved({});
    const media = { ...found.moves.docker!, name: 'media' };
    const plan = back({ yaml, findings: { ...found, moves: { ...found.moves, media } } });
    expect(ids(plan)).toEqual([
      'undo definitions docker',
      'undo conditions docker',
      'undo mount-units docker',
      'undo rescue docker',
      'undo snapshot docker',
      'undo place docker',
    ]);
    const mounts = scripts(step(plan, 'undo mount-units docker')).join('\n');
    expect(mounts).toContain('mnt-docker.mount');
    expect(mounts).not.toContain('mnt-containers.mount');
  });

  it('takes a window back first that is still open: fences, then starts', () => {
    const { plan } = cutover();
    const window = ['fence docker', 'stop docker', 'final-pass docker'].map((id) => ({
      step: id,
      undo: plan.steps.find((each) => each.id === id)!.undo,
    }));
    const found = back({ move: { window } });
    expect(ids(found).slice(0, 3)).toEqual([
      'undo fence docker',
      'undo stop docker',
      'undo definitions docker',
    ]);
    expect(step(found, 'undo stop docker').proof.map(({ what }) => what)).toContain('writer run');
    for (const { guards } of step(found, 'undo stop docker').operations)
      expect((guards ?? []).map(({ what }) => what)).toContain('docker was not handed over to doc2 yet');
  });

  it('is refused while units are fenced and no window is known', () => {
    const found = moved({});
    const doc1 = found.guests.doc1!;
    const fences = ['/etc/systemd/system/web.service.d/50-drayage-fence.conf'];
    const guests = { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, fences } } };
    expect(back({ findings: { ...found, guests } }).blockers.map(({ code }) => code)).toEqual([
      'plan/fence-without-record',
    ]);
  });

  it('is refused where no run of this folder has done it', () => {
    const plan = back({ move: { performed: [] } });
    expect(plan.blockers.map(({ code }) => code)).toEqual(['rollback/no-record']);
  });

  it('has nothing to do for a move that was never begun', () => {
    const { target: _none, ...docker } = moved({}).moves.docker!;
    const plan = back({
      findings: { ...moved({}), moves: { docker } },
      move: { performed: [] },
      share: { performed: [] },
    });
    expect(plan.steps).toEqual([]);
    expect(plan.blockers).toEqual([]);
  });

  it('with a choice, a move that was not handed over is left as it is', () => {
    const plan = back({ wanted: { choice: 'discard' } });
    expect(plan.steps).toEqual([]);
    expect(plan.phases).toEqual([]);
  });
});
