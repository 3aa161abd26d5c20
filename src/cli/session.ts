import { join } from 'node:path';
import { lookingWorld } from '../apply/looking-world.ts';
import { openMarks } from '../apply/marks.ts';
import { openWorld } from '../apply/open-world.ts';
import { readRecorded } from '../apply/recorded-plans.ts';
import { type RunFolder, stateFolder } from '../apply/run-folder.ts';
import type { ClusterApi, World } from '../apply/world.ts';
import type { Config } from '../config/config.ts';
import { type LoadOptions, loadConfig } from '../config/load.ts';
import type { Findings } from '../inspect/findings.ts';
import { inspect } from '../inspect/inspect.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { withRecorded } from '../plan/recorded.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { wantedBy } from '../proxmox/permissions.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import type { Hosts } from '../ssh/host.ts';
import { openHosts } from '../ssh/hosts.ts';
import { clusterApi, openCluster } from './cluster.ts';
import { usageError } from './errors.ts';
import { type Faces, openFaces } from './faces.ts';
import { withInterrupt } from './interrupt.ts';
import type { GlobalOptions } from './program.ts';
import { whileLooking } from './progress/looking.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** Everything a command needs to look at the world that drayage.yaml names. */
export interface Session {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly hosts: Hosts;
  readonly cluster: ClusterApi;
  /** The API itself, for what only looks. */
  readonly client: ProxmoxClient;
  /** First Ctrl-C. */
  readonly finish: AbortSignal;
  /** Second Ctrl-C. */
  readonly stop: AbortSignal;
  inspect(): Promise<Findings>;
  /** The plan for what was found; a move whose window has begun is planned as it was then. */
  plan(findings: Findings): Promise<Plan>;
  /** The world of a run: operations are performed in it, and journalled. */
  world(run: RunFolder, plan: Plan, hosts?: Hosts): ReturnType<typeof openWorld>;
  /** A world in which looking is possible and changing is not. */
  looking(plan: Plan, hosts?: Hosts): Promise<World>;
  /** Talk on stderr, on a terminal only. */
  say(text: string): void;
}

/** Opens what the configuration names, runs the command, and closes every connection again, whatever happens. */
export async function withSession(
  globals: GlobalOptions,
  run: (session: Session) => Promise<number>,
  options: LoadOptions = {},
): Promise<number> {
  const terminal = openTerminal({ color: globals.color, json: globals.json === true }, process.env);
  const config = loadConfig(globals.file, process.env, options);
  const client = openCluster(config, process.env);
  const { hosts, close } = openHosts(config);
  const cluster = clusterApi(client);
  let faces: Faces | undefined;
  return withInterrupt(async ({ finish, stop }) => {
    const say = (text: string) => {
      if (terminal.err.isTTY === true && !terminal.json) terminal.err.write(`${terminal.talk.dim(text)}\n`);
    };
    try {
      return await run({
        config,
        terminal,
        hosts,
        cluster,
        client,
        finish,
        stop,
        say,
        inspect: () => {
          return whileLooking(terminal, (looking) =>
            inspect({
              config,
              hosts,
              proxmox: proxmoxReader(client, wantedBy(config)),
              now: new Date().toISOString(),
              looking,
            }),
          );
        },
        plan: async (findings) => {
          if (Object.keys(config.moves).length === 0) throw noMoves(config.file);
          const marks = (await openMarks(join(stateFolder(config.file), 'marks.json'))).get();
          const recorded = await readRecorded(config.file, marks, findings);
          return withRecorded(makePlan(config, findings, packageVersion()), recorded);
        },
        world: (run, plan, others) => {
          faces ??= openFaces(terminal, config, process.env);
          return openWorld({
            run,
            plan,
            hosts: others ?? hosts,
            cluster,
            sink: faces.sink,
            finish,
            stop,
          });
        },
        looking: async (plan, others) =>
          lookingWorld({
            hosts: others ?? hosts,
            cluster,
            planId: plan.id,
            marks: await openMarks(join(stateFolder(config.file), 'marks.json')),
            finish,
            stop,
          }),
      });
    } finally {
      client.close();
      await close();
      await faces?.close();
    }
  });
}

function noMoves(file: string) {
  return usageError('usage/no-moves', {
    seen: `${file} has no move`,
    next: [`fill in the example below \`moves\` in ${file}`],
  });
}
