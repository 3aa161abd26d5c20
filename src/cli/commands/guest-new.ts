import { resolve } from 'node:path';
import { listTemplates, readNewGuestFacts } from '../../create/look.ts';
import { type CreateOptions, wishedGuest } from '../../create/wish.ts';
import { makeNewGuest } from '../../plan/guest/make-new.ts';
import { noFindings, runGuestPlan } from '../guest-run.ts';
import type { Action } from '../program.ts';
import { withSession } from '../session.ts';
import { packageVersion } from '../version.ts';

export const guestNew: Action = (globals, options, [name = '']) =>
  withSession(
    globals,
    async (session) => {
      const { client, config, terminal } = session;
      const wanted = await wishedGuest({
        config,
        name,
        ...(typeof options.vmid === 'number' ? { vmid: options.vmid } : {}),
        options: createOptions(options),
        templates: () => listTemplates(client),
        ...(terminal.interactive
          ? { ask: { line: terminal.line, write: (text: string) => terminal.err.write(text) } }
          : {}),
      });
      session.say('Looking at the cluster ...');
      const facts = await readNewGuestFacts({
        client,
        file: config.file,
        wish: wanted.wish,
        say: session.say,
        signal: session.finish,
      });
      const byTofu = config.tofu !== undefined && options.api !== true;
      const plan = makeNewGuest(facts, { ...wanted, byTofu }, packageVersion());
      return runGuestPlan(session, plan, {
        again: `drayage guest new ${name}`,
        yes: options.yes === true,
        findings: noFindings(new Date().toISOString()),
      });
    },
    { unmade: true },
  );

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
