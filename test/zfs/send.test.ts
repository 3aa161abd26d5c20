import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { carrySnapshot, receiveSnapshot, sameSnapshot, sendSize, sendSnapshot } from '../../src/zfs/send.ts';

const carried = {
  send: { dataset: 'nvmeprom/containers', snapshot: 'b', since: 'a', raw: false },
  receive: { dataset: 'tank/containers', mountpoint: '/tank/containers' },
  way: ['ssh', '-o', 'BatchMode=yes', 'root@maint'],
};

it('sends an increment with properties, and an encrypted one as it is stored', () => {
  expect(sendSnapshot(carried.send).join(' ')).toBe('zfs send -L -e -c -p -i @a nvmeprom/containers@b');
  expect(sendSnapshot({ dataset: 'nvmeprom/vault', snapshot: 'a', raw: true }).join(' ')).toBe(
    'zfs send -w -p nvmeprom/vault@a',
  );
  expect(sendSize(carried.send).join(' ')).toBe('zfs send -n -P -L -e -c -p -i @a nvmeprom/containers@b');
});

it('never forces a receive unless it is told to', () => {
  expect(receiveSnapshot(carried.receive)).not.toContain('-F');
  expect(receiveSnapshot({ ...carried.receive, rollback: true })).toContain('-F');
});

it('makes scripts that bash can read, with the other node behind one word', () => {
  for (const argv of [carrySnapshot(carried), sameSnapshot(carried)]) {
    const script = argv.at(-1) as string;
    expect(argv[0]).toBe('bash');
    expect(() => execFileSync('bash', ['-n', '-c', script])).not.toThrow();
    expect(script).toContain("ssh -o BatchMode=yes root@maint 'zfs ");
  }
});
