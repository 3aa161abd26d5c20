import { DrayageError } from '../../errors/error.ts';
import { exitCode } from '../../errors/exit-code.ts';
import type { ClusterFindings } from '../../inspect/findings.ts';
import type { Tracked } from '../../plan/tofu/desired.ts';
import { applyPlanFile, initPlan, writeFiles } from '../../plan/tofu/operations.ts';
import { judgementAsText } from '../../plan/tofu/render.ts';
import { agentState } from '../../proxmox/agent-state.ts';
import { lookAtStack, type StackLook, tofuOf } from '../../stack/files.ts';
import { journeyInTheWay } from '../../stack/journeys.ts';
import {
  allowState,
  planStack,
  readyFolder,
  refuseUnlessAllowed,
  type StackPlan,
  withPlanFolder,
} from '../../stack/plan.ts';
import { lookAtState, rememberState } from '../../stack/state-record.ts';
import type { TofuClient } from '../../tofu/client.ts';
import { tofuError } from '../../tofu/errors.ts';
import { usageError } from '../errors.ts';
import type { Action } from '../program.ts';
import { type TofuSession, withTofu } from '../tofu-session.ts';

export const tofuGenerate: Action = (globals, options) =>
  withTofu(globals, async (session) => {
    const { config, terminal } = session;
    tofuOf(config);
    const offline = options.offline === true;
    const look = await stackLook(session, offline ? undefined : await session.cluster());
    for (const note of look.notes) session.say(`Note: ${note}.`);
    const names = look.stale.map(({ path }) => path);
    if (options.check === true && names.length > 0)
      throw tofuError('tofu/stale', { seen: names.join(', '), next: ['drayage tofu generate'] });
    if (names.length > 0)
      await session.perform(writeFiles(look.stale, 'Write the files of OpenTofu', session.drayage));
    if (terminal.json) terminal.out.write(`${JSON.stringify({ type: 'generated', written: names })}\n`);
    else if (names.length === 0) terminal.out.write('The generated files are fresh.\n');
    else terminal.out.write(names.map((name) => `Wrote ${name}\n`).join(''));
    return exitCode.done;
  });

/** The files as they shall be; whose a virtual machine is, the state tells, where there is one that can be read. */
async function stackLook(session: TofuSession, cluster: ClusterFindings | undefined): Promise<StackLook> {
  const fleet = await session.fleet();
  const tracked = cluster === undefined ? undefined : await trackedBy(session);
  return lookAtStack({
    config: session.config,
    ...(fleet === undefined ? {} : { fleet }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(tracked === undefined ? {} : { tracked }),
  });
}

async function trackedBy(session: TofuSession): Promise<Tracked | undefined> {
  try {
    const client = await session.tofu();
    if ((await client.identity()) === undefined) return undefined;
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

interface PlanOptions {
  readonly allow?: readonly string[];
  readonly lockTimeout?: number;
  readonly detailedExitcode?: boolean;
  readonly yes?: boolean;
}

export const tofuPlan: Action = (globals, given) =>
  withTofu(globals, (session) => {
    const options = given as PlanOptions;
    return withPlanFolder(session.config.file, async (folder) => {
      const { made, cluster } = await lookAndPlan(session, folder, options, 'plan');
      const open = await journeyInTheWay(session.config, cluster, made.judgement);
      if (open !== undefined) session.say(`Note: an apply would be refused: ${open.seen}`);
      return options.detailedExitcode === true && !made.judgement.empty
        ? exitCode.changesPending
        : exitCode.done;
    });
  });

export const tofuApply: Action = (globals, given) =>
  withTofu(globals, (session) => {
    const options = given as PlanOptions;
    return withPlanFolder(session.config.file, async (folder) => {
      const { made, client, cluster } = await lookAndPlan(session, folder, options, 'apply');
      if (made.judgement.empty) {
        // A plan without changes still may have read what the state did not have yet.
        await rememberState(session.config.file, client);
        return exitCode.done;
      }
      await refuseOnTheWay(session, cluster, made);
      if (!(await confirmed(session, options))) return exitCode.done;
      if (session.finish.aborted) return exitCode.interrupted;
      // The question may have stood for long.
      await refuseOnTheWay(session, cluster, made);
      await session.perform(
        applyPlanFile(
          {
            command: client.program.command,
            folder: client.folder,
            planFile: made.file,
            sha256: made.sha256,
            lockSeconds: options.lockTimeout ?? 0,
          },
          session.drayage,
        ),
      );
      await rememberState(session.config.file, client);
      const { terminal } = session;
      terminal.out.write(terminal.json ? `${JSON.stringify({ type: 'applied' })}\n` : 'Applied.\n');
      return exitCode.done;
    });
  });

/** Looks at cluster, files and state, and says what there is to say, before anything is planned. */
async function lookAndPlan(
  session: TofuSession,
  folder: string,
  options: PlanOptions,
  verb: 'plan' | 'apply',
): Promise<{ made: StackPlan; client: TofuClient; cluster: ClusterFindings }> {
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

async function refuseOnTheWay({ config }: TofuSession, cluster: ClusterFindings, made: StackPlan) {
  const error = await journeyInTheWay(config, cluster, made.judgement);
  if (error !== undefined) throw error;
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

async function confirmed(session: TofuSession, options: PlanOptions): Promise<boolean> {
  const { terminal } = session;
  if (options.yes === true) return true;
  if (!terminal.interactive)
    throw usageError('usage/no-terminal', {
      seen: 'drayage tofu apply asks before it applies',
      next: ['drayage tofu apply --yes'],
    });
  if (/^y(es)?$/i.test(await terminal.ask('Apply exactly this? [y/N] '))) return true;
  terminal.err.write('Nothing was applied.\n');
  return false;
}
