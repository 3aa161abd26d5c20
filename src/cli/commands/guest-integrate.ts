import { readVmConfig } from '../../create/look.ts';
import { DrayageError } from '../../errors/error.ts';
import { parseOsRelease } from '../../guest/facts.ts';
import type { Findings } from '../../inspect/findings.ts';
import { findGuest } from '../../integrate/find.ts';
import { openGuestHosts } from '../../integrate/guest-host.ts';
import { readIntegrateFacts, sharesFor } from '../../integrate/look.ts';
import { reach } from '../../integrate/reach.ts';
import type { IntegratePart } from '../../plan/guest/integrate-facts.ts';
import { makeIntegration } from '../../plan/guest/make-integrate.ts';
import { guestAgent, hardwareOf } from '../../proxmox/agent.ts';
import type { Hosts } from '../../ssh/host.ts';
import { resolveDestination } from '../../ssh/host-key.ts';
import { usageError } from '../errors.ts';
import { runGuestPlan } from '../guest-run.ts';
import type { Action } from '../program.ts';
import { type Session, withSession } from '../session.ts';
import { packageVersion } from '../version.ts';

interface IntegrateOptions {
  readonly share?: readonly string[];
  readonly skip?: readonly IntegratePart[];
  readonly moves?: boolean;
  readonly user?: string;
  readonly hostKey?: string;
  readonly wait: number;
  readonly yes?: boolean;
}

export const guestIntegrate: Action = (globals, given, [name = '', address, vmid]) =>
  withSession(
    globals,
    (session) => integrate(session, given as unknown as IntegrateOptions, name, address, vmid),
    {
      unmade: true,
    },
  );

async function integrate(
  session: Session,
  options: IntegrateOptions,
  name: string,
  address: string | undefined,
  vmid: string | undefined,
): Promise<number> {
  const { client, config, terminal } = session;
  const shares = sharesFor(config, name, options.share ?? []);
  const vm = await findGuest(client, config, name, vmid === undefined ? undefined : Number(vmid));
  const agent = guestAgent(client, vm);
  const vmConfig = await readVmConfig(client, vm);
  const hardware = hardwareOf(vmConfig);
  const entered = config.guests[name]?.ssh ?? config.wishes[name]?.ssh;
  const controller = session.hosts('controller');
  const known =
    entered === undefined ? undefined : await resolveDestination(controller, entered, config.ssh.config);
  const user = options.user ?? known?.user ?? config.wishes[name]?.create.cloudInit?.user ?? 'root';
  const sudo = config.guests[name]?.sudo ?? user !== 'root';
  const opened = openGuestHosts({
    name,
    sudo,
    ...(config.ssh.config === undefined ? {} : { configFile: config.ssh.config }),
  });
  try {
    const question = {
      name,
      agent,
      hardware,
      controller,
      user,
      ...(address === undefined ? {} : { address }),
      ...(entered === undefined ? {} : { known: entered }),
      resolve: (destination: string) => resolveDestination(controller, destination, config.ssh.config),
      ...(options.hostKey === undefined ? {} : { fingerprint: options.hostKey }),
      ...(terminal.interactive ? { confirm: confirmKey(session, name) } : {}),
      open: opened.at,
      waitSeconds: options.wait,
      say: session.say,
      signal: session.finish,
    };
    const reached = await reach(question);
    const again = async () =>
      (await reach({ ...question, waitSeconds: 0 }).catch(() => undefined))?.destination;
    const guest = opened.floating(reached.destination, reached.key, again);
    const hosts: Hosts = (host) => (host === name ? guest : session.hosts(host));
    session.say(`Looking at ${name} ...`);
    const facts = await readIntegrateFacts({
      client,
      config,
      hosts,
      vm: { ...vm, config: vmConfig },
      name,
      os: await osOf(guest),
      sudo,
      reached,
      guest,
      shares,
      skip: options.skip ?? [],
      addresses: await agent.addresses(hardware).catch(silent),
      now: new Date().toISOString(),
    });
    const moves = options.moves === true ? await inspected(session, name) : undefined;
    const known = moves === undefined ? facts : { ...facts, moves };
    const plan = makeIntegration(config, known, { skip: options.skip ?? [], shares }, packageVersion());
    const ran = await runGuestPlan(session, plan, {
      again: againOf(name, address, vmid, options),
      yes: options.yes === true,
      findings: facts.findings,
      hosts,
    });
    return ran.exitCode;
  } finally {
    await opened.close();
  }
}

/** What the workloads of the moves into a guest are, their sources tell. */
async function inspected({ config, inspect }: Session, name: string): Promise<Findings> {
  if (config.guests[name] !== undefined && Object.values(config.moves).some(({ to }) => to.guest === name))
    return inspect();
  throw usageError('usage/no-moves', {
    seen: `--moves, and ${config.file} has no move into ${name}, or not its address yet`,
    next: [`drayage guest integrate ${name}`],
  });
}

function againOf(
  name: string,
  address: string | undefined,
  vmid: string | undefined,
  { hostKey, moves, share = [], skip = [], user }: IntegrateOptions,
): string {
  return [
    'drayage guest integrate',
    name,
    ...(address === undefined ? [] : [address]),
    ...(vmid === undefined ? [] : [vmid]),
    ...share.map((one) => `--share ${one}`),
    ...skip.map((one) => `--skip ${one}`),
    ...(moves === true ? ['--moves'] : []),
    ...(user === undefined ? [] : [`--user ${user}`]),
    ...(hostKey === undefined ? [] : [`--host-key ${hostKey}`]),
  ].join(' ');
}

function confirmKey({ terminal }: Session, name: string) {
  return async (fingerprints: readonly string[], address: string): Promise<boolean> => {
    terminal.err.write(
      `The host key of ${name} could not be read through its guest agent. What answers at ${address} shows:\n${fingerprints.map((one) => `  ${one}\n`).join('')}On the console of ${name}, not over ssh: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n`,
    );
    const answer = await terminal.ask('Does the console show exactly this? [y/N] ');
    return /^y(es)?$/i.test(answer);
  };
}

/** Where it was reached is known; what else the agent could tell is not needed. */
function silent(error: unknown): string[] {
  if (error instanceof DrayageError) return [];
  throw error;
}

async function osOf(guest: ReturnType<Hosts>): Promise<string> {
  const release = await guest.run(['cat', '/etc/os-release'], { timeoutSeconds: 30 });
  return parseOsRelease(release.stdout.toString('utf8')).os;
}
