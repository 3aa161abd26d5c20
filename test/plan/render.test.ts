import { describe, expect, it } from 'vitest';
import { plainPalette } from '../../src/errors/palette.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { planAsMarkdown } from '../../src/plan/render/markdown.ts';
import { planAsText } from '../../src/plan/render/text.ts';
import { bytes, duration } from '../../src/plan/render/words.ts';
import { sampleConfig, sampleFindings, sampleSource, sampleYaml } from '../support/sample.ts';

const config = sampleConfig();
const plan = makePlan(config, sampleFindings(), '0.1.0');
const all = (state: 'in-place' | 'to-do') => new Map(plan.steps.map((step) => [step.id, state] as const));

describe('the plan as text', () => {
  const text = planAsText(plan, config, all('to-do'), plainPalette);

  it('says the exact command and where it runs', () => {
    expect(text).toContain(
      'prom$ zfs create -o acltype=posixacl -o xattr=sa -o mountpoint=/nvmeprom/containers nvmeprom/containers',
    );
  });

  it('says an API call as it would be typed', () => {
    expect(text).toContain(
      'pvesh create /cluster/mapping/dir --id containers --map node=prom,path=/nvmeprom/containers',
    );
  });

  it('says what is downtime and how long it is likely to last', () => {
    expect(text).toMatch(/Cutover: the downtime, likely about \d+ s/);
  });

  it('says what cannot be taken back', () => {
    expect(text).toContain('No way back: From here on doc2 writes.');
  });

  it('says under which guards it writes', () => {
    expect(text).toContain('only while /nvmeprom/containers carries the marker of share containers');
  });

  it('shows a phase that waits for another as deferred, after the steps of that one', () => {
    const yaml = sampleYaml
      .replace('guests:', 'guests:\n  igpu: { vmid: 105, ssh: root@igpu }')
      .concat(
        '  media:\n    from: { guest: igpu, path: /srv/media }\n    to: { share: containers, guest: doc2 }\n',
        'phases:\n  - { name: doc2, moves: [docker] }\n  - { name: igpu2, moves: [media], after: doc2 }\n',
      );
    const two = sampleConfig(yaml);
    const both = makePlan(two, sampleFindings(), '0.1.0');
    const shown = planAsText(both, two, new Map(), plainPalette);
    expect(shown).toContain('Phase igpu2, deferred until doc2 is proven');
    expect(shown.indexOf('Phase igpu2')).toBeGreaterThan(shown.indexOf('Prove docker'));
  });

  it('shows no value of an environment variable', () => {
    expect(text).toContain('TOKEN (as doc1 has them; read at that moment, never written down)');
  });

  it('says when the copies end, and when everything is passed over after all', () => {
    expect(text).toContain(
      'what differs or has changed, until at most 500 entries have changed, at most 5 times:',
    );
    expect(text).toContain('or, of a large tree, up to 4 of these at once, while that is faster:');
    expect(text).toContain('exactly what has changed, by a list:');
    expect(text).toContain('where the list cannot be trusted or has more than 25 % of all entries:');
    const markdown = planAsMarkdown(plan, config, all('to-do'));
    expect(markdown).toContain('# exactly what has changed, by a list:');
  });

  it('ends with what to type next', () => {
    expect(text.trimEnd().split('\n').at(-1)).toBe('Next: drayage apply');
    const within = planAsText(plan, config, all('to-do'), plainPalette, { next: false });
    expect(within).not.toContain('Next:');
  });

  it('is short about what is in place', () => {
    const done = planAsText(plan, config, all('in-place'), plainPalette);
    expect(done).not.toContain('zfs create');
    expect(done).toContain('Nothing to do.');
  });

  it('shows a blocker with its meaning and the way out', () => {
    const found = sampleFindings();
    const empty: Findings = {
      ...found,
      moves: {
        docker: { ...found.moves.docker!, source: { state: 'directory', ...sampleSource, empty: true } },
      },
    };
    const blocked = planAsText(makePlan(config, empty, '0.1.0'), config, new Map(), plainPalette);
    expect(blocked).toContain('Blocked: /mnt/docker on doc1 is empty  [plan/source-empty]');
    expect(blocked).toContain('-> ssh root@doc1 findmnt --target /mnt/docker');
    expect(blocked).toContain('Nothing can be applied.');
  });
});

describe('the plan as a runbook', () => {
  const markdown = planAsMarkdown(plan, config, new Map());

  it('has the parts of the written plan', () => {
    for (const heading of ['## Goals', '## Design decisions', '## Steps', '## Rollback', '## Validation']) {
      expect(markdown).toContain(heading);
    }
  });

  it('gives every file as a command that writes it', () => {
    expect(markdown).toContain("install -m 0644 /dev/stdin /etc/systemd/system/mnt-docker.mount <<'DRAYAGE'");
  });

  it('tells how to take the fence and the stop back', () => {
    const rollback = markdown.slice(markdown.indexOf('## Rollback'));
    expect(rollback).toContain('podman update --restart always writer');
    expect(rollback).toContain('systemctl start web.service');
  });
});

describe('words', () => {
  it('measures time as people say it', () => {
    expect([5, 89, 90, 5400, 7260].map(duration)).toEqual([
      '5 s',
      '89 s',
      '2 min',
      '1 h 30 min',
      '2 h 1 min',
    ]);
  });

  it('measures bytes in decimal units', () => {
    expect([0, 999, 1000, 96_600_000, 3.7e9].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '96.6 MB',
      '3.7 GB',
    ]);
  });
});
