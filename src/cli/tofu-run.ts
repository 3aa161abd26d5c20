import type { Config } from '../config/config.ts';
import { DrayageError } from '../errors/error.ts';
import type { ClusterFindings } from '../inspect/findings.ts';
import type { Fleet } from '../nix/fleet.ts';
import type { Tracked } from '../plan/tofu/desired.ts';
import { applyPlanFile, initPlan } from '../plan/tofu/operations.ts';
import { judgementAsText } from '../plan/tofu/render.ts';
import { agentState } from '../proxmox/agent-state.ts';
import { lookAtStack, type StackLook, tofuOf } from '../stack/files.ts';
import { journeyInTheWay } from '../stack/journeys.ts';
import { allowState, planStack, readyFolder, refuseUnlessAllowed, type StackPlan } from '../stack/plan.ts';
import { lookAtState, rememberState } from '../stack/state-record.ts';
import type { TofuClient } from '../tofu/client.ts';
import { usageError } from './errors.ts';
import type { TofuSession } from './tofu-session.ts';

/** The files as they shall be; whose a virtual machine is, the state tells, where there is one that can be read. */
export async function stackLook(
  session: TofuSession,
  cluster: ClusterFindings | undefined,
  /** Absent: as they are. */
  sources?: { readonly config: Config; readonly fleet: Fleet | undefined },
): Promise<StackLook> {
  const { config, fleet } = sources ?? { config: session.config, fleet: await session.fleet() };
  const tracked = cluster === undefined ? undefined : await trackedBy(session);
  return lookAtStack({
    config,
    ...(fleet === undefined ? {} : { fleet }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(tracked === undefined ? {} : { tracked }),
  });
}

async function trackedBy(session: TofuSession): Promise<Tracked | undefined> {
  try {
    const client = await session.tofu();
    // Without a state nothing is OpenTofu's own: what exists has to be imported.
    if ((await client.identity()) === undefined) return new Map();
    const resources = await client.state();
    return new Map(
      [...resources].map(([address, { clone }]) => [
        address,
        { cloned: Array.isArray(clone) && clone.length > 0 },
      ]),
    );
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
    session.say(
      `Note: the state was not read (${error.code}); what is OpenTofu's own is taken from the last files.`,
    );
    return undefined;
  }
}

export interface PlanOptions {
  readonly allow?: readonly string[];
  readonly lockTimeout?: number;
  readonly yes?: boolean;
}

/** A plan of OpenTofu that was made and judged. */
export interface LookedAt {
  readonly made: StackPlan;
  readonly client: TofuClient;
  readonly cluster: ClusterFindings;
}

/** Looks at cluster, files and state, and says what there is to say, before anything is planned. */
export async function lookAndPlan(
  session: TofuSession,
  folder: string,
  options: PlanOptions,
  verb: 'plan' | 'apply',
): Promise<LookedAt> {
  const { config, terminal } = session;
  const allow = options.allow ?? [];
  tofuOf(config);
  const cluster = await session.cluster();
  const look = await stackLook(session, cluster);
  for (const note of look.notes) session.say(`Note: ${note}.`);
  if (look.stale.length > 0)
    session.say(`Note: ${look.stale.map(({ path }) => path).join(', ')} is stale: drayage tofu generate.`);
  await sayWhoseAgentIsSilent(session, look, cluster);
  const client = await session.tofu(folder);
  await readyFolder(client, async (why) => {
    session.say(`${why}: ${client.program.command} init`);
    await session.perform(initPlan(client.program.command, client.folder, session.drayage));
  });
  const state = await lookAtState(config.file, client, allow.includes(allowState));
  session.say(`${client.program.command} ${client.program.version} in ${client.folder}. ${state.says}`);
  const made = await planStack({
    client,
    folder,
    existing: new Set(cluster.vms.map(({ vmid }) => vmid)),
    lockSeconds: options.lockTimeout ?? 0,
    signal: session.stop,
  });
  const { judgement } = made;
  if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'tofu-plan', ...judgement })}\n`);
  else terminal.out.write(`${judgementAsText(judgement, allow, terminal.palette).join('\n')}\n`);
  refuseUnlessAllowed(judgement, allow, verb);
  return { made, client, cluster };
}

/** The provider waits for each of them, 15 minutes by default, at every refresh. */
async function sayWhoseAgentIsSilent(
  session: TofuSession,
  look: StackLook,
  cluster: ClusterFindings,
): Promise<void> {
  const running = cluster.vms.filter(
    ({ vmid, running }) => running && look.vms.some((vm) => vm.vmid === vmid),
  );
  for (const { vmid, name, node } of running)
    if ((await agentState(session.proxmox(), node, vmid)) === 'silent')
      session.say(
        `Note: the guest agent of VM ${vmid} (${name}) does not answer: OpenTofu will wait up to 15 minutes for it, at every plan. In the guest: systemctl status qemu-guest-agent`,
      );
}

/**
 * Asks, and applies exactly the plan that was looked at.
 * @param again the command, for who is not asked because there is no terminal
 * @throws tofu/journey-open
 */
export async function applyLooked(
  session: TofuSession,
  { made, client, cluster }: LookedAt,
  options: PlanOptions,
  again: string,
): Promise<'done' | 'nothing' | 'declined' | 'interrupted'> {
  const { config } = session;
  if (made.judgement.empty) {
    // A plan without changes still may have read what the state did not have yet.
    await rememberState(config.file, client);
    return 'nothing';
  }
  const refuseOnTheWay = async () => {
    const error = await journeyInTheWay(config, cluster, made.judgement);
    if (error !== undefined) throw error;
  };
  await refuseOnTheWay();
  if (!(await confirmed(session, options, again))) return 'declined';
  if (session.finish.aborted) return 'interrupted';
  // The question may have stood for long.
  await refuseOnTheWay();
  const operation = applyPlanFile(
    {
      command: client.program.command,
      folder: client.folder,
      planFile: made.file,
      sha256: made.sha256,
      lockSeconds: options.lockTimeout ?? 0,
    },
    session.drayage,
  );
  await session.perform(operation);
  await rememberState(config.file, client);
  return 'done';
}

async function confirmed(session: TofuSession, options: PlanOptions, again: string): Promise<boolean> {
  const { terminal } = session;
  if (options.yes === true) return true;
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', {
      seen: `${again} asks before it applies`,
      next: [`${again} --yes`],
    });
  if (/^y(es)?$/i.test(await terminal.ask('Apply exactly this? [y/N] '))) return true;
  terminal.err.write('Nothing was applied.\n');
  return false;
}
