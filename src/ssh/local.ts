import { sshError } from './errors.ts';
import type { Host } from './host.ts';
import { type Environment, runProcess } from './process.ts';
import { quoteArgv } from './quote.ts';

/**
 * The machine that drayage itself runs on. Commands speak the C locale, as they do over ssh.
 * @param env for every command: what is secret goes here, never into an argument
 */
export function controllerHost(name = 'controller', env: Environment = {}): Host {
  return {
    name,
    async run(argv, options) {
      const end = await runProcess('env', ['LC_ALL=C', ...argv], { ...options, env });
      if (end.ended === 'exit') return { exitCode: end.exitCode, stdout: end.stdout, stderr: end.stderr };
      if (end.ended === 'not-started') throw new Error(`env: ${end.message}`);
      throw sshError(end.ended === 'aborted' ? 'ssh/aborted' : 'ssh/no-answer', {
        seen: `${name}: ${quoteArgv(argv)}${end.ended === 'aborted' ? ': given up on request' : `: no answer for ${options?.timeoutSeconds} s`}`,
        next: [`ps -e -o pid,stat,wchan:20,args   # state D: it waits for a disk or a share`],
      });
    },
  };
}
