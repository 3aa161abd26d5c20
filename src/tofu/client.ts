import type { Host, RunResult } from '../ssh/host.ts';
import { tofuError } from './errors.ts';
import {
  type Diagnostic,
  diagnosticsOf,
  type PlanJson,
  parsePlanJson,
  parseStateIdentity,
  parseStateJson,
  parseValidation,
} from './plan-json.ts';

/** The program that was found. */
export interface TofuProgram {
  /** As it is called: `tofu`, `terraform`, or the path that drayage.yaml names. */
  readonly command: string;
  readonly version: string;
}

/**
 * Environment of every command. TF_CLI_ARGS could hold `-lock=false` or `-auto-approve`, and PROXMOX_VE_INSECURE turns the
 * check of the certificate off: they are taken away.
 */
export function tofuEnvironment(given: {
  /** `USER@REALM!NAME=SECRET`. */
  readonly token?: string;
  /** File with the authority, or the certificate itself. Go reads it in place of the system's bundle, not of its folder. */
  readonly certificate?: string;
}): Readonly<Record<string, string | undefined>> {
  const commands = ['', '_init', '_plan', '_apply', '_show', '_validate', '_state', '_version'];
  return {
    ...Object.fromEntries(commands.map((suffix) => [`TF_CLI_ARGS${suffix}`, undefined])),
    PROXMOX_VE_INSECURE: undefined,
    PM_VE_INSECURE: undefined,
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
    ...(given.token === undefined ? {} : { PROXMOX_VE_API_TOKEN: given.token }),
    ...(given.certificate === undefined ? {} : { SSL_CERT_FILE: given.certificate }),
  };
}

/** Seconds for commands that only look at files. */
const lookSeconds = 60;

/**
 * Finds `tofu`, else `terraform`; or the one that drayage.yaml names.
 * @throws tofu/not-found, tofu/old-binary, tofu/unreadable-output
 */
export async function findTofu(host: Host, named?: string): Promise<TofuProgram> {
  const candidates = named === undefined ? ['tofu', 'terraform'] : [named];
  for (const command of candidates) {
    const found = await host.run(['sh', '-c', 'command -v -- "$1"', 'sh', command], {
      timeoutSeconds: lookSeconds,
    });
    if (found.exitCode !== 0) continue;
    return { command, version: await versionOf(host, command) };
  }
  throw tofuError('tofu/not-found', {
    seen: `looked for ${candidates.join(', then ')}`,
    next: [
      'install OpenTofu: https://opentofu.org/docs/intro/install/',
      'or name the program as tofu.binary in drayage.yaml',
    ],
  });
}

/** Oldest minor of version 1 that knows `lifecycle` in `removed` blocks (OpenTofu #2628; Terraform 1.7). */
const oldestMinor = { OpenTofu: 10, Terraform: 7 } as const;

async function versionOf(host: Host, command: string): Promise<string> {
  // `version -json` does not tell which of the two it is.
  const result = await host.run([command, 'version'], { timeoutSeconds: lookSeconds });
  const [, product, major, minor, patch] =
    /^(OpenTofu|Terraform) v(\d+)\.(\d+)\.(\d+)/.exec(result.stdout.toString('utf8')) ?? [];
  if (result.exitCode !== 0 || product === undefined)
    throw tofuError('tofu/unreadable-output', {
      seen: `${command} version: exit code ${result.exitCode}, and no version of OpenTofu or Terraform in it`,
      next: [`${command} version`],
    });
  const version = `${major}.${minor}.${patch}`;
  const oldest = oldestMinor[product as keyof typeof oldestMinor];
  if (Number(major) === 1 && Number(minor) >= oldest) return version;
  if (Number(major) > 1)
    throw tofuError('tofu/old-binary', {
      seen: `${command} is ${product} ${version}; drayage knows major version 1`,
      meaning: 'A new major version may read files and print plans in another way.',
      next: ['name another program as tofu.binary in drayage.yaml'],
    });
  throw tofuError('tofu/old-binary', {
    seen: `${command} is ${product} ${version}`,
    next: [`install ${product} 1.${oldest} or newer`],
  });
}

/** What a plan, or an attempt at one, came to. */
export type Planned =
  | { readonly kind: 'planned'; readonly plan: PlanJson; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'not-initialised'; readonly seen: string };

/** OpenTofu in its folder. Only looks: what changes anything is an operation. */
export interface TofuClient {
  readonly program: TofuProgram;
  readonly folder: string;
  /** Whether the files are valid; not-initialised: a provider, a module or the backend is not there yet. */
  validate(): Promise<
    { readonly kind: 'valid' } | { readonly kind: 'not-initialised'; readonly seen: string }
  >;
  /** Address -> attributes of every managed resource. */
  state(): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
  /** undefined: there is no state. */
  identity(): Promise<{ readonly lineage: string; readonly serial: number } | undefined>;
  /** A backup of a local state without the state itself. */
  onlyBackup(): Promise<boolean>;
  /** `plan -out`, and what `show -json` says of that file. */
  plan(file: string, options: { lockSeconds: number; signal?: AbortSignal }): Promise<Planned>;
}

/** Summaries of diagnostics that `init` settles (internal/command; read in their sources and seen from Terraform 1.11). */
const wantsInit =
  /Missing required provider|Inconsistent dependency lock file|Required plugins are not installed|Module not installed|Module source has changed|Backend initialization required|Backend configuration changed|Initialization required|could not load schema|Failed to load plugin schemas|Unable to load provider/i;

export function openTofu(host: Host, program: TofuProgram, folder: string): TofuClient {
  const { command } = program;
  const run = (args: readonly string[], options: { signal?: AbortSignal; timeoutSeconds?: number } = {}) =>
    host.run([command, `-chdir=${folder}`, ...args], options);
  const text = (result: RunResult) => result.stdout.toString('utf8');
  const typed = (what: string) => `${command} -chdir=${folder} ${what}`;

  const showPlan = async (file: string): Promise<PlanJson> => {
    const shown = await run(['show', '-json', '-no-color', file], { timeoutSeconds: lookSeconds });
    if (shown.exitCode !== 0) throw failed(typed('show -json PLAN'), shown, []);
    return parsePlanJson(text(shown), command);
  };

  return {
    program,
    folder,
    async validate() {
      const result = await run(['validate', '-json', '-no-color'], { timeoutSeconds: lookSeconds });
      if (result.stdout.length === 0) throw failed(typed('validate'), result, []);
      const { valid, diagnostics } = parseValidation(text(result), command);
      if (valid) {
        // validate does not look at the backend.
        const pulled = await run(['state', 'pull'], { timeoutSeconds: lookSeconds });
        const why = wantsInit.exec(pulled.stderr.toString('utf8'))?.[0];
        return pulled.exitCode !== 0 && why !== undefined
          ? { kind: 'not-initialised', seen: why }
          : { kind: 'valid' };
      }
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      const missing = errors.find(({ summary }) => wantsInit.test(summary));
      if (missing !== undefined && errors.every(({ summary }) => wantsInit.test(summary)))
        return { kind: 'not-initialised', seen: missing.summary };
      throw tofuError('tofu/invalid', {
        seen: errors.map(diagnosticText).join('\n'),
        ...placeOf(errors[0]),
        next: [typed('validate')],
      });
    },
    async state() {
      const result = await run(['show', '-json', '-no-color'], { timeoutSeconds: lookSeconds });
      if (result.exitCode !== 0) throw failed(typed('show -json'), result, []);
      return new Map(parseStateJson(text(result), command).map(({ address, values }) => [address, values]));
    },
    async identity() {
      const result = await run(['state', 'pull'], { timeoutSeconds: lookSeconds });
      if (result.exitCode !== 0) throw failed(typed('state pull'), result, []);
      return parseStateIdentity(text(result), command);
    },
    async onlyBackup() {
      const script = 'cd -- "$1" && test -s terraform.tfstate.backup && ! test -e terraform.tfstate';
      return (
        (await host.run(['sh', '-c', script, 'sh', folder], { timeoutSeconds: lookSeconds })).exitCode === 0
      );
    },
    async plan(file, { lockSeconds, signal }) {
      const args = [
        'plan',
        '-input=false',
        '-no-color',
        '-json',
        `-lock-timeout=${lockSeconds}s`,
        `-out=${file}`,
      ];
      const result = await run(args, signal === undefined ? {} : { signal });
      const diagnostics = diagnosticsOf(text(result));
      if (result.exitCode === 0) return { kind: 'planned', plan: await showPlan(file), diagnostics };
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      const locked = errors.find(({ summary }) => /Error acquiring the state lock/i.test(summary));
      if (locked !== undefined) throw stateLocked(locked, command);
      const missing = errors.find(({ summary, detail }) => wantsInit.test(`${summary}\n${detail}`));
      if (missing !== undefined) return { kind: 'not-initialised', seen: missing.summary };
      if (errors.some(({ summary }) => /Instance cannot be destroyed/i.test(summary))) {
        // The plan file of a plan that ended so is there, and says what it is about; it cannot be applied.
        const plan = await showPlan(file).catch(() => undefined);
        if (plan !== undefined) return { kind: 'planned', plan, diagnostics };
      }
      throw failed(typed('plan'), result, errors);
    },
  };
}

function stateLocked({ detail }: Diagnostic, command: string) {
  const info = ['ID', 'Who', 'Operation', 'Created'].flatMap((key) => {
    const value = new RegExp(`^\\s*${key}:\\s*(\\S.*)$`, 'm').exec(detail)?.[1];
    return value === undefined ? [] : [`${key} ${value.trim()}`];
  });
  return tofuError('tofu/state-locked', {
    seen: info.length === 0 ? 'the lock names nobody' : info.join(', '),
    next: [
      'wait until that run has ended',
      'drayage tofu plan --lock-timeout 300   # waits for it',
      `only when you know that nothing runs any more: ${command} force-unlock ID`,
    ],
  });
}

function failed(what: string, result: RunResult, errors: readonly Diagnostic[]) {
  const said =
    errors.length > 0
      ? errors.map(diagnosticText).join('\n')
      : result.stderr.toString('utf8').trim().slice(-2000) || 'nothing on stderr';
  return tofuError('tofu/failed', {
    seen: `${what}: exit code ${result.exitCode}: ${said}`,
    ...placeOf(errors[0]),
    next: [what],
  });
}

/** Without the snippet, whose values may be secret. */
function diagnosticText({ summary, detail }: Diagnostic): string {
  return detail === '' ? summary : `${summary}: ${detail}`;
}

function placeOf(diagnostic: Diagnostic | undefined): { where?: string } {
  const range = diagnostic?.range;
  return range === undefined ? {} : { where: `${range.filename}:${range.start.line}:${range.start.column}` };
}
