import { isDeepStrictEqual } from 'node:util';
import type { Config, GuestWish } from '../config/config.ts';
import { name as nameSchema } from '../config/schema.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import type { NewGuest } from '../plan/guest/make-new.ts';
import { type AskIo, askCreate, parseCreate } from './ask.ts';
import { createError } from './errors.ts';

/** What the options of `drayage guest new` say; what is absent was not given. */
export type CreateOptions = Readonly<Record<string, unknown>>;

/** How the guest shall be: as drayage.yaml says, else as the options say, else as the answers say. */
export async function wishedGuest(question: {
  readonly config: Config;
  readonly name: string;
  readonly vmid?: number;
  /** In the form of `create`. */
  readonly options: CreateOptions;
  readonly templates: () => Promise<readonly SeenVm[]>;
  /** Absent without a terminal. */
  readonly ask?: AskIo;
}): Promise<NewGuest> {
  const { config, name, options, ask } = question;
  if (!nameSchema.safeParse(name).success || name.length > 63)
    throw createError('create/bad-name', {
      seen: name,
      next: ['drayage guest new doc2, for example'],
    });
  const known: Partial<GuestWish> = config.wishes[name] ?? config.guests[name] ?? {};
  const vmid = question.vmid ?? known.vmid;
  const numbered = { name, ...(vmid === undefined ? {} : { vmid }) };
  const entered = config.wishes[name]?.create;
  const said = Object.keys(options);
  const twice = (seen: string) =>
    createError('create/said-twice', {
      seen,
      next: [`change guests.${name} in ${config.file}, then: drayage guest new ${name}`],
    });
  if (known.vmid !== undefined && vmid !== known.vmid)
    throw twice(`--vmid ${vmid}, and guests.${name}.vmid is ${known.vmid} in ${config.file}`);
  const enterVmid = known.vmid === undefined;
  const given = options.template === undefined ? undefined : parseCreate(name, options);
  if (entered !== undefined) {
    if (said.length > 0 && !isDeepStrictEqual(given, entered))
      throw twice(`${said.join(', ')} as options, and guests.${name}.create in ${config.file}`);
    return { wish: { ...numbered, create: entered }, enterCreate: false, enterVmid };
  }
  if (given !== undefined) return { wish: { ...numbered, create: given }, enterCreate: true, enterVmid };
  if (ask === undefined)
    throw createError('create/nothing-said', {
      seen: `${config.file} has no guests.${name}.create, and there is no terminal to ask on`,
      next: [`drayage guest new ${name} --template VMID --yes`],
    });
  const create = await askCreate(name, options, await question.templates(), ask);
  return { wish: { ...numbered, create }, enterCreate: true, enterVmid };
}
