import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import {
  destroyReceived,
  dropSnapshots,
  pullSnapshot,
  receiveSnapshot,
  sameSnapshot,
  sendSize,
  sendSnapshot,
  snapshotsDropped,
  takeHeldSnapshot,
} from '../../src/zfs/send.ts';

const sent = { dataset: 'nvmeprom/containers', snapshot: 'b', since: 'a', raw: false };
const pulled = {
  send: { dataset: 'nvmeprom/containers', snapshot: 'drayage-maintenance-2', raw: false },
  receive: { dataset: 'tank/containers', properties: { recordsize: '16K' } },
  way: ['ssh', '-o', 'BatchMode=yes', 'root@prom'],
  own: 'drayage-maintenance',
  tag: 'drayage',
  lock: '/run/lock/drayage-containers@maint.lock',
};

it('sends an increment with properties, and an encrypted one as it is stored', () => {
  expect(sendSnapshot(sent).join(' ')).toBe('zfs send -L -e -c -p -i @a nvmeprom/containers@b');
  expect(sendSnapshot({ dataset: 'nvmeprom/vault', snapshot: 'a', raw: true }).join(' ')).toBe(
    'zfs send -w -p nvmeprom/vault@a',
  );
  expect(sendSize(sent).join(' ')).toBe('zfs send -n -P -L -e -c -p -i @a nvmeprom/containers@b');
});

it('receives without a mount point, read-only, and never by force', () => {
  expect(receiveSnapshot(pulled.receive).join(' ')).toBe(
    'zfs receive -s -u -o recordsize=16K -o mountpoint=none -o readonly=on tank/containers',
  );
  expect(pullSnapshot(pulled).join('\n')).not.toMatch(/receive[^\n]* -F/);
});

it('makes scripts that a shell can read, with the other node behind one word', () => {
  const scripts = [
    pullSnapshot(pulled),
    sameSnapshot(pulled),
    takeHeldSnapshot('tank/c', 'a', 'drayage'),
    dropSnapshots('tank/c', ['a', 'b'], 'drayage'),
    destroyReceived('tank/c', ['a'], 'drayage'),
    snapshotsDropped('tank/c', ['a'], 'drayage'),
  ];
  for (const argv of scripts) {
    const shell = argv[0] as string;
    const script = argv[argv.findIndex((word) => /^-e?c$/.test(word)) + 1] as string;
    expect(() => execFileSync(shell, ['-n', '-c', script])).not.toThrow();
  }
  const script = pullSnapshot(pulled).at(-1) as string;
  expect(script).toContain(
    "ssh -o BatchMode=yes root@prom 'zfs send -L -e -c -p nvmeprom/containers@drayage-maintenance-2' | zfs receive",
  );
  expect(script).toContain(
    `ssh -o BatchMode=yes root@prom 'zfs send -L -e -c -p -i @'"$since"' nvmeprom/containers@drayage-maintenance-2' | zfs receive`,
  );
});
