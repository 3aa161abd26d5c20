import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Gate, openGate, type Waiting } from '../../../lab/fault/gate.ts';

let folder: string;
let gate: Gate;
/** What the ssh that is behind the gate has done. */
let done: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-'));
  mkdirSync(join(folder, 'runs/20261127T200000Z-0123456789ab'), { recursive: true });
  mkdirSync(join(folder, 'api'));
  done = join(folder, 'done');
  const program = join(folder, 'real');
  writeFileSync(program, `#!/bin/sh\ncat >${done}.input\necho "$@" >>${done}\necho said\nexit 3\n`);
  chmodSync(program, 0o755);
  gate = openGate(
    join(folder, 'gate'),
    join(folder, 'runs'),
    join(folder, 'api'),
    new AbortController().signal,
  );
  process.env.FAULT_SSH = program;
});
afterEach(async () => {
  delete process.env.FAULT_SSH;
  await gate.close();
  rmSync(folder, { recursive: true });
});

const operation = { kind: 'run', host: 'doc1', argv: ['true'], what: 'nothing' };
const intent = JSON.stringify({ kind: 'intent', id: 1, time: '', step: 'stop', undo: false, operation });
const outcome = JSON.stringify({ kind: 'outcome', id: 1, time: '', ok: true, seconds: 0 });
const journal = (...lines: string[]) =>
  writeFileSync(
    join(folder, 'runs/20261127T200000Z-0123456789ab/journal.jsonl'),
    lines.map((line) => `${line}\n`).join(''),
  );

function ssh(...args: string[]) {
  const child = spawn('ssh', args, {
    env: { ...process.env, ...gate.env },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  child.stdin?.end('given');
  let stdout = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code ?? signal, stdout }));
  return { pid: child.pid, ended };
}
const command = () => ssh('-F', 'x', '-T', '--', 'root@doc1', 'env LC_ALL=C true');

async function waiting(): Promise<Waiting> {
  for (;;) {
    const found = gate.waiting();
    if (found !== undefined) return found;
    await sleep(5);
  }
}
const did = () => (existsSync(done) ? readFileSync(done, 'utf8') : '');

describe('a command', () => {
  test.each([
    ['without a journal', []],
    ['between two operations', [intent, outcome]],
  ])('%s goes at once', async (_, lines) => {
    if (lines.length > 0) journal(...lines);
    expect(await command().ended).toEqual({ code: 3, stdout: 'said\n' });
    expect(did()).toContain('env LC_ALL=C true');
  });

  test('that opens or asks for a connection goes at once', async () => {
    journal(intent);
    expect((await ssh('-O', 'check', '--', 'root@doc1').ended).code).toBe(3);
  });

  test('of an operation asks first, and goes with its input and its output when it is let go', async () => {
    journal(outcome, intent);
    const { ended, pid } = command();
    const found = await waiting();
    expect(found).toMatchObject({
      kind: 'command',
      id: expect.stringMatching(`^${pid}-`),
      command: 'env LC_ALL=C true',
      intent: { step: 'stop' },
    });
    expect(did()).toBe('');
    await gate.tell(found, 'go');
    expect(gate.waiting()).toBeUndefined();
    expect(await ended).toEqual({ code: 3, stdout: 'said\n' });
    expect(readFileSync(`${done}.input`, 'utf8')).toBe('given');
  });

  test('that is held never goes, and is ended with the rest', async () => {
    journal(intent);
    const { ended } = command();
    await gate.tell(await waiting(), 'hold');
    gate.clear('drop');
    expect((await ended).code).toBe('SIGKILL');
    expect(did()).toBe('');
  });

  test('that is stopped after it has been done, and says nothing of it', async () => {
    journal(intent);
    const { ended } = command();
    await gate.tell(await waiting(), 'after');
    expect(did()).toContain('env LC_ALL=C true');
    gate.clear('drop');
    expect(await ended).toEqual({ code: 'SIGKILL', stdout: '' });
  });

  test('that is under way can be cut off from its host', async () => {
    writeFileSync(join(folder, 'real'), '#!/bin/sh\nexec sleep 60\n');
    journal(intent);
    const { ended } = command();
    const found = await waiting();
    if (found.kind !== 'command') throw new Error('no command');
    await gate.tell(found, 'during');
    gate.cut(found);
    expect((await ended).code).toBe('SIGKILL');
  });

  test('that is gone leaves a process alone that has its pid now', async () => {
    const other = spawn('sleep', ['60'], { detached: true });
    writeFileSync(join(folder, `gate/asked/${other.pid}-1.asked`), 'env LC_ALL=C true');
    gate.clear('go');
    await sleep(100);
    expect(other.signalCode).toBeNull();
    other.kill('SIGKILL');
  });

  test('that is under way goes on to its end when drayage is gone', async () => {
    journal(intent);
    const { ended } = command();
    await gate.tell(await waiting(), 'during');
    gate.clear('go');
    expect((await ended).code).toBe(3);
    expect(did()).toContain('env LC_ALL=C true');
    expect(readFileSync(`${done}.input`, 'utf8')).toBe('given');
  });
});
