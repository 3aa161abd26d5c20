import type { Config } from '../../config/config.ts';
import { quoteArgv } from '../../ssh/quote.ts';

/** How the operator logs in where drayage does: `ssh root@doc1`, with `-F` when drayage.yaml names a configuration. */
export function sshTo(config: Pick<Config, 'ssh'>, destination: string): string {
  const file = config.ssh.config;
  return quoteArgv(['ssh', ...(file === undefined ? [] : ['-F', file]), destination]);
}
