import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterApi } from '../apply/world.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { readToken } from '../config/token.ts';
import { DrayageError } from '../errors/error.ts';
import type { ClusterFindings } from '../inspect/findings.ts';
import { type Fleet, readFleet } from '../nix/fleet.ts';
import type { Plan } from '../plan/plan.ts';
import { pinnedCertificate } from '../proxmox/certificate.ts';
import type { ProxmoxClient } from '../proxmox/client.ts';
import { proxmoxReader } from '../proxmox/reader.ts';
import type { Host } from '../ssh/host.ts';
import { controllerHost } from '../ssh/local.ts';
import { needFolder, tofuOf } from '../stack/files.ts';
import { findTofu, openTofu, type TofuClient, tofuEnvironment } from '../tofu/client.ts';
import { tofuError } from '../tofu/errors.ts';
import { clusterApi, openCluster } from './cluster.ts';
import { withInterrupt } from './interrupt.ts';
import { performPlan } from './perform-plan.ts';
import type { GlobalOptions } from './program.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { packageVersion } from './version.ts';

/** What the commands of OpenTofu need of the world. */
export interface TofuSession {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly drayage: string;
  readonly finish: AbortSignal;
  readonly stop: AbortSignal;
  /** The Proxmox VE API; opened when it is first asked for. */
  proxmox(): ProxmoxClient;
  cluster(): Promise<ClusterFindings>;
  /** undefined: drayage.yaml names no hosts.nix. */
  fleet(): Promise<Fleet | undefined>;
  /**
   * OpenTofu in its folder.
   * @param certificateFolder where a pinned certificate is put for it; absent: it talks to no API
   */
  tofu(certificateFolder?: string): Promise<TofuClient>;
  /** Performs the operations of a plan, each journalled; what is in place is left. */
  perform(plan: Plan): Promise<void>;
  say(text: string): void;
}

export async function withTofu(
  globals: GlobalOptions,
  run: (session: TofuSession) => Promise<number>,
): Promise<number> {
  const terminal = openTerminal({ color: globals.color, json: globals.json === true }, process.env);
  // A guest that is still to be made, or to be fitted in, is one of the fleet.
  const config = loadConfig(globals.file, process.env, { unmade: true });
  let client: ProxmoxClient | undefined;
  const proxmox = () => {
    client ??= openCluster(config, process.env);
    return client;
  };
  return withInterrupt(async (signals) => {
    try {
      return await run(tofuSession({ ...signals, config, terminal, proxmox }));
    } finally {
      client?.close();
    }
  });
}

export function tofuSession(parts: {
  readonly config: Config;
  readonly terminal: Terminal;
  readonly finish: AbortSignal;
  readonly stop: AbortSignal;
  readonly proxmox: () => ProxmoxClient;
}): TofuSession {
  const { config, terminal, finish, stop, proxmox } = parts;
  let environment: Readonly<Record<string, string | undefined>> = tofuEnvironment({});
  const controller = () =>
    withoutSecret(
      controllerHost('controller', environment),
      environment.PROXMOX_VE_API_TOKEN ?? process.env.PROXMOX_VE_API_TOKEN,
    );
  return {
    ...parts,
    drayage: packageVersion(),
    cluster: async () => (await proxmoxReader(proxmox()).cluster()).cluster,
    fleet: async () => (config.hosts === undefined ? undefined : await readFleet(config.hosts.file)),
    async tofu(certificateFolder) {
      const { binary, folder } = tofuOf(config);
      await needFolder(folder);
      if (certificateFolder !== undefined) environment = await withAccess(config, certificateFolder);
      return openTofu(controller(), await findTofu(controller(), binary), folder);
    },
    async perform(plan) {
      const world = {
        folder: 'tofu-runs',
        hosts: controller,
        cluster: lazily(proxmox),
        finish,
        stop,
      } as const;
      try {
        await performPlan(config, plan, world);
      } catch (error) {
        throw inItsWords(error);
      }
    },
    say: (text) => {
      if (!terminal.json) terminal.err.write(`${text}\n`);
    },
  };
}

/** What to type next after a command that failed is not what a move needs. */
function inItsWords(error: unknown): unknown {
  if (!(error instanceof DrayageError) || error.code !== 'apply/command-failed') return error;
  return tofuError('tofu/failed', {
    seen: error.seen,
    next: ['drayage tofu plan   # shows what is still to do'],
    cause: error,
  });
}

/** Nothing that a command prints may repeat the token: it would come into journals and messages. */
function withoutSecret(host: Host, token: string | undefined): Host {
  const secret = token?.split('=').slice(1).join('=');
  if (secret === undefined || secret === '') return host;
  const clean = (bytes: Buffer) =>
    bytes.includes(secret)
      ? Buffer.from(bytes.toString('latin1').replaceAll(secret, '...'), 'latin1')
      : bytes;
  return {
    name: host.name,
    async run(argv, options) {
      const { exitCode, stdout, stderr } = await host.run(argv, options);
      return { exitCode, stdout: clean(stdout), stderr: clean(stderr) };
    },
  };
}

/** Token and certificate for the provider: by environment, so that they stand in no argument and no file of the project. */
async function withAccess(config: Config, folder: string) {
  const { endpoint, fingerprint, ca } = config.cluster;
  const token = readToken(config, process.env)
    .header()
    .replace(/^PVEAPIToken=/, '');
  if (fingerprint === undefined || endpoint === undefined)
    return tofuEnvironment({ token, ...(ca === undefined ? {} : { certificate: ca }) });
  const certificate = join(folder, 'api.pem');
  await writeFile(certificate, await pinnedCertificate(endpoint, fingerprint), { mode: 0o600 });
  return tofuEnvironment({ token, certificate });
}

function lazily(proxmox: () => ProxmoxClient): ClusterApi {
  return {
    get: (path) => clusterApi(proxmox()).get(path),
    call: (method, path, params) => clusterApi(proxmox()).call(method, path, params),
    waitForTask: (upid, options) => clusterApi(proxmox()).waitForTask(upid, options),
  };
}
