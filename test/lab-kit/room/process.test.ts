import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { identify, isAlive, startTicksOf } from '../../../lab/room/process.ts';

test('the start time is found behind a command name with spaces and brackets', () => {
  const fields = Array.from({ length: 30 }, (_, index) => `f${index + 4}`).join(' ');
  expect(startTicksOf(`12 (a) b (c) S ${fields}`)).toBe('f22');
});

test('a process is alive until it ends, and its number alone is not enough', async () => {
  const child = spawn('sleep', ['60']);
  const identity = identify(child.pid as number);
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, startTicks: '1' })).toBe(false);
  expect(isAlive({ ...identity, bootId: 'another boot' })).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(identity)).toBe(false);
});
