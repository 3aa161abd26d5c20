import { isDeepStrictEqual } from 'node:util';
import type { Config, GuestWish } from '../config/config.ts';
import type { CreateConfig } from '../config/create-schema.ts';
import { name as nameSchema } from '../config/schema.ts';
import type { Fleet } from '../nix/fleet.ts';
import type { SeenVm } from '../plan/guest/facts.ts';
import type { NewGuest } from '../plan/guest/make-new.ts';
import { type AskIo, askCreate, parseCreate } from './ask.ts';
import { createError } from './errors.ts';
import { hostWish } from './host-wish.ts';

/** What the options of `drayage guest new` say; what is absent was not given. */
export type CreateOptions = Readonly<Record<string, unknown>>;

/**
 * How the guest shall be: as hosts.nix says, with what drayage.yaml says beside it (cloud-init); else as drayage.yaml says,
 * else as the options say, else as the answers say.
 */
export async function wishedGuest(question: {
  readonly config: Config;
  readonly name: string;
  readonly vmid?: number;
  /** hosts.nix, where drayage.yaml names one. */
  readonly fleet?: Fleet;
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
  const host = hostWish(question.fleet, name);
  const vmid = question.vmid ?? known.vmid ?? host?.vmid;
  const numbered = {
    name,
    ...(vmid === undefined ? {} : { vmid }),
    ...(host?.vmName === undefined ? {} : { vmName: host.vmName }),
  };
  const entered = config.wishes[name]?.create;
  const said = Object.keys(options);
  const twice = (seen: string) =>
    createError('create/said-twice', {
      seen,
      next: [
        `change ${host === undefined ? `guests.${name} in ${config.file}` : `it at ${host.where}`}, then: drayage guest new ${name}`,
      ],
    });
  if (known.vmid !== undefined && vmid !== known.vmid)
    throw twice(`--vmid ${vmid}, and guests.${name}.vmid is ${known.vmid} in ${config.file}`);
  if (host !== undefined && vmid !== host.vmid)
    throw twice(`the number ${vmid}, and proxmox.vmid is ${host.vmid} at ${host.where}`);
  const template = options.template ?? question.fleet?.proxmox?.templateVmid;
  const given =
    said.length === 0 || template === undefined ? undefined : parseCreate(name, { ...options, template });
  if (entered !== undefined || host !== undefined) {
    const create =
      host === undefined ? (entered as CreateConfig) : parseCreate(name, { ...entered, ...host.create });
    // Options that an earlier run has entered may be given once more.
    if (said.length > 0 && ![entered, create].some((one) => isDeepStrictEqual(given, one)))
      throw twice(
        `${said.join(', ')} as options, and ${host === undefined ? `guests.${name}.create in ${config.file}` : `${name} at ${host.where}`}`,
      );
    const enterVmid = known.vmid === undefined && entered !== undefined;
    return { wish: { ...numbered, create }, enterCreate: false, enterVmid };
  }
  const enterVmid = known.vmid === undefined;
  if (given !== undefined) return { wish: { ...numbered, create: given }, enterCreate: true, enterVmid };
  if (ask === undefined)
    throw createError('create/nothing-said', {
      seen: `${config.file} has no guests.${name}.create, and there is no terminal to ask on`,
      next: [`drayage guest new ${name} --template VMID --yes`],
    });
  const create = await askCreate(
    name,
    { ...options, ...(template === undefined ? {} : { template: template as number }) },
    await question.templates(),
    ask,
  );
  return { wish: { ...numbered, create }, enterCreate: true, enterVmid };
}
