/** Messages as a real server on this machine receives them. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import type { NotifyConfig } from '../../src/config/config.ts';
import { openNotifier } from '../../src/notify/notify.ts';

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

const limits = { post: 300, again: 20, close: 1000 };
const opened: Event = { type: 'window-opened', phase: 'main' };
const closed: Event = { type: 'window-closed', phase: 'main', seconds: 19.3, expectedSeconds: 21 };
const failed: Event = { type: 'run-finished', exitCode: 1, error: 'copy/rsync-failed' };

let server: Server;
let origin: string;
let received: Received[];
let answer: (response: ServerResponse, number: number) => void;
let warnings: string[];

beforeEach(async () => {
  received = [];
  warnings = [];
  answer = (response) => void response.end('{}');
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method, url: path, headers } = request;
    received.push({ method, path, headers, body: JSON.parse(text) });
    answer(response, received.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function open(config: Partial<NotifyConfig> & { path?: string }, env: NodeJS.ProcessEnv = {}) {
  const { path = '/hook', ...rest } = config;
  return openNotifier(
    { kind: 'generic', url: `${origin}${path}`, stalledMinutes: 10, ...rest },
    env,
    (text) => warnings.push(text),
    limits,
  );
}

async function send(events: readonly Event[], ...how: Parameters<typeof open>) {
  const notifier = open(...how);
  for (const event of events) notifier.sink(event);
  await notifier.close();
}

describe('what is posted', () => {
  it('generic: one JSON object with what happened', async () => {
    const begun: Event = { type: 'run-started', run: 'r1', plan: 'p1', steps: 9 };
    await send([begun, opened, closed], { path: '/hook?key=a' }, { DRAYAGE_NOTIFY_TOKEN: 'very-secret' });
    expect(received).toMatchObject([
      { method: 'POST', path: '/hook?key=a', body: { event: 'window-opened' } },
      {
        headers: { 'content-type': 'application/json', authorization: 'Bearer very-secret' },
        body: {
          event: 'window-closed',
          run: 'r1',
          plan: 'p1',
          phase: 'main',
          seconds: 19.3,
          expectedSeconds: 21,
          urgency: 'normal',
          title: 'drayage: the window is closed',
        },
      },
    ]);
    expect(new Date(String(received[0]?.body.time)).toISOString()).toBe(received[0]?.body.time);
    expect(warnings).toEqual([]);
  });

  it('ntfy: at the root of the server, the topic within', async () => {
    await send([closed, failed], { kind: 'ntfy', path: '/drayage' }, { DRAYAGE_NOTIFY_TOKEN: 'tk_secret' });
    expect(received).toMatchObject([
      { method: 'POST', path: '/', headers: { authorization: 'Bearer tk_secret' } },
      { path: '/' },
    ]);
    expect(received.map(({ body }) => body)).toEqual([
      {
        topic: 'drayage',
        title: 'drayage: the window is closed',
        message: 'The workloads of phase main were down for 19.3 s, projected 21 s.',
        priority: 3,
      },
      {
        topic: 'drayage',
        title: 'drayage failed',
        message: 'Before the first step: exit code 1 (copy/rsync-failed).',
        priority: 4,
        tags: ['rotating_light'],
      },
    ]);
  });

  it('ntfy without a token says none', async () => {
    await send([closed], { kind: 'ntfy', path: '/drayage' });
    expect(received[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each(['/', '/push/', '/push'])(
    'gotify: at /message below %s, with the key of the application',
    async (path) => {
      await send([failed], { kind: 'gotify', path }, { DRAYAGE_NOTIFY_TOKEN: 'A.secret' });
      expect(received).toMatchObject([
        { path: path === '/' ? '/message' : '/push/message', headers: { 'x-gotify-key': 'A.secret' } },
      ]);
      expect(received[0]?.body).toEqual({
        title: 'drayage failed',
        message: 'Before the first step: exit code 1 (copy/rsync-failed).',
        priority: 8,
      });
    },
  );
});

describe('the token', () => {
  let folder: string;
  let tokenFile: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-notify-'));
    tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'from-file\n', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('comes from a file, and the environment goes before it', async () => {
    await send([closed], { tokenFile });
    await send([closed], { tokenFile }, { DRAYAGE_NOTIFY_TOKEN: 'from-env' });
    expect(received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer from-file',
      'Bearer from-env',
    ]);
  });

  it('of a file that others can read is not used: no message, and one warning with the way out', async () => {
    chmodSync(tokenFile, 0o644);
    await send([opened, closed], { tokenFile });
    expect(received).toEqual([]);
    expect(warnings).toEqual([
      `No messages will be sent: ${tokenFile} has mode 0644. chmod 0600 ${tokenFile}`,
    ]);
  });

  it('that Gotify wants and nobody gave is told of', async () => {
    await send([closed], { kind: 'gotify' });
    expect(warnings).toEqual([
      'No messages will be sent: Gotify wants a token: set DRAYAGE_NOTIFY_TOKEN or notify.tokenFile',
    ]);
  });

  it('that cannot stand in a header is not used, and not shown', async () => {
    await send([closed], {}, { DRAYAGE_NOTIFY_TOKEN: 'very-secret\nX: y' });
    expect(received).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toContain('secret');
  });
});

describe('a server that fails', () => {
  it('with an error is asked once more, then told of once, without path and token', async () => {
    answer = (response) => void response.writeHead(403).end('no');
    await send(
      [opened, closed, failed],
      { path: '/very-secret?a=b' },
      { DRAYAGE_NOTIFY_TOKEN: 'very-secret' },
    );
    expect(received).toHaveLength(4);
    expect(warnings).toEqual([`${origin} did not take a message: HTTP 403. The run does not wait for it.`]);
  });

  it('only once takes the message the second time, and nobody hears of it', async () => {
    answer = (response, number) => void response.writeHead(number === 1 ? 500 : 200).end();
    await send([closed], {});
    expect(received).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  it('and does not answer delays nobody', async () => {
    answer = () => undefined;
    const notifier = open({});
    const before = performance.now();
    notifier.sink(opened);
    expect(performance.now() - before).toBeLessThan(50);
    for (let i = 0; i < 20; i += 1) notifier.sink(closed);
    await notifier.close();
    expect(performance.now() - before).toBeLessThan(limits.close + 500);
    expect(warnings).toEqual([
      `${origin} did not take a message: no answer in time. The run does not wait for it.`,
    ]);
  });

  it('and is not there is told of', async () => {
    server.close();
    await once(server, 'close');
    await send([closed], {});
    expect(warnings).toEqual([
      `${origin} did not take a message: ECONNREFUSED. The run does not wait for it.`,
    ]);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  it('and points elsewhere does not get the token carried there', async () => {
    answer = (response) => void response.writeHead(307, { location: `${origin}/elsewhere` }).end();
    await send([closed], {}, { DRAYAGE_NOTIFY_TOKEN: 'very-secret' });
    expect(received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
    expect(warnings[0]).toContain('HTTP 307');
  });
});

it('a stall is told of while nothing else happens', async () => {
  const notifier = open({ stalledMinutes: 0.0001 });
  notifier.sink({ type: 'operation-started', step: 's', what: 'rsync' });
  await expect.poll(() => received.length, { timeout: 8000, interval: 100 }).toBe(1);
  expect(received[0]?.body).toMatchObject({ event: 'stalled', message: 'rsync' });
  await notifier.close();
}, 10_000);
