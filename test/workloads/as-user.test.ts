import { expect, it } from 'vitest';
import { asUser } from '../../src/workloads/as-user.ts';

it("runs a command as a user, with the address of the user's own manager", () => {
  expect(asUser({ name: 'notes', uid: 1001 }, ['podman', 'ps'])).toEqual([
    'runuser',
    '-u',
    'notes',
    '--',
    'env',
    '--chdir=/',
    'XDG_RUNTIME_DIR=/run/user/1001',
    'podman',
    'ps',
  ]);
});
