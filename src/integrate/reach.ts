import { setTimeout as wait } from 'node:timers/promises';
import { DrayageError } from '../errors/error.ts';
import type { guestAgent } from '../proxmox/agent.ts';
import type { Host } from '../ssh/host.ts';
import { fingerprintOf, type HostKey, parseHostKey, scanHostKeys } from '../ssh/host-key.ts';
import { integrateError } from './errors.ts';

export interface ReachQuestion {
  readonly name: string;
  readonly agent: ReturnType<typeof guestAgent>;
  readonly hardware: readonly string[];
  readonly controller: Host;
  readonly user: string;
  /** Given by the operator: the agent is not asked for one. */
  readonly address?: string;
  /** What drayage.yaml has already; tried first. */
  readonly known?: string;
  /** What ssh makes of a destination, for who looks at what is shown there. */
  readonly resolve: (destination: string) => Promise<{ readonly hostname: string; readonly port: number }>;
  /** `SHA256:...`, as the guest's console shows it. */
  readonly fingerprint?: string;
  /** A word of the operator's, where the guest's own cannot be had; absent without a terminal. */
  readonly confirm?: (fingerprints: readonly string[], address: string) => Promise<boolean>;
  /** A machine that must show this key, and nothing else. */
  readonly open: (destination: string, key: HostKey) => Host;
  readonly waitSeconds: number;
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Where the guest may be: for ssh, and for who looks at what it shows there. */
interface Place {
  readonly destination: string;
  readonly address: string;
  readonly port: number;
}

export interface Reached {
  /** For ssh: `root@192.168.1.35`, or what drayage.yaml has. */
  readonly destination: string;
  readonly key: HostKey;
  /** Whose word the key is. */
  readonly by: 'agent' | 'operator';
}

const pollMs = 2000;
/** A key that cloud-init puts there comes some seconds after the server. */
const keysSeconds = 90;

/**
 * Waits until the guest answers ssh with its own host key. The address is asked for again in each round: a guest may get
 * another one while it boots. The key is what the guest agent reads inside; it comes over the API, whose certificate is
 * checked. Without that, it is what the operator has seen on the console.
 */
export async function reach(question: ReachQuestion): Promise<Reached> {
  const { name, signal, say } = question;
  const begun = Date.now();
  const over = () => Date.now() > begun + question.waitSeconds * 1000;
  let told = false;
  for (;;) {
    const places = await placesOf(question);
    const [place] = places;
    let last: DrayageError = noAddress(question);
    if (place !== undefined) {
      const trusted = await trustedKey(question, places);
      if (trusted !== undefined) {
        for (const candidate of places) {
          const failed = await tryOnce(question, candidate, trusted.key);
          if (failed === undefined) return { destination: candidate.destination, ...trusted };
          last = failed;
        }
        const denied = last.code === 'ssh/permission-denied' && Date.now() > begun + keysSeconds * 1000;
        if (denied) throw last;
      } else last = nobodyShows(question, place.address);
    }
    if (over() || signal?.aborted) throw last;
    if (!told)
      say(`Waiting until ${name} answers ssh${place === undefined ? '' : ` at ${place.address}`} ...`);
    told = true;
    await wait(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

async function placesOf({ address, agent, hardware, known, resolve, user }: ReachQuestion): Promise<Place[]> {
  const at = async (destination: string): Promise<Place> => {
    const { hostname, port } = await resolve(destination);
    return { destination, address: hostname, port };
  };
  const first = known === undefined ? [] : [known];
  const all = (addresses: readonly string[]) =>
    Promise.all([...first, ...addresses.map((one) => `${user}@${one}`)].map(at));
  if (address !== undefined) return all([address]);
  try {
    return await all(await agent.addresses(hardware));
  } catch (error) {
    // An agent that has not started yet is waited for; a privilege does not come by waiting.
    if (error instanceof DrayageError && /agent is not running/i.test(error.seen)) return all([]);
    throw error;
  }
}

const keyFiles = ['ed25519', 'ecdsa', 'rsa'].map((kind) => `/etc/ssh/ssh_host_${kind}_key.pub`);

async function trustedKey(
  question: ReachQuestion,
  places: readonly Place[],
): Promise<Pick<Reached, 'key' | 'by'> | undefined> {
  const { agent, fingerprint } = question;
  if (fingerprint !== undefined) {
    const shown = await shownAt(question, places);
    const key = shown.find((one) => fingerprintOf(one) === fingerprint);
    if (key !== undefined) return { key, by: 'operator' };
    if (shown.length === 0) return undefined;
    throw integrateError('integrate/other-machine', {
      seen: `${places.map(({ address }) => address).join(', ')} shows ${shown.map(fingerprintOf).join(', ')}; expected is ${fingerprint}`,
      next: [`on the console of ${question.name}: ip address; ${onConsole}`],
    });
  }
  const refused = await fromAgent(agent);
  if (!(refused instanceof DrayageError)) return { key: refused, by: 'agent' };
  return fromOperator(question, places, refused);
}

async function shownAt({ controller }: ReachQuestion, places: readonly Place[]): Promise<HostKey[]> {
  const shown: HostKey[] = [];
  for (const { address, port } of places) shown.push(...(await scanHostKeys(controller, address, port)));
  return shown;
}

/** The key that the guest itself has, or why it does not say. */
async function fromAgent(agent: ReachQuestion['agent']): Promise<HostKey | DrayageError> {
  try {
    for (const file of keyFiles) {
      const key = parseHostKey((await agent.file(file)) ?? '');
      if (key !== undefined) return key;
    }
  } catch (error) {
    if (error instanceof DrayageError) return error;
    throw error;
  }
  return integrateError('integrate/host-key-unknown', {
    seen: `the guest agent gives none of ${keyFiles.join(', ')}`,
    next: [],
  });
}

const onConsole = 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub';

async function fromOperator(
  question: ReachQuestion,
  places: readonly Place[],
  refused: DrayageError,
): Promise<Pick<Reached, 'key' | 'by'> | undefined> {
  const { confirm, name } = question;
  const address = places.at(-1)?.address ?? name;
  const shown = await shownAt(question, places.slice(-1));
  if (shown.length === 0) return undefined;
  const key = shown.find(({ type }) => type === 'ssh-ed25519') ?? (shown[0] as HostKey);
  if ((await confirm?.([fingerprintOf(key)], address)) === true) return { key, by: 'operator' };
  throw integrateError('integrate/host-key-unknown', {
    seen: `${name} at ${address} shows ${fingerprintOf(key)}; its guest agent was asked: ${refused.seen}`,
    next: [
      `on the console of ${name}, not over ssh: ${onConsole}`,
      `only when it shows the same: drayage guest integrate ${name} --host-key ${fingerprintOf(key)}`,
      ...refused.next,
    ],
  });
}

/** undefined: it answered. What may pass by itself is an error to wait with. */
async function tryOnce(
  question: ReachQuestion,
  { address, destination }: Place,
  key: HostKey,
): Promise<DrayageError | undefined> {
  try {
    await question.open(destination, key).run(['true'], { timeoutSeconds: 30 });
    return undefined;
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
    if (!error.code.startsWith('ssh/host-key-')) return waitable(error);
    return integrateError('integrate/other-machine', {
      seen: `${address} does not have the key ${fingerprintOf(key)} of ${question.name}: ${error.seen}`,
      next: [`on the console of ${question.name}: ip address; ${onConsole}`],
      cause: error,
    });
  }
}

const passing = [
  'ssh/timeout',
  'ssh/refused',
  'ssh/closed',
  'ssh/connection-lost',
  'ssh/no-answer',
  'ssh/permission-denied',
];

function waitable(error: DrayageError): DrayageError {
  if (!passing.includes(error.code)) throw error;
  return error;
}

function noAddress({ name }: ReachQuestion): DrayageError {
  return integrateError('integrate/no-address', {
    seen: `the guest agent of ${name} tells of no address`,
    next: [
      `on the console of ${name}: systemctl status qemu-guest-agent; ip address`,
      `drayage guest integrate ${name} ADDRESS`,
    ],
  });
}

function nobodyShows({ name }: ReachQuestion, address: string): DrayageError {
  return integrateError('integrate/not-reached', {
    seen: `nothing at ${address} shows an ssh host key`,
    next: [`on the console of ${name}: systemctl status ssh; ip address`],
  });
}
