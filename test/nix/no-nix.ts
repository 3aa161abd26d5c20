import type { Host } from '../../src/ssh/host.ts';

/** A controller without Nix: the shell of a real one answers so too. */
export const withoutNix: Host = {
  name: 'controller',
  run: async () => ({ exitCode: 127, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }),
};
