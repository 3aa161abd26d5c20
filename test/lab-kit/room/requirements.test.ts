import { expect, test } from 'vitest';
import { requireRoomCommands } from '../../../lab/room/requirements.ts';

test('missing commands are named together, with one command that installs them', () => {
  // Debian's /usr/sbin and /sbin are always searched; QEMU lies in neither.
  expect(() => requireRoomCommands('/nonexistent')).toThrow(
    expect.objectContaining({
      code: 'lab/missing-command',
      seen: expect.stringContaining('qemu-system-x86_64'),
      next: [expect.stringMatching(/^apt-get install .*qemu-system-x86.*$/)],
    }),
  );
});
