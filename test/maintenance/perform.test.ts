import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DrayageError } from '../../src/errors/error.ts';
import {
  openJourney,
  performMaintenance,
  refuseJourney,
  takeWindowBack,
} from '../../src/maintenance/perform.ts';
import type { Journey } from '../../src/plan/golden-path/facts.ts';
import { makeMaintenance } from '../../src/plan/golden-path/make-maintenance.ts';
import { awayFacts, maintenanceFacts, maintenanceYaml } from '../support/maintenance-facts.ts';
import { sampleConfig } from '../support/sample.ts';
import { atHome, type Durable, type Fault, journeyWorld, Killed, marked } from './simulated-journey.ts';

// Both places pass over everything (ZFS, and a file system that nobody tried): what a list does is tested with the copy.
const other = (facts: ReturnType<typeof maintenanceFacts>) => {
  const seen = facts.shares.containers!;
  return {
    ...facts,
    shares: { containers: { own: seen.own!, other: { ...seen.other!, fsType: 'bcachefs' } } },
  };
};
const config = sampleConfig(maintenanceYaml);
const journeys = {
  enter: { direction: 'enter', node: 'maint' },
  leave: { direction: 'leave', node: 'maint' },
} as const satisfies Record<string, Journey>;
const plans = {
  enter: makeMaintenance(config, other(maintenanceFacts()), journeys.enter, '0.1.0'),
  leave: (() => {
    const plan = makeMaintenance(config, other(awayFacts()), journeys.leave, '0.1.0');
    // The emulated ZFS of the lab has snapshots, this simulation has none.
    const steps = plan.steps
      .filter(({ id }) => !id.startsWith('snapshot '))
      .map((step) =>
        step.id.startsWith('prove ')
          ? { ...step, probe: [], proof: step.proof.filter(({ kind }) => kind !== 'compare') }
          : { ...step, needs: step.needs.map((need) => need.replace('snapshot', 'final-pass')) },
      );
    return { ...plan, steps };
  })(),
};

const folder = mkdtempSync(join(tmpdir(), 'drayage-journey-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** One run of drayage; `undefined`: it was killed. */
async function go(durable: Durable, way: 'enter' | 'leave', fault?: Fault) {
  const plan = plans[way];
  const world = { ...journeyWorld(durable, plan.id, fault), copies: folder };
  try {
    const result = await performMaintenance({
      plan,
      world,
      journey: journeys[way],
      gate: async () => 'open',
    });
    return result.error instanceof Killed ? undefined : result;
  } catch (error) {
    if (error instanceof Killed) return undefined;
    throw error;
  }
}

const at = (durable: Durable) => ({
  marked: marked(durable),
  vm: durable.vm,
  workloads: durable.workloads,
  broken: durable.broken,
});
const on = (node: 'prom' | 'maint') => ({
  marked: [node],
  vm: { node, running: true },
  workloads: true,
  broken: [],
});

async function away(): Promise<Durable> {
  const durable = atHome();
  expect((await go(durable, 'enter'))?.exitCode).toBe(0);
  return durable;
}

describe('a journey', () => {
  it('ends with guest, workloads and marker on the other node, and the old place sealed', async () => {
    const durable = await away();
    expect(at(durable)).toEqual(on('maint'));
    expect(durable.sealed).toEqual({ prom: true, maint: false });
    expect(durable.map).toContain('node=maint,path=/srv/containers');
    expect(durable.data.maint).toBeGreaterThan(durable.data.prom);
    expect(durable.marks.window).toBeUndefined();
  });

  it('comes back with what was written there', async () => {
    const durable = await away();
    const written = durable.data.maint;
    expect((await go(durable, 'leave'))?.exitCode).toBe(0);
    expect(at(durable)).toEqual(on('prom'));
    expect(durable.sealed).toEqual({ prom: false, maint: true });
    expect(durable.data.prom).toBeGreaterThan(written);
  });

  it('does nothing when it is asked for again', async () => {
    const durable = await away();
    const { history } = durable;
    const before = history.length;
    expect((await go(durable, 'enter'))?.exitCode).toBe(0);
    expect(history.slice(before)).toEqual([]);
  });
});

describe.each(['enter', 'leave'] as const)('%s', (way) => {
  const begin = way === 'enter' ? async () => atHome() : away;
  const [home, there] = way === 'enter' ? (['prom', 'maint'] as const) : (['maint', 'prom'] as const);
  const changes = async () => {
    const durable = await begin();
    const before = durable.history.length;
    await go(durable, way);
    return durable.history.slice(before);
  };

  it.each(['killed-before', 'killed-after'] as const)(
    '%s any change, comes to the same end when it is run again',
    async (kind) => {
      const all = await changes();
      for (const index of all.keys()) {
        const durable = await begin();
        expect(await go(durable, way, { at: index, kind }), all[index]).toBeUndefined();
        expect(durable.broken, all[index]).toEqual([]);
        const again = await go(durable, way);
        expect(again?.error, `${all[index]}`).toBeUndefined();
        expect(at(durable), all[index]).toEqual(on(there));
      }
    },
  );

  it('takes a failed window back before the hand-over, and goes on after it', async () => {
    const all = await changes();
    const handOver = all.indexOf(`${home} write standby.json`);
    expect(handOver).toBeGreaterThan(0);
    for (const index of all.keys()) {
      const durable = await begin();
      const result = await go(durable, way, { at: index, kind: 'fails' });
      expect(result?.exitCode, all[index]).not.toBe(0);
      expect(durable.broken, all[index]).toEqual([]);
      if (index < handOver) expect(at(durable), all[index]).toEqual(on(home));
      const again = await go(durable, way);
      expect(again?.exitCode, all[index]).toBe(0);
      expect(at(durable), all[index]).toEqual(on(there));
    }
  });

  it('shuts a guest down that somebody has started after the old place lost its marker', async () => {
    const all = await changes();
    const gone = all.indexOf(`${home} rm share.json`);
    const migrated = all.indexOf('migrate');
    expect(gone).toBeGreaterThan(0);
    for (let index = gone; index < migrated; index += 1) {
      const durable = await begin();
      await go(durable, way, { at: index, kind: 'killed-after' });
      durable.vm = { ...durable.vm, running: true };
      const again = await go(durable, way);
      expect(again?.error, all[index]).toBeUndefined();
      expect(at(durable), all[index]).toEqual(on(there));
    }
  });

  it('names its own command in what it advises', async () => {
    const durable = await begin();
    const result = await go(durable, way, { at: 0, kind: 'fails' });
    const { next } = result?.error instanceof DrayageError ? result.error : { next: [] };
    expect(next.join('\n')).toContain(`drayage maintenance ${way} maint`);
    expect(next.join('\n')).not.toContain('drayage apply');
  });
});

describe('a window that was left open', () => {
  const killedInWindow = async () => {
    // Killed after the guest was shut down.
    for (let index = 0; ; index += 1) {
      const tried = atHome();
      await go(tried, 'enter', { at: index, kind: 'killed-after' });
      if (tried.history.at(-1) === 'shut down') return tried;
      if (index > 50) throw new Error('the guest was never shut down');
    }
  };

  it('is taken back by the way back', async () => {
    const durable = await killedInWindow();
    expect(durable.vm.running).toBe(false);
    const world = journeyWorld(durable, plans.enter.id);
    expect((await takeWindowBack(world)).exitCode).toBe(7);
    expect(at(durable)).toEqual(on('prom'));
    expect(durable.marks.window).toBeUndefined();
  });

  it('keeps other commands away, with the command that goes on', async () => {
    const { marks } = await killedInWindow();
    expect(openJourney(marks)).toEqual(journeys.enter);
    expect(() => refuseJourney(marks)).toThrow(
      expect.objectContaining({
        code: 'maintenance/window-open',
        next: ['drayage maintenance enter maint   # goes on with it'],
      }),
    );
  });
});
