import { describe, expect, it } from 'vitest';
import type { Findings, GuestSystem, MoveFindings, NotSeen } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Blocker } from '../../src/plan/plan.ts';
import {
  notesUnit,
  sampleConfig,
  sampleFindings,
  sampleSource,
  sampleYaml,
  web,
  writer,
} from '../support/sample.ts';

const blockers = (findings: Findings, yaml = sampleYaml): Blocker[] =>
  makePlan(sampleConfig(yaml), findings, '0.1.0').blockers;
const codes = (findings: Findings, yaml?: string) => blockers(findings, yaml).map(({ code }) => code);
const workloads = (words: string) => `${sampleYaml}    workloads: { ${words} }\n`;

function withSource(system: Partial<GuestSystem>, move: Partial<MoveFindings> = {}): Findings {
  const found = sampleFindings();
  const doc1 = found.guests.doc1!;
  return {
    ...found,
    guests: { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, ...system } } },
    moves: { docker: { ...found.moves.docker!, ...move } },
  };
}

describe('a unit that starts containers nobody names', () => {
  const starts = withSource({
    startsContainers: [{ unit: 'media.service', user: 'notes', command: 'podman-compose up' }],
  });

  it('blocks, and both keys of the configuration are told', () => {
    const [first, ...others] = blockers(starts);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      code: 'plan/unknown-starter',
      move: 'docker',
      seen: 'media.service of notes on doc1 runs podman-compose up (move docker)',
    });
    expect(first?.next.join('\n')).toMatch(/moves\.docker\.workloads\.alsoUnits[\s\S]*workloads\.ignore/);
  });

  it('does not block once the configuration says what it is', () => {
    expect(codes(starts, workloads('alsoUnits: [media.service]'))).toEqual([]);
    expect(codes(starts, workloads('ignore: [media.service]'))).toEqual([]);
  });
});

describe('a cron job that starts containers', () => {
  const starts = withSource({
    startsContainers: [{ unit: '/etc/cron.d/media', cron: true, command: 'podman start writer (line 2)' }],
  });

  it('blocks with the line to look at: it cannot be fenced, only left out by name', () => {
    const [first] = blockers(starts);
    expect(first).toMatchObject({
      code: 'plan/unknown-starter',
      seen: '/etc/cron.d/media on doc1 runs podman start writer (line 2) (move docker)',
    });
    expect(first?.next[0]).toContain("ssh root@doc1 grep -nE 'podman|docker' /etc/cron.d/media");
    expect(first?.next.join()).not.toContain('alsoUnits');
    expect(codes(starts, workloads('ignore: [/etc/cron.d/media]'))).toEqual([]);
  });
});

describe('a container that belongs to a unit', () => {
  const owned = { ...writer, name: 'web', bindSources: ['/mnt/docker/web'], unit: 'web.service' };

  it('blocks while podman would start it by itself at boot, past the fence of the unit', () => {
    const [first] = blockers(withSource({ containers: [owned] }));
    expect(first?.code).toBe('plan/owned-restart-policy');
    expect(first?.next[0]).toBe('ssh root@doc1 podman update --restart=no web; the unit starts it at boot');
    const user = { ...owned, user: 'notes', unit: notesUnit.name };
    expect(blockers(withSource({ containers: [user] }))[0]?.next[0]).toContain('# as notes');
  });

  it('does not block without a restart policy, or when it is left out', () => {
    expect(codes(withSource({ containers: [{ ...owned, restartPolicy: 'no' }] }))).toEqual([]);
    expect(codes(withSource({ containers: [owned] }), workloads('ignore: [web]'))).toEqual([]);
  });
});

describe('a source path below a link', () => {
  it('blocks until the real path is in the configuration', () => {
    const source = { state: 'directory' as const, ...sampleSource, realPath: '/data/docker' };
    const [first] = blockers(withSource({}, { source }));
    expect(first?.code).toBe('plan/source-is-link');
    expect(first?.next[0]).toBe('set moves.docker.from.path: /data/docker in drayage.yaml');
    expect(codes(withSource({}, { source: { ...source, realPath: '/mnt/docker' } }))).toEqual([]);
  });
});

describe('a path that no move brings along', () => {
  const units = [{ ...web, paths: ['/mnt/docker/web', '/srv/media', '/etc/localtime'] }];

  it('blocks when it does not exist on the target, by workload and path', () => {
    const found = blockers(withSource({ units }, { missingOnTarget: ['/srv/media'] }));
    expect(found.map(({ code, seen }) => [code, seen])).toEqual([
      ['plan/bind-source-missing', 'web.service binds /srv/media, which does not exist on doc2'],
    ]);
    expect(found[0]?.next[0]).toContain('ssh root@doc2 ls -ld /srv');
    expect(found[0]?.next[1]).toContain('from.path: /srv/media');
    const container = { ...writer, bindSources: ['/mnt/docker/writer', '/run/x.sock'] };
    const socket = withSource({ containers: [container] }, { missingOnTarget: ['/run/x.sock'] });
    expect(blockers(socket)[0]?.next[1]).toContain('start that on doc2');
  });

  it('does not block for definitions that are on the target already', () => {
    const present = `${sampleYaml}    definitions: present\n`;
    expect(codes(withSource({ units }, { missingOnTarget: ['/srv/media'] }), present)).toEqual([]);
  });
});

describe('a fence', () => {
  it('on a unit of the move blocks, with both ways on', () => {
    const fences = [
      '/etc/systemd/system/web.service.d/50-drayage-fence.conf',
      '/etc/systemd/user/notes.service.d/50-drayage-fence.conf',
    ];
    const [first, ...others] = blockers(withSource({ fences }));
    expect(others).toEqual([]);
    expect(first).toMatchObject({ code: 'plan/fence-without-record', move: 'docker' });
    expect(first?.seen).toContain(fences.join(', '));
    expect(first?.next[0]).toContain('.drayage/marks.json');
    expect(first?.next[1]).toContain('drayage take-over');
    expect(first?.next[2]).toContain('docs/recovery.md');
  });

  it('on another unit does not', () => {
    const fences = ['/etc/systemd/system/other.service.d/50-drayage-fence.conf'];
    expect(codes(withSource({ fences }))).toEqual([]);
  });
});

describe('what could not be seen', () => {
  const entry = (subject: string): NotSeen => ({
    subject,
    what: 'podman containers',
    seen: 'Error: permission denied',
    next: 'podman ps --all   # as root',
  });
  const unseen = (subject: string): Findings => ({ ...sampleFindings(), notSeen: [entry(subject)] });

  it.each(['guest doc1', 'guest doc2', 'source /mnt/docker on doc1', 'move docker', 'share containers'])(
    'of %s blocks, with the advice of the one who looked',
    (subject) => {
      expect(blockers(unseen(subject))).toMatchObject([
        {
          code: 'plan/not-seen',
          seen: `${subject}, podman containers: Error: permission denied`,
          next: ['podman ps --all   # as root'],
        },
      ]);
    },
  );

  it('of other machines does not', () => {
    expect(codes(unseen('guest doc3'))).toEqual([]);
  });

  it('of a guest that was not reached has its own blocker', () => {
    const found = unseen('guest doc1');
    const { system: _unseen, ...doc1 } = found.guests.doc1!;
    expect(codes({ ...found, guests: { ...found.guests, doc1 } })).toEqual(['plan/guest-unreachable']);
  });
});
