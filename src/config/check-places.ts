import type { Checked } from './check-common.ts';
import type { MoveConfig } from './config.ts';
import { overlap, systemFolder } from './path.ts';
import { type ConfigPath, pathText, quoted, type RawProblem } from './problem.ts';
import type { YamlTree } from './yaml.ts';

/** One directory of a guest that drayage reads or covers. */
interface Use {
  readonly guest: string;
  readonly path: string;
  /** `source`: read. `place`: where workloads of a move look for their data. `mount`: the share itself. */
  readonly kind: 'source' | 'place' | 'mount';
  /** Name of the move, or of the share for a mount. */
  readonly name: string;
  readonly at: ConfigPath;
}

/** Places of moves: inside the shares, and on the guests. */
export function checkPlaces(checked: Checked): RawProblem[] {
  const { config, tree } = checked;
  const moves = Object.values(config.moves);
  return [
    ...moves.flatMap((move) => checkMove(move, checked)),
    ...checkInsideShares(moves, tree),
    ...checkOnGuests(checked),
  ];
}

function checkMove(move: MoveConfig, { config, tree }: Checked): RawProblem[] {
  const problems: RawProblem[] = [];
  if (move.from.guest === move.to.guest)
    problems.push({
      offset: tree.valueAt(['moves', move.name, 'to', 'guest']),
      what: `the move ${move.name} has the guest ${move.to.guest} at both ends: the share would be mounted over its own source`,
      write: 'another guest as the target',
    });
  if (systemFolder(move.from.path))
    problems.push({
      offset: tree.valueAt(['moves', move.name, 'from', 'path']),
      what: `${pathText(['moves', move.name, 'from', 'path'])} is ${quoted(move.from.path)}, a directory of the guest's own system`,
      write: 'the directory that holds the data of the containers, such as "/mnt/docker"',
    });
  const share = config.shares[move.to.share];
  if (share && move.to.as === '.' && share.mount !== move.from.path)
    problems.push({
      offset: tree.valueAt(['shares', share.name, 'mount']),
      what: `the move ${move.name} takes the top of the share ${share.name} (as: .), which is then mounted at the source path, and mount says ${quoted(share.mount)}`,
      write: `mount: ${move.from.path} (or no mount at all), or another \`as:\` for the move`,
    });
  return problems;
}

function checkInsideShares(moves: readonly MoveConfig[], tree: YamlTree): RawProblem[] {
  const problems: RawProblem[] = [];
  for (const [i, move] of moves.entries())
    for (const earlier of moves.slice(0, i)) {
      if (earlier.to.share !== move.to.share) continue;
      const [a, b] = [earlier.to.as, move.to.as];
      const top = a === '.' || b === '.';
      if (!top && !overlap(a, b)) continue;
      problems.push({
        offset: tree.valueAt(['moves', move.name, 'to', 'as']),
        what:
          a === b
            ? `the moves ${earlier.name} and ${move.name} go into one place, ${quoted(a)} of the share ${move.to.share}`
            : `the moves ${earlier.name} (as: ${a}) and ${move.name} (as: ${b}) lie in each other in the share ${move.to.share}`,
        write: top
          ? 'a name for each of them: "." takes the whole share'
          : `a place of its own, such as \`as: ${move.name === earlier.to.as ? `${move.name}-2` : move.name}\``,
      });
    }
  return problems;
}

/** On one guest, no directory that is read or covered may lie in another. */
function checkOnGuests({ config, tree }: Checked): RawProblem[] {
  const uses: Use[] = [];
  for (const move of Object.values(config.moves)) {
    const fromPath = ['moves', move.name, 'from', 'path'];
    const share = config.shares[move.to.share];
    uses.push({
      guest: move.from.guest,
      path: move.from.path,
      kind: 'source',
      name: move.name,
      at: fromPath,
    });
    if (move.from.guest === move.to.guest) continue;
    if (move.to.as !== '.')
      uses.push({ guest: move.to.guest, path: move.from.path, kind: 'place', name: move.name, at: fromPath });
    const mounted = uses.some(
      (use) => use.kind === 'mount' && use.guest === move.to.guest && use.name === share?.name,
    );
    if (share && !mounted)
      uses.push({
        guest: move.to.guest,
        path: share.mount,
        kind: 'mount',
        name: share.name,
        at: ['shares', share.name, 'mount'],
      });
  }
  const problems: RawProblem[] = [];
  for (const [i, use] of uses.entries())
    for (const earlier of uses.slice(0, i)) {
      if (earlier.guest !== use.guest || !overlap(earlier.path, use.path)) continue;
      const problem = { ...onGuest(earlier, use), offset: tree.valueAt(use.at) };
      if (!problems.some((told) => told.what === problem.what)) problems.push(problem);
    }
  return problems;
}

function onGuest(a: Use, b: Use): { what: string; write: string } {
  const where =
    a.path === b.path
      ? `are both ${quoted(a.path)}`
      : `lie in each other (${quoted(a.path)}, ${quoted(b.path)})`;
  const what = `on ${b.guest}, ${words(a)} and ${words(b)} ${where}`;
  const kinds = new Set([a.kind, b.kind]);
  if (kinds.has('source') && kinds.size === 1)
    return { what, write: 'one move for the outer path, or paths beside each other' };
  if (kinds.has('mount') && kinds.has('place'))
    return {
      what,
      write: 'a `mount:` of its own for the share, such as /mnt/<mapping id>, or `as: .` for its only move',
    };
  if (kinds.has('mount')) return { what, write: 'a `mount:` for the share outside of the other path' };
  return { what, write: 'another target guest for one of the moves' };
}

function words(use: Use): string {
  if (use.kind === 'mount') return `the mount of the share ${use.name}`;
  if (use.kind === 'source') return `the source of the move ${use.name}`;
  return `the place where the workloads of ${use.name} look for their data`;
}
