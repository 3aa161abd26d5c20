import { resolve } from 'node:path';
import { listTemplates, readNewGuestFacts } from '../../create/look.ts';
import { type CreateOptions, wishedGuest } from '../../create/wish.ts';
import { readFleet } from '../../nix/fleet.ts';
import { makeNewGuest } from '../../plan/guest/make-new.ts';
import { quoteArgv } from '../../ssh/quote.ts';
import { newGuestByTofu } from '../guest-by-tofu.ts';
import { runGuestPlan } from '../guest-run.ts';
import { noFindings } from '../perform-plan.ts';
import type { Action } from '../program.ts';
import { withSession } from '../session.ts';
import { packageVersion } from '../version.ts';

export const guestNew: Action = (globals, options, [name = '']) =>
  withSession(
    globals,
    async (session) => {
      const { client, config, terminal } = session;
      const said = createOptions(options);
      const fleet = config.hosts === undefined ? undefined : await readFleet(config.hosts.file);
      const wanted = await wishedGuest({
        config,
        name,
        ...(fleet === undefined ? {} : { fleet }),
        ...(typeof options.vmid === 'number' ? { vmid: options.vmid } : {}),
        options: said,
        templates: () => listTemplates(client),
        ...(terminal.interactive
          ? { ask: { line: terminal.line, write: (text: string) => terminal.err.write(text) } }
          : {}),
      });
      const again = againOf(name, wanted.enterCreate ? options : { api: options.api });
      const yes = options.yes === true;
      session.say('Looking at the cluster ...');
      if (config.tofu !== undefined && options.api !== true)
        return newGuestByTofu({ session, file: globals.file, fleet, wanted, yes, again });
      const { wish } = wanted;
      const signal = session.finish;
      const facts = await readNewGuestFacts({ client, file: config.file, wish, say: session.say, signal });
      const plan = makeNewGuest(facts, wanted, packageVersion());
      const ran = await runGuestPlan(session, plan, { again, yes, findings: noFindings() });
      return ran.exitCode;
    },
    { unmade: true },
  );

/** Options that are not in drayage.yaml yet have to be given again. */
function againOf(name: string, options: Record<string, unknown>): string {
  const words = Object.entries(options).flatMap(([key, value]) => {
    if (value === undefined || value === false || key === 'yes') return [];
    const option = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [option] : [option, ...(Array.isArray(value) ? value : [value]).map(String)];
  });
  return ['drayage guest new', quoteArgv([name, ...words])].join(' ');
}

/** The options in the form of `create`; what was not given is absent. */
function createOptions(options: Record<string, unknown>): CreateOptions {
  const { template, storage, cores, memory, disk, bios, machine, bridge, vlan, tag } = options;
  const given = (values: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const net = given({ bridge, vlan });
  const cloudInit = given({
    user: options.ciUser,
    sshKeyFile: typeof options.ciSshKeys === 'string' ? resolve(options.ciSshKeys) : undefined,
    ip: options.ciIp,
    gateway: options.ciGateway,
    nameserver: options.ciNameserver,
  });
  return given({
    template,
    storage,
    cores,
    memory,
    disk,
    bios,
    machine,
    tags: tag,
    ...(Object.keys(net).length === 0 ? {} : { net }),
    ...(Object.keys(cloudInit).length === 0 ? {} : { cloudInit }),
  });
}
