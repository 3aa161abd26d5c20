import { z } from 'zod';
import { configError } from '../errors.ts';
import { overlap, systemFolder } from '../path.ts';
import {
  absolutePath,
  dataset,
  endpoint,
  mappingId,
  name,
  numericOwner,
  sshDestination,
  vmid,
} from '../schema.ts';
import { draftOf, pools } from './draft.ts';
import type { ClusterFacts } from './facts.ts';
import type { Draft } from './write.ts';

/** The terminal, or a test. */
export interface InitIo {
  /** One line typed by the user, without its end; undefined when the input has ended. Absent without a terminal. */
  readonly ask?: (question: string) => Promise<string | undefined>;
  /** Talk: one or more whole lines. */
  readonly write: (text: string) => void;
}

/** One question. `offer` is taken for an empty line; `refuse` says what is wrong with an answer of the right form. */
interface Question {
  readonly text: string;
  readonly schema: z.ZodType<string>;
  readonly offer?: string | undefined;
  readonly refuse?: (answer: string) => string | undefined;
}

type Guest = Draft['guests'][number];
type Put = (question: Question) => Promise<string>;

const sourcePath = absolutePath.regex(/^\/.+/, 'a directory below "/"');
const vmidText = z
  .string()
  .refine(
    (text) => /^\d+$/.test(text) && vmid.safeParse(Number(text)).success,
    'a number from 100 to 999999999',
  );
const optionalEndpoint = z
  .string()
  .refine(
    (text) => text === '' || endpoint.safeParse(text).success,
    'an https address such as "https://192.168.1.12:8006", or nothing',
  );
const notSystem = (path: string) =>
  systemFolder(path) ? `${path} belongs to the system: another directory` : undefined;

/**
 * Asks for one move and everything it needs; what the cluster shows is offered.
 * @throws DrayageError `config/no-answer` when the input ends.
 */
export async function askDraft(
  ask: NonNullable<InitIo['ask']>,
  write: InitIo['write'],
  facts: ClusterFacts,
): Promise<Draft> {
  const put: Put = (question) => askUntilRight(ask, write, question);
  const seen = draftOf(facts);
  write('Enter takes what stands in brackets. Nothing is changed anywhere.\n');
  const address = await put({
    text: 'Address of the Proxmox VE API (empty: PROXMOX_VE_ENDPOINT)',
    schema: optionalEndpoint,
    offer: seen.endpoint ?? '',
  });
  if (seen.nodes.length > 1) write(`Nodes: ${seen.nodes.map((node) => node.name).join(', ')}\n`);
  const node = await put({ text: 'Node that shall own the data', schema: name, offer: seen.nodes[0]?.name });
  const nodeSsh = await put({
    text: 'Its ssh destination',
    schema: sshDestination,
    offer: seen.nodes.find((known) => known.name === node)?.ssh ?? `root@${node}`,
  });
  if (seen.guests.length > 0)
    write(`Virtual machines: ${seen.guests.map((guest) => `${guest.name} (${guest.vmid})`).join(', ')}\n`);
  const source = await askGuest(put, 'Source guest, which has the data now', seen.guests);
  const path = await put({
    text: 'Source path',
    schema: sourcePath,
    offer: '/mnt/docker',
    refuse: notSystem,
  });
  const target = await askGuest(put, 'Target guest, which shall mount the share', seen.guests, source);
  const pool = pools(facts).find((known) => known.node === node)?.name;
  const set = await put({
    text: 'ZFS dataset, made when it does not exist',
    schema: dataset,
    offer: pool === undefined ? undefined : `${pool}/containers`,
    refuse: (answer) => notSystem(`/${answer}`),
  });
  const owner = await put({
    text: 'Owner and group of its top, as numbers (`id` of the user of the containers, such as 1000:100)',
    schema: numericOwner,
  });
  const share = shareName(set);
  return {
    ...(address !== '' && { endpoint: address }),
    ...(seen.fingerprint !== undefined && address === seen.endpoint && { fingerprint: seen.fingerprint }),
    ...(seen.mappings && { mappings: seen.mappings }),
    nodes: [{ name: node, ssh: nodeSsh }],
    guests: [source, target],
    shares: [{ name: share, node, dataset: set, owner }],
    moves: [
      {
        name: source.name,
        guest: source.name,
        path,
        share,
        target: target.name,
        // The share's own mount path would lie at the source path: then the move takes the top.
        ...(overlap(path, `/mnt/${share}`) && { as: '.' }),
      },
    ],
  };
}

async function askGuest(put: Put, text: string, known: readonly Guest[], other?: Guest): Promise<Guest> {
  const another = 'another one than that of the source guest';
  const guest = await put({
    text,
    schema: name,
    refuse: (answer) => (answer === other?.name ? another : undefined),
  });
  const found = known.find((one) => one.name === guest);
  const number = await put({
    text: 'Its vmid',
    schema: vmidText,
    offer: found && String(found.vmid),
    refuse: (answer) => (Number(answer) === other?.vmid ? another : undefined),
  });
  const ssh = await put({
    text: 'Its ssh destination',
    schema: sshDestination,
    offer: found?.ssh ?? `root@${guest}`,
    refuse: (answer) => (answer === other?.ssh ? another : undefined),
  });
  return { name: guest, vmid: Number(number), ssh };
}

/** Puts a question until the answer is one that drayage.yaml may hold. */
async function askUntilRight(
  ask: NonNullable<InitIo['ask']>,
  write: InitIo['write'],
  { text, schema, offer, refuse }: Question,
): Promise<string> {
  for (;;) {
    const line = await ask(`${text}${offer ? ` [${offer}]` : ''}: `);
    if (line === undefined)
      throw configError('config/no-answer', {
        seen: `no answer to "${text}"`,
        next: [
          'drayage init, on a terminal',
          'drayage init --from-cluster, for a file with examples to fill in',
        ],
      });
    const answer = line.trim() === '' ? (offer ?? '') : line.trim();
    const result = schema.safeParse(answer);
    const wrong = result.success ? refuse?.(answer) : result.error.issues[0]?.message;
    if (wrong === undefined) return answer;
    write(`  ${answer === '' ? 'an answer is needed' : 'not accepted'}; write ${wrong}\n`);
  }
}

/** The last part of the dataset, when it can be a mapping id too. */
function shareName(set: string): string {
  const last = set.slice(set.lastIndexOf('/') + 1);
  return name.safeParse(last).success && mappingId.safeParse(last).success ? last : 'containers';
}
