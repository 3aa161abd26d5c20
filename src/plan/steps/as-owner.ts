import type { UserFindings } from '../../inspect/findings.ts';
import { asUser } from '../../workloads/as-user.ts';
import type { WorkloadContext } from '../context.ts';

export function systemctl(user: string | undefined, ...words: string[]): string[] {
  return user === undefined ? ['systemctl', ...words] : ['systemctl', '--user', ...words];
}

/** The command as root runs it, or through `runuser` for a user's own manager and store. */
export function asUserOf(
  context: WorkloadContext,
  side: 'source' | 'target',
  user: string | undefined,
  argv: string[],
): string[] {
  if (user === undefined) return argv;
  const { source, target } = {
    source: context.sourceGuest.system.users,
    target: context.targetGuest.system.users,
  };
  const known = (users: readonly UserFindings[]) => users.find((candidate) => candidate.name === user);
  // A user that the target lacks is a blocker; the plan is shown all the same, with the source's numbers.
  const found = known(side === 'source' ? source : target) ?? known(source);
  return found === undefined ? argv : asUser(found, argv);
}
