import { describe, expect, it } from 'vitest';
import type { Findings } from '../../src/inspect/findings.ts';
import { moveContext } from '../../src/plan/context.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import { findingsThen, parseRescue, rescueText } from '../../src/plan/rescue.ts';
import { onTarget } from '../support/on-target.ts';
import { notesUnit, sampleConfig, sampleFindings, sampleSource, web } from '../support/sample.ts';

const config = sampleConfig();
const move = config.moves.docker!;
const note = (findings = sampleFindings()) => rescueText(moveContext(config, findings, move)!);

const had = (text: string) => parseRescue(text, 'docker')!.guests.target.units.map(({ name }) => name);

/** The same world in the window: everything stopped, fenced, without restart policies. */
function stopped(): Findings {
  const found = sampleFindings();
  const doc1 = found.guests.doc1!;
  const system = doc1.system!;
  return {
    ...found,
    guests: {
      ...found.guests,
      doc1: {
        ...doc1,
        system: {
          ...system,
          containers: system.containers.map((each) => ({ ...each, running: false, restartPolicy: 'no' })),
          units: system.units.map((unit) => ({ ...unit, active: false })),
          fences: ['/etc/systemd/system/web.service.d/50-drayage-fence.conf'],
        },
      },
    },
  };
}

describe('the note in the share', () => {
  it('is written before anything is laid on the target, and is in the plan like everything else', () => {
    const plan = makePlan(config, sampleFindings(), '0.1.0');
    const ids = plan.steps.map(({ id }) => id);
    expect(ids.indexOf('rescue docker')).toBe(ids.indexOf('place docker') + 1);
    for (const id of ['definitions docker', 'fence docker'])
      expect(plan.steps.find((each) => each.id === id)?.needs, id).toContain('rescue docker');
    const step = plan.steps.find(({ id }) => id === 'rescue docker')!;
    expect(step.operations).toEqual([
      expect.objectContaining({
        kind: 'write',
        path: '/nvmeprom/containers/.drayage/moves/docker/rescue.json',
        mode: '0600',
        content: note(),
      }),
    ]);
  });

  it('does not move with the size of the data, nor with a reboot', () => {
    const found = sampleFindings();
    const doc1 = found.guests.doc1!;
    const grown: Findings = {
      ...found,
      inspectedAt: '2026-12-01T00:00:00.000Z',
      guests: { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, bootId: 'another' } } },
      moves: {
        docker: {
          ...found.moves.docker!,
          source: { state: 'directory', ...sampleSource, entries: 9, acls: 77 },
        },
      },
    };
    expect(note(grown)).toBe(note());
  });

  it('gives the cutover that was planned, in a world where everything is stopped', () => {
    const then = makePlan(config, sampleFindings(), '0.1.0');
    const rescue = parseRescue(note(), 'docker')!;
    const findings = findingsThen(config, stopped(), move, rescue)!;
    const again = makePlan(config, findings, '0.1.0');
    const of = (id: string, plan: typeof then) => plan.steps.find((step) => step.id === `${id} docker`);
    for (const id of [
      'conditions',
      'fence',
      'stop',
      'final-pass',
      'release',
      'start',
      'restart-policy',
      'prove',
    ])
      expect(of(id, again), id).toEqual(of(id, then));
    expect(again.blockers).toEqual([]);
    // Without it, nobody knows what ran.
    const blind = makePlan(config, stopped(), '0.1.0');
    expect(of('start', blind)?.operations).toEqual([]);
  });

  it('of another move, or in another shape, is not taken', () => {
    expect(parseRescue(note(), 'media')).toBeUndefined();
    expect(parseRescue('{"format":2,"move":"docker"}', 'docker')).toBeUndefined();
    expect(parseRescue(note().replaceAll('"units":[', '"unit":['), 'docker')).toBeUndefined();
    expect(parseRescue('', 'docker')).toBeUndefined();
  });
});

describe('a plan that is made again when the definitions are on the target', () => {
  it.each([
    ['nothing of the move', []],
    ['a unit of the move', [web]],
  ])('is the one from before, where the target had %s', (_what, before) => {
    const text = note(onTarget(before));
    const laid = [web, notesUnit].map((unit) => ({ ...unit, active: false }));
    const again = onTarget(laid, text);
    expect(had(text)).toEqual(before.map(({ name }) => name));
    expect(note(again)).toBe(text);
    expect(makePlan(config, again, '0.1.0')).toEqual(makePlan(config, onTarget(before), '0.1.0'));
  });

  it('notes anew how the source runs, and keeps what the target had', () => {
    const found = onTarget([web, notesUnit], note(onTarget([web])));
    const doc1 = found.guests.doc1!;
    const containers = doc1.system!.containers.map((each) => ({ ...each, restartPolicy: 'on-failure' }));
    const guests = { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, containers } } };
    const text = note({ ...found, guests });
    expect(text).toContain('"restartPolicy":"on-failure"');
    expect(had(text)).toEqual(['web.service']);
  });

  it('takes a unit that joined the move since for what it is on the target', () => {
    const joined = { ...web, name: 'late.service', sourcePath: '/etc/containers/systemd/late.container' };
    const found = onTarget([web, notesUnit, joined], note());
    const doc1 = found.guests.doc1!;
    const units = [...doc1.system!.units, joined];
    const guests = { ...found.guests, doc1: { ...doc1, system: { ...doc1.system!, units } } };
    expect(had(note({ ...found, guests }))).toEqual(['late.service']);
  });

  it('begins a new note when the one of an earlier try is gone', () => {
    expect(had(note(onTarget([web])))).toEqual(['web.service']);
  });
});
