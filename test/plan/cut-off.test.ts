import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Check, Operation } from '../../src/plan/operation.ts';
import type { Step } from '../../src/plan/plan.ts';
import { sampleConfig, sampleFindings, sampleYaml } from '../support/sample.ts';

/** A run may be killed behind any operation: then the step must not be taken for done, and can be done again. */

const plan = makePlan(sampleConfig(sampleYaml), sampleFindings(), '0.1.0');
const step = (id: string): Step => {
  const found = plan.steps.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};
const asked = (checks: readonly Check[]) =>
  checks.flatMap((check) => (check.kind === 'run' ? [check.argv.join(' ')] : []));
const run = (found: Operation | undefined) => {
  if (found?.kind !== 'run') throw new Error('no command');
  return found;
};

describe.each(['conditions docker', 'fence docker'])('%s', (id) => {
  it('is in place only when systemd has read the drop-ins', () => {
    const reads = step(id).operations.filter(
      (operation) => operation.kind === 'run' && operation.argv.includes('daemon-reload'),
    );
    const looks = asked(step(id).probe).filter((look) =>
      look.includes('--property NeedDaemonReload --value'),
    );
    expect(reads.length).toBeGreaterThan(0);
    expect(looks.length).toBe(reads.length);
  });

  it('expects one answer for each unit', () => {
    for (const check of step(id).probe) {
      if (check.kind !== 'run' || !check.argv.includes('NeedDaemonReload')) continue;
      const units = check.argv.slice(check.argv.indexOf('--value') + 1);
      expect(check.expect.stdout?.split('\n\n')).toEqual(units.map(() => 'no'));
    }
  });
});

describe('the images', () => {
  it('are in place only when the archive that carried them is removed again', () => {
    const removed = step('images docker').operations.flatMap((operation) =>
      operation.kind === 'run' && operation.argv[0] === 'rm' ? [operation.argv.at(-1)] : [],
    );
    expect(removed.length).toBeGreaterThan(0);
    for (const file of removed)
      expect(step('images docker').probe).toContainEqual(
        expect.objectContaining({ argv: ['test', '-e', file], expect: { exitCode: 1 } }),
      );
  });
});

describe('the definitions', () => {
  const definitions = step('definitions docker');

  it('are in place only when systemd has loaded the units, and those that start at boot are enabled', () => {
    const looks = asked(definitions.probe);
    expect(looks.some((look) => look.includes('--property LoadState --value'))).toBe(true);
    const enable = definitions.operations.filter(
      (operation) => operation.kind === 'run' && operation.argv.includes('enable'),
    );
    expect(looks.filter((look) => look.includes('is-enabled')).length).toBe(enable.length);
  });

  const made = definitions.operations.filter(
    (operation) => operation.kind === 'run' && operation.what.startsWith('make container'),
  );

  it('make a container only where it is not there: an earlier run may have made it, and was killed', () => {
    expect(made.length).toBeGreaterThan(0);
    for (const operation of made) {
      const { argv } = run(operation);
      const script = argv.indexOf('podman container exists "$0" || exec "$@"');
      expect(argv.slice(script - 2, script)).toEqual(['sh', '-c']);
      expect(argv.slice(script + 1).join(' ')).toContain('podman create --name');
    }
  });

  it("leave another one's container of this name alone", () => {
    for (const operation of made) {
      const guard = run(operation).guards?.[0];
      if (guard?.kind !== 'run') throw new Error('no guard');
      expect(guard.argv.at(-2)).toContain('drayage.create');
      const label = run(operation).argv.find((word) => word.startsWith('drayage.create='));
      expect(`drayage.create=${guard.argv.at(-1)}`).toBe(label);
    }
  });
});

describe('the window that is taken back', () => {
  it('starts nothing on a source that is empty, or another directory than before', () => {
    const starts = step('stop docker').undo;
    expect(starts.length).toBeGreaterThan(0);
    for (const operation of starts) expect(operation.guards?.map((guard) => guard.kind)).toContain('source');
  });
});
