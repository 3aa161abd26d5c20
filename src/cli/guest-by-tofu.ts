import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { hostsWith, isHostOf, mappingsOf, type Numbered, withoutLeftovers } from '../create/entry.ts';
import { freeNumber } from '../create/free-number.ts';
import { readNewGuestFacts } from '../create/look.ts';
import { DrayageError } from '../errors/error.ts';
import { type ExitCode, exitCode } from '../errors/exit-code.ts';
import type { ClusterFindings } from '../inspect/findings.ts';
import { type Fleet, fleetOf } from '../nix/fleet.ts';
import type { NewGuestFacts } from '../plan/guest/facts.ts';
import { makeEntry } from '../plan/guest/make-entry.ts';
import { guestNow, makeNewGuest, type NewGuest } from '../plan/guest/make-new.ts';
import type { Plan } from '../plan/plan.ts';
import { resourceName } from '../plan/tofu/names.ts';
import { vmType } from '../plan/tofu/provider.ts';
import { withPlanFolder } from '../stack/plan.ts';
import { lookAtState } from '../stack/state-record.ts';
import { tofuError } from '../tofu/errors.ts';
import { runGuestPlan } from './guest-run.ts';
import { noFindings } from './perform-plan.ts';
import type { Session } from './session.ts';
import { applyLooked, lookAndPlan, stackLook } from './tofu-run.ts';
import { type TofuSession, tofuSession } from './tofu-session.ts';
import { packageVersion } from './version.ts';

interface ByTofu {
  readonly session: Session;
  /** Path of drayage.yaml as it was given. */
  readonly file: string;
  readonly fleet: Fleet | undefined;
  readonly wanted: NewGuest;
  readonly yes: boolean;
  /** The command that goes on with it. */
  readonly again: string;
}

/**
 * Makes a guest by OpenTofu: enters it in the operator's files, has OpenTofu make it by a plan that was judged, and goes on as
 * with every other guest. Each part looks first, so that the command goes on wherever it was left.
 */
export async function newGuestByTofu(given: ByTofu): Promise<ExitCode> {
  const { session, fleet } = given;
  const before = await openTofu(given, session.config);
  const cluster = await before.cluster();
  const vmid = given.wanted.wish.vmid ?? (await freeNumber(session.client, session.config, fleet));
  const wanted: Numbered = { ...given.wanted, wish: { ...given.wanted.wish, vmid } };
  const facts = await lookForGuest(session, wanted);
  const now = guestNow(facts, wanted.wish);
  // One that was begun through the API goes on so.
  if (now?.state === 'half') return perform(given, makeNewGuest(facts, given.wanted, packageVersion()));
  if (now?.vm.running !== true) {
    const entered = await enter(
      given,
      wanted,
      facts,
      before,
      withoutLeftovers(cluster, facts, fleet, wanted),
    );
    if (entered !== 'done') return entered === 'declined' ? exitCode.done : exitCode.partial;
  }
  // What was given as options is in the files now.
  const goingOn = { ...given, again: `drayage guest new ${wanted.wish.name}` };
  if (now?.vm.running !== true) {
    const made = await whatIsLeft(goingOn, wanted, () => make(goingOn, wanted, now !== undefined));
    if (made !== 'done') return made === 'declined' ? exitCode.done : exitCode.interrupted;
  }
  return finish(goingOn, wanted);
}

/** The program, its folder and its state must be in order before anything is written. */
async function openTofu({ session, wanted }: ByTofu, config: Config): Promise<TofuSession> {
  const { client, finish, stop, terminal } = session;
  const tofu = tofuSession({ config, terminal, finish, stop, proxmox: () => client });
  try {
    await lookAtState(config.file, await tofu.tofu(), false);
  } catch (error) {
    throw withNext(error, [
      `or without OpenTofu: drayage guest new ${wanted.wish.name} --api, then drayage tofu generate, which writes an import block for it`,
    ]);
  }
  return tofu;
}

function lookForGuest(session: Session, { wish }: NewGuest): Promise<NewGuestFacts> {
  const { client, config, say, finish: signal } = session;
  return readNewGuestFacts({ client, file: config.file, wish, say, signal });
}

/** hosts.nix, drayage.yaml and the files of OpenTofu get the guest. */
async function enter(
  given: ByTofu,
  wanted: Numbered,
  facts: NewGuestFacts,
  tofu: TofuSession,
  cluster: ClusterFindings,
): Promise<'done' | 'declined' | 'interrupted'> {
  const { session, fleet, again, yes } = given;
  const { config } = session;
  const hosts = await hostsWith(fleet, wanted, facts);
  const then = {
    config: withWish(config, wanted),
    ...(hosts === undefined ? { fleet } : { fleet: await fleetOf(hosts.after) }),
  };
  const look = await stackLook(tofu, cluster, then);
  if (look.stale.length > 0) await refuseStale(given, wanted, tofu, cluster, then);
  const plan = makeEntry(
    facts,
    {
      wanted,
      ...(hosts === undefined ? {} : { hosts: hosts.file }),
      inHosts: then.fleet?.hosts.some((host) => isHostOf(host, wanted)) === true,
      files: look.stale,
      vm: look.vms.find(({ vmid }) => vmid === wanted.wish.vmid),
    },
    packageVersion(),
  );
  if (plan.steps.length === 0 && plan.blockers.length === 0) return 'done';
  const ran = await runGuestPlan(session, plan, { again, yes, findings: noFindings() });
  if (ran.ended === 'declined') return 'declined';
  return ran.exitCode === exitCode.done ? 'done' : 'interrupted';
}

/** What is stale already is not written by the way: without the guest, or before it was made, the files are those that are there. */
async function refuseStale(
  { session: { config }, fleet, again }: ByTofu,
  wanted: Numbered,
  tofu: TofuSession,
  cluster: ClusterFindings,
  then: { readonly config: Config; readonly fleet: Fleet | undefined },
): Promise<void> {
  const { name, vmid } = wanted.wish;
  const { [name]: _own, ...wishes } = config.wishes;
  const hosts = (fleet?.hosts ?? []).filter((host) => !isHostOf(host, wanted));
  const without = { config: { ...config, wishes }, fleet: fleet === undefined ? fleet : { ...fleet, hosts } };
  const { stale } = await stackLook(tofu, cluster, without);
  const unmade = { ...cluster, vms: cluster.vms.filter((vm) => vm.vmid !== vmid) };
  if (stale.length === 0 || (await stackLook(tofu, unmade, then)).stale.length === 0) return;
  throw tofuError('tofu/stale', {
    seen: `${stale.map(({ path }) => path).join(', ')}, without ${name}`,
    next: ['drayage tofu generate', 'drayage tofu plan', again],
  });
}

function withWish(config: Config, { wish }: Numbered): Config {
  return { ...config, wishes: { ...config.wishes, [wish.name]: wish } };
}

/** OpenTofu makes it. */
async function make(
  given: ByTofu,
  { wish }: Numbered,
  isThere: boolean,
): Promise<'done' | 'declined' | 'interrupted'> {
  const { session, yes, again, file } = given;
  const { terminal } = session;
  const tofu = await openTofu(given, loadConfig(file, process.env, { unmade: true }));
  return withPlanFolder(session.config.file, async (folder) => {
    const looked = await lookAndPlan(tofu, folder, {}, 'apply');
    const { changes } = looked.made.judgement;
    const own = changes.filter(({ vmid }) => vmid === wish.vmid);
    if (own.length === 0 && !isThere)
      throw tofuError('tofu/not-in-plan', {
        seen: `no change of the plan is about VM ${wish.vmid}`,
        next: ['drayage tofu generate', 'drayage tofu plan', again],
      });
    if (own.length === 0) return 'done';
    const others = changes.filter((change) => !own.includes(change) && change.kind !== 'read');
    if (others.length > 0 && (yes || !terminal.interactive))
      throw tofuError('tofu/other-changes', {
        seen: `beside ${wish.name}: ${others.map(({ address }) => address).join(', ')}`,
        next: [`drayage tofu apply   # all of it, ${wish.name} too`],
      });
    const applied = await applyLooked(tofu, looked, { yes }, again);
    return applied === 'nothing' ? 'done' : applied;
  });
}

/** What drayage sets beside OpenTofu, the start, and the guest agent. */
async function finish(given: ByTofu, wanted: Numbered): Promise<ExitCode> {
  const { session, again, fleet } = given;
  const { wish } = wanted;
  const facts = await lookForGuest(session, wanted);
  if (guestNow(facts, wish) === undefined)
    throw tofuError('tofu/not-made', {
      seen: `the cluster has no VM ${wish.vmid} with the name ${wish.vmName ?? wish.name}`,
      next: ['drayage tofu plan', `tofu state show '${vmType}.${resourceName(wish.name)}'`, again],
    });
  const made = {
    ...wanted,
    enterCreate: false,
    enterVmid: false,
    byTofu: { mappings: mappingsOf(fleet, wanted) },
  };
  return perform(given, makeNewGuest(facts, made, packageVersion()));
}

async function perform({ session, again, yes }: ByTofu, plan: Plan): Promise<ExitCode> {
  return (await runGuestPlan(session, plan, { again, yes, findings: noFindings() })).exitCode;
}

/** An error between the files and the machine also says where it was left. */
async function whatIsLeft<T>(
  { session, again }: ByTofu,
  { wish }: Numbered,
  run: () => Promise<T>,
): Promise<T> {
  const left = `The files have ${wish.name}; OpenTofu has not made it as they say. To go on: ${again}\n`;
  try {
    const ended = await run();
    if (ended !== 'done' && !session.terminal.json) session.terminal.err.write(left);
    return ended;
  } catch (error) {
    if (!session.terminal.json) session.terminal.err.write(left);
    throw withNext(error, [again]);
  }
}

function withNext(error: unknown, more: readonly string[]): unknown {
  if (!(error instanceof DrayageError)) return error;
  const { code, meaning, exit, seen, next, where } = error;
  return new DrayageError(
    code,
    { meaning, exit },
    { seen, next: [...new Set([...next, ...more])], ...(where === undefined ? {} : { where }), cause: error },
  );
}
