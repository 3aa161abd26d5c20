/**
 * An executable that answers as OpenTofu does, from a scenario: what it prints was seen from Terraform 1.11.4. It has no
 * provider and no network, and stands for the real one only where drayage's own conduct is tested.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Problem {
  readonly summary: string;
  readonly detail?: string;
}

export interface Scenario {
  /** First line of `version`. */
  readonly version?: string;
  /** `init` has been run. */
  readonly initialised?: boolean;
  /** Errors of `validate`. */
  readonly invalid?: readonly Problem[];
  /** What `show -json` prints of a plan. */
  readonly plan?: string;
  /** Errors of `plan`. */
  readonly planErrors?: readonly Problem[];
  /** Addresses that the state has after an apply, with their attributes. */
  readonly resources?: Readonly<Record<string, Record<string, unknown>>>;
  /** What a failing `apply` says; it repeats the token. */
  readonly applyFails?: string;
  /** What an `apply` does in the cluster: a shell script. The token and the certificate are in its environment. */
  readonly applyRuns?: string;
}

export interface Call {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What SSL_CERT_FILE names. */
  readonly certificate?: string;
}

export interface StandIn {
  /** Goes before PATH. */
  readonly bin: string;
  set(scenario: Scenario): void;
  calls(): Call[];
  /** The subcommands that were called, without `version`. */
  verbs(): string[];
}

/** A shell, because a Node.js for each call would take most of a test's time. */
const program = (folder: string) => `#!/bin/sh
set -u
answers='${folder}/answers'
calls='${folder}/calls'
call="$calls/$(ls "$calls" | wc -l | awk '{ printf "%06d", $1 }')"
mkdir "$call"
printf '%s\\0' "$@" >"$call/args"
env -0 >"$call/env"
[ -z "\${SSL_CERT_FILE:-}" ] || cp "$SSL_CERT_FILE" "$call/certificate"
out= verb= last=
for arg; do
  case $arg in
    -chdir=*) cd "\${arg#-chdir=}" || exit 1 ;;
    -out=*) out=\${arg#-out=} ;;
    -*) ;;
    *) [ -n "$verb" ] || verb=$arg; last=$arg ;;
  esac
done
case $verb in
  version) cat "$answers/version" ;;
  validate)
    if [ -e "$answers/uninitialised" ] && ! [ -e .terraform ]; then cat "$answers/uninitialised"; exit 1; fi
    cat "$answers/validate"
    exit "$(cat "$answers/validate-exit")"
    ;;
  init) mkdir -p .terraform ;;
  state) [ ! -e terraform.tfstate ] || cat terraform.tfstate ;;
  show)
    if [ "$last" != show ]; then cat "$last"
    elif [ -e terraform.tfstate ]; then cat "$answers/state"
    else echo '{"format_version":"1.0"}'; fi
    ;;
  plan)
    cat "$answers/plan-output"
    [ ! -e "$answers/plan" ] || cp "$answers/plan" "$out" || exit 1
    exit "$(cat "$answers/plan-exit")"
    ;;
  apply)
    [ -e "$last" ] || { echo "no plan file $last" >&2; exit 1; }
    if [ -e "$answers/apply-fails" ]; then
      echo "$(cat "$answers/apply-fails") $PROXMOX_VE_API_TOKEN" >&2
      exit 1
    fi
    [ ! -e "$answers/apply-runs" ] || sh -eu "$answers/apply-runs" >&2 || exit 1
    serial=0
    [ ! -e terraform.tfstate ] || serial=$(sed 's/.*"serial":\\([0-9]*\\).*/\\1/' terraform.tfstate)
    printf '{"version":4,"lineage":"a-lineage","serial":%d}' $((serial + 1)) >terraform.tfstate
    ;;
  *) echo "the stand-in does not know $*" >&2; exit 1 ;;
esac
`;

const error = (one: Problem) => ({ severity: 'error', detail: '', ...one });
const validation = (problems: readonly Problem[]) =>
  JSON.stringify({ format_version: '1.0', valid: problems.length === 0, diagnostics: problems.map(error) });

/** Puts a program of that name into a folder. */
export function standInTofu(folder: string, name = 'tofu'): StandIn {
  const [bin, answers, record] = ['bin', 'answers', 'calls'].map((one) => join(folder, one)) as [
    string,
    string,
    string,
  ];
  for (const one of [bin, record]) mkdirSync(one, { recursive: true });
  writeFileSync(join(bin, name), program(folder));
  chmodSync(join(bin, name), 0o755);
  const calls = () =>
    readdirSync(record)
      .sort()
      .map((number) => callOf(join(record, number)));
  return {
    bin,
    set(scenario) {
      const files = answersOf(scenario);
      rmSync(answers, { recursive: true, force: true });
      mkdirSync(answers);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(answers, file), text);
    },
    calls,
    verbs: () =>
      calls()
        .map(({ args }) => args.find((arg) => !arg.startsWith('-')) ?? '')
        .filter((verb) => verb !== 'version'),
  };
}

function answersOf(scenario: Scenario): Record<string, string> {
  const { invalid = [], planErrors = [] } = scenario;
  const resources = Object.entries(scenario.resources ?? {}).map(([address, values]) => {
    return { address, mode: 'managed', type: address.split('.')[0], values };
  });
  return {
    version: `${scenario.version ?? 'OpenTofu v1.12.6'}\non linux_amd64\n`,
    validate: validation(invalid),
    'validate-exit': invalid.length === 0 ? '0' : '1',
    ...(scenario.initialised === false
      ? { uninitialised: validation([{ summary: 'Missing required provider' }]) }
      : {}),
    state: JSON.stringify({ format_version: '1.0', values: { root_module: { resources } } }),
    'plan-output': planErrors
      .map((one) => `${JSON.stringify({ '@level': 'error', type: 'diagnostic', diagnostic: error(one) })}\n`)
      .join(''),
    'plan-exit': planErrors.length === 0 ? '0' : '1',
    ...(scenario.plan === undefined ? {} : { plan: scenario.plan }),
    ...(scenario.applyRuns === undefined ? {} : { 'apply-runs': scenario.applyRuns }),
    ...(scenario.applyFails === undefined ? {} : { 'apply-fails': scenario.applyFails }),
  };
}

function callOf(folder: string): Call {
  const words = (file: string) => readFileSync(join(folder, file), 'utf8').split('\0').slice(0, -1);
  const certificate = join(folder, 'certificate');
  return {
    args: words('args'),
    env: Object.fromEntries(
      words('env').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
    ...(existsSync(certificate) ? { certificate: readFileSync(certificate, 'utf8') } : {}),
  };
}
