/** /nodes/{node}/qemu/{vmid}/agent/*: the QEMU guest agent, spoken to through `Machines.agent` in QGA's own commands. */
import { died } from '../api-error.ts';
import { type Call, type Endpoint, target } from '../endpoint.ts';
import * as format from '../formats.ts';
import { agentEnabled } from '../machine-start.ts';
import { flag, integer, list, params, text } from '../params.ts';

const vm = { node: format.node, vmid: format.vmid };
const base = '/nodes/{node}/qemu/{vmid}/agent';
const anyOf = (...names: string[]) => ({
  path: '/vms/{vmid}',
  privileges: names.map((name) => `VM.GuestAgent.${name}`),
  any: true,
});
const commandMs = 5000;

/** Commands that answer `{result: ...}`. */
const plain = (method: 'GET' | 'POST', name: string): Endpoint => ({
  method,
  path: `${base}/${name}`,
  params: params(vm),
  permission: anyOf('Audit', 'Unrestricted'),
  handle: async (call) => ({ result: await ask(call, `guest-${name}`) }),
});

export const agentEndpoints: readonly Endpoint[] = [
  plain('POST', 'ping'),
  plain('GET', 'info'),
  plain('GET', 'get-osinfo'),
  plain('GET', 'get-host-name'),
  plain('GET', 'get-fsinfo'),
  plain('GET', 'network-get-interfaces'),
  {
    method: 'POST',
    path: `${base}/exec`,
    params: params({ ...vm, command: list(text()), 'input-data?': text({ maxLength: 65_536 }) }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.GuestAgent.Unrestricted'] },
    handle: async (call) => {
      const [program, ...args] = call.values.list('command') ?? [];
      const input = call.values.maybe('input-data');
      const answer = await ask(call, 'guest-exec', {
        path: program,
        arg: args,
        ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
        'capture-output': true,
      });
      return { pid: (answer as { pid: number }).pid };
    },
  },
  {
    method: 'GET',
    path: `${base}/exec-status`,
    params: params({ ...vm, pid: integer() }),
    permission: { path: '/vms/{vmid}', privileges: ['VM.GuestAgent.Unrestricted'] },
    handle: async (call) =>
      execStatus(await ask(call, 'guest-exec-status', { pid: call.values.number('pid') })),
  },
  {
    method: 'GET',
    path: `${base}/file-read`,
    params: params({
      ...vm,
      file: text(),
      'count?': integer(1, readLimit()),
      'decode?': flag,
      'offset?': integer(0),
    }),
    permission: anyOf('FileRead', 'Unrestricted'),
    handle: readFile,
  },
];

/** The cap of file-read, and the size of one piece of it. */
function readLimit(): number {
  return 16 * 1024 * 1024;
}

/**
 * One agent command, after the ping that every call of the API makes first.
 * @throws ApiError 500
 */
async function ask(call: Call, command: string, args?: unknown): Promise<unknown> {
  const { cluster } = call;
  const { node, vmid } = target(call);
  const { machines } = cluster.options;
  if (!agentEnabled(cluster.vms.read(node, vmid).conf.options)) throw died('No QEMU guest agent configured');
  if (!machines.running(vmid)) throw died(`VM ${vmid} is not running`);
  try {
    await machines.agent(vmid, 'guest-ping', undefined, 3000);
  } catch {
    throw died('QEMU guest agent is not running');
  }
  if (command === 'guest-ping') return {};
  try {
    return await machines.agent(vmid, command, args, commandMs);
  } catch (error) {
    if ((error as Error).name === 'AgentNotRunning') throw died('QEMU guest agent is not running');
    throw died(`Agent error: ${(error as Error).message}`);
  }
}

/** Bytes become Latin-1 code points in the JSON: a trap of the real API that clients must undo. */
const latin1 = (base64: unknown): string => Buffer.from(String(base64), 'base64').toString('latin1');

function execStatus(answer: unknown): unknown {
  return Object.fromEntries(
    Object.entries(answer as Record<string, unknown>).map(([key, value]) => [
      key,
      key === 'out-data' || key === 'err-data'
        ? latin1(value)
        : typeof value === 'boolean'
          ? Number(value)
          : value,
    ]),
  );
}

async function readFile(call: Call): Promise<unknown> {
  const { values } = call;
  const wanted = values.number('count') ?? readLimit();
  const handle = await ask(call, 'guest-file-open', { path: values.text('file'), mode: 'rb' });
  const pieces: string[] = [];
  let bytes = 0;
  let eof = false;
  try {
    const offset = values.number('offset') ?? 0;
    if (offset > 0) await ask(call, 'guest-file-seek', { handle, offset, whence: 0 });
    while (!eof && bytes < wanted) {
      const count = Math.min(1024 * 1024, wanted - bytes);
      const piece = (await ask(call, 'guest-file-read', { handle, count })) as {
        count: number;
        'buf-b64': string;
        eof: boolean;
      };
      bytes += piece.count;
      eof = piece.eof;
      pieces.push(piece['buf-b64']);
      if (piece.count === 0) break;
    }
  } finally {
    await ask(call, 'guest-file-close', { handle });
  }
  // decode=0 joins the base64 of each piece, padding included.
  const plainText = !values.has('decode') || values.flag('decode');
  return {
    content: plainText ? pieces.map(latin1).join('') : pieces.join(''),
    'bytes-read': bytes,
    ...(eof ? {} : { truncated: 1 }),
  };
}
