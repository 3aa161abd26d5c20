import type { z } from 'zod';
import { type CreateConfig, createSchema } from '../config/create-schema.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import { keysOf, memoryOf } from '../proxmox/vm-config.ts';
import { createError } from './errors.ts';

/** Every question, by its key; an empty answer leaves it as the template has it. */
type Given = z.input<typeof createSchema>;

export interface AskIo {
  /** One line typed; undefined when the input has ended. */
  readonly line: (question: string) => Promise<string | undefined>;
  readonly write: (text: string) => void;
}

/** Asks how the guest shall be. Numbers and names are checked as drayage.yaml's are, one by one. */
export async function askCreate(
  name: string,
  given: Partial<Given>,
  templates: readonly SeenVm[],
  io: AskIo,
): Promise<CreateConfig> {
  io.write(`Enter takes what stands in brackets. Nothing is changed until you have seen the plan.\n`);
  for (const { vmid, name: title, node } of templates)
    io.write(`  template ${vmid}  ${title}  (on ${node})\n`);
  const only = templates.length === 1 ? templates[0] : undefined;
  const template =
    given.template ??
    Number(await ask(io, 'Template', only === undefined ? '' : String(only.vmid), numeric('template')));
  const config = templates.find(({ vmid }) => vmid === template)?.config ?? {};
  const answers: Record<string, unknown> = { ...given, template };
  const put = async (key: 'cores' | 'memory' | 'disk', text: string, offer: string) => {
    if (given[key] !== undefined) return;
    const check = key === 'disk' ? field('disk') : numeric(key);
    const answer = await ask(io, text, offer, check);
    if (answer !== '') answers[key] = key === 'disk' ? answer : Number(answer);
  };
  await put('cores', 'Cores', config.cores ?? '2');
  await put('memory', 'Memory in MiB', String(memoryOf(config)));
  await put('disk', 'Size of its first disk, such as 64G (empty: as the template)', '');
  if (given.net === undefined && keysOf(config, 'net').length > 0) {
    const bridge = await ask(io, 'Bridge (empty: as the template)', '', (text) =>
      text === '' ? undefined : problemOf(createSchema.safeParse({ template, net: { bridge: text } }), 'net'),
    );
    if (bridge !== '') answers.net = { bridge };
  }
  return parseCreate(name, answers);
}

const field = (key: 'disk') => (text: string) =>
  text === '' ? undefined : problemOf(createSchema.shape[key].safeParse(text), key);
const numeric = (key: 'template' | 'cores' | 'memory') => (text: string) =>
  problemOf(createSchema.shape[key].safeParse(/^\d+$/.test(text) ? Number(text) : text), key);

function problemOf(result: z.ZodSafeParseResult<unknown>, key: string): string | undefined {
  return result.success ? undefined : (result.error.issues[0]?.message ?? key);
}

async function ask(
  io: AskIo,
  text: string,
  offer: string,
  wrong: (answer: string) => string | undefined,
): Promise<string> {
  for (;;) {
    const line = await io.line(`${text}${offer === '' ? '' : ` [${offer}]`}: `);
    if (line === undefined)
      throw createError('create/no-answer', {
        seen: `no answer to "${text}"`,
        next: ['drayage guest new --help   # the same by options'],
      });
    const answer = line === '' ? offer : line;
    const problem = wrong(answer);
    if (problem === undefined) return answer;
    io.write(`  not accepted: ${problem}\n`);
  }
}

/** What options or answers say, in the form of drayage.yaml. @throws create/option */
export function parseCreate(name: string, given: Record<string, unknown>): CreateConfig {
  const parsed = createSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw createError('create/option', {
    seen: parsed.error.issues
      .map(({ path, message }) => `${path.map(String).join('.') || 'the guest'}: ${message}`)
      .join('\n'),
    next: [`drayage guest new ${name} --help`],
  });
}
