import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentError, AgentNotRunning, askAgent } from '../../../lab/qemu/agent.ts';
import { JsonLines } from '../../../lab/qemu/json-lines.ts';
import { Qmp } from '../../../lab/qemu/qmp.ts';

let folder: string;
let close: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lab-qmp-'));
  close = () => undefined;
});
afterEach(() => {
  close();
  rmSync(folder, { recursive: true });
});

type Request = { execute: string; id?: number; arguments?: { id?: number } };

/** A peer that answers each request with what `answer` returns for it. */
async function peer(
  greeting: string,
  answer: (request: Request) => string | Buffer | undefined,
): Promise<string> {
  const path = join(folder, 'socket');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.write(greeting);
    const lines = new JsonLines();
    socket.on('data', (chunk) => {
      const bytes = chunk[0] === 0xff ? chunk.subarray(1) : chunk;
      for (const request of lines.push(bytes as Buffer) as Request[]) socket.write(answer(request) ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return path;
}

const greeting = '{"QMP":{"version":{},"capabilities":[]}}\n';

test('an answer reaches the request it belongs to, past events', async () => {
  const path = await peer(
    greeting,
    ({ execute, id }) => `{"event":"RTC_CHANGE","data":{}}\n${JSON.stringify({ return: execute, id })}\n`,
  );
  const qmp = await Qmp.connect(path);
  const answers = await Promise.all([qmp.execute('query-status'), qmp.execute('query-name')]);
  expect(answers).toEqual(['query-status', 'query-name']);
  qmp.close();
});

test("QEMU's refusal is shown in its own words", async () => {
  const path = await peer(greeting, ({ execute, id }) =>
    execute === 'qmp_capabilities'
      ? `${JSON.stringify({ return: {}, id })}\n`
      : `${JSON.stringify({ error: { class: 'GenericError', desc: 'no such device' }, id })}\n`,
  );
  const qmp = await Qmp.connect(path);
  await expect(qmp.execute('device_del')).rejects.toThrow('no such device');
  qmp.close();
});

test('a peer that never greets is given up', async () => {
  await expect(Qmp.connect(await peer('', () => undefined), 50)).rejects.toThrow('no greeting');
});

test('an agent that is silent is an agent that does not run', async () => {
  const path = await peer('', () => undefined);
  await expect(askAgent(path, 'guest-ping', undefined, 50)).rejects.toBeInstanceOf(AgentNotRunning);
});

test('a guest that is off has no agent', async () => {
  await expect(askAgent(join(folder, 'absent'), 'guest-ping')).rejects.toBeInstanceOf(AgentNotRunning);
});

test('an answer without the sentinel is never believed', async () => {
  const path = await peer('', ({ arguments: args }) => `${JSON.stringify({ return: args?.id })}\n`);
  await expect(askAgent(path, 'guest-ping', undefined, 50)).rejects.toBeInstanceOf(AgentNotRunning);
});

/** Answers the sync as the agent does: sentinel, then the id. */
const syncedAgent = (reply: (request: Request) => object | undefined) =>
  peer('', (request) => {
    if (request.execute === 'guest-sync-delimited')
      return Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return":${request.arguments?.id}}\n`)]);
    const said = reply(request);
    return said && `${JSON.stringify(said)}\n`;
  });

test('the agent answers with what the guest gave', async () => {
  const path = await syncedAgent(() => ({ return: { pid: 42 } }));
  expect(await askAgent(path, 'guest-exec', { path: '/bin/true' })).toEqual({ pid: 42 });
});

test("the agent's own error keeps its words", async () => {
  const path = await syncedAgent(() => ({ error: { class: 'CommandNotFound', desc: 'not found' } }));
  await expect(askAgent(path, 'guest-x')).rejects.toEqual(new AgentError('CommandNotFound', 'not found'));
});

test('an agent that hangs in a command is told apart from one that does not run', async () => {
  const path = await syncedAgent(() => undefined);
  await expect(askAgent(path, 'guest-exec', {}, 100)).rejects.toThrow("'guest-exec' failed - got timeout");
});

test('a shutdown, which the agent does not answer, counts as asked', async () => {
  const path = await syncedAgent(() => undefined);
  await expect(askAgent(path, 'guest-shutdown')).resolves.toBeUndefined();
});
