import { type Checked, twice, unknownName } from './check-common.ts';
import { nearest, oneOf } from './nearest.ts';
import { pathText, quoted, type RawProblem } from './problem.ts';

/** Every move in exactly one phase, and an order that can be walked. */
export function checkPhases(checked: Checked): RawProblem[] {
  const { config, tree } = checked;
  // Without phases in the file, the one that holds everything is right by construction.
  if (!checked.phasesReadable || !tree.has(['phases'])) return [];
  return [
    ...twice(
      config.phases.map((phase, i) => ({ value: phase.name, path: ['phases', i, 'name'] })),
      () => 'another name for the later phase',
      tree,
    ),
    ...checkMembers(checked),
    ...checkOrder(checked),
  ];
}

function checkMembers({ config, tree, names }: Checked): RawProblem[] {
  const moves = names('moves');
  if (moves === undefined) return [];
  const problems: RawProblem[] = [];
  const home = new Map<string, string>();
  for (const [i, phase] of config.phases.entries())
    for (const [k, move] of phase.moves.entries()) {
      const path = ['phases', i, 'moves', k];
      if (!moves.includes(move)) {
        problems.push(unknownName('moves', move, moves, path, tree));
        continue;
      }
      const earlier = home.get(move);
      if (earlier !== undefined)
        problems.push({
          offset: tree.valueAt(path),
          what: `${pathText(path)}: the move ${move} is already in the phase ${earlier}`,
          write: 'each move in one phase',
        });
      else home.set(move, phase.name);
    }
  for (const move of moves)
    if (!home.has(move))
      problems.push({
        offset: tree.keyAt(['moves', move]),
        what: `the move ${move} is in no phase: it would never happen`,
        write: `"${move}" in the \`moves:\` of a phase`,
      });
  return problems;
}

function checkOrder({ config, tree }: Checked): RawProblem[] {
  const problems: RawProblem[] = [];
  const after = new Map<string, string>();
  for (const [i, phase] of config.phases.entries()) {
    if (phase.after === undefined) continue;
    const others = config.phases.map((p) => p.name).filter((name) => name !== phase.name);
    if (phase.after !== phase.name && !others.includes(phase.after)) {
      const meant = nearest(phase.after, others);
      problems.push({
        offset: tree.valueAt(['phases', i, 'after']),
        what: `${pathText(['phases', i, 'after'])}: there is no phase ${quoted(phase.after)}`,
        write: meant
          ? `"${meant}"`
          : others.length > 0
            ? oneOf(others.slice(0, 10))
            : 'no `after:`: this is the only phase',
      });
    } else if (!after.has(phase.name)) after.set(phase.name, phase.after);
  }
  const told = new Set<string>();
  for (const [i, phase] of config.phases.entries()) {
    const circle = circleFrom(phase.name, after);
    if (circle === undefined || told.has(phase.name)) continue;
    for (const name of circle) told.add(name);
    problems.push({
      offset: tree.valueAt(['phases', i, 'after']),
      what: `the phases wait for each other: ${[...circle, phase.name].join(' after ')}`,
      write: 'no `after:` for the phase that comes first',
    });
  }
  return problems;
}

/** The names from one phase along `after` back to itself; undefined when the way ends or turns elsewhere. */
function circleFrom(start: string, after: ReadonlyMap<string, string>): string[] | undefined {
  const way = [start];
  for (let next = after.get(start); next !== undefined; next = after.get(next)) {
    if (next === start) return way;
    if (way.includes(next)) return undefined;
    way.push(next);
  }
  return undefined;
}
