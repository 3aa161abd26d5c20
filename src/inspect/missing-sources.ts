import type { MoveConfig } from '../config/config.ts';
import { type Answer, probe } from '../guest/probe.ts';
import { workloadsOf } from '../plan/context.ts';
import type { Host } from '../ssh/host.ts';
import type { GuestSystem } from './findings.ts';
import { touches } from './real-paths.ts';

/** Seconds for a look at paths that may be a share whose server is gone: it would never answer. */
const timeoutSeconds = 30;

/**
 * Paths that the workloads of a move bind and that no move brings to its target guest. Of units only quadlets bind.
 * @param moves every move of the configuration
 */
export function otherSources(move: MoveConfig, moves: readonly MoveConfig[], source: GuestSystem): string[] {
  const { containers, units } = workloadsOf(move, source);
  const brought = moves.filter((other) => other.to.guest === move.to.guest).map((other) => other.from.path);
  const paths = [
    ...containers.flatMap((container) => container.bindSources),
    ...units.flatMap((unit) => (unit.quadlet ? unit.paths : [])),
  ];
  // A path with a specifier that is not resolved is told by `cannotCarry`.
  return [...new Set(paths)].filter((path) => !touches(path, brought) && !/%[^%]/.test(path)).sort();
}

/** Those of the paths that do not exist on the target guest. */
export async function readMissing(target: Host, paths: readonly string[]): Promise<string[]> {
  const answers: Readonly<Record<string, Answer>> = await probe<string>(
    target,
    Object.fromEntries(paths.map((path) => [path, ['test', '-e', path]])),
    timeoutSeconds,
  );
  return paths.filter((path) => answers[path]?.exitCode !== 0);
}
