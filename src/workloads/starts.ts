import { posix } from 'node:path';
import { type ComposeCall, composeCall } from './compose.ts';

/** What a command of a unit starts. */
export interface Start {
  /** Program and sub-command, with the containers it names; no other words, because they may be secret. */
  readonly command: string;
  /** Names or ids of the containers; undefined: the command does not tell. */
  readonly containers?: readonly string[];
  /** It runs a compose project. */
  readonly compose?: ComposeCall;
}

const engines = /^(podman|docker)$/;
const composers = /^(podman-compose|docker-compose)$/;

/** Programs that run the rest of their words. */
const wrappers = new Set(
  'ash bash chronic chrt dash env flock ionice nice nohup runuser setpriv sh su sudo systemd-cat systemd-run timeout zsh'.split(
    ' ',
  ),
);

/** Sub-commands of podman and docker that start no container. */
const idle = new Set(
  `attach auto-update build buildx builder commit completion config context cp create diff events exec export farm
  generate healthcheck help history image images import info init inspect kill load login logout logs machine manifest
  mount network pause plugin port ps pull push quadlet rename rm rmi save search secret stats stop system tag top trust
  umount unmount unshare untag update version volume wait`.split(/\s+/),
);

/** Sub-commands of compose that start no container. */
const idleCompose = new Set(
  'attach build config convert down events exec export help images kill logs ls pause port ps pull push rm stats stop systemd top version volumes wait'.split(
    ' ',
  ),
);

/** Options before the sub-command that take the next word as their value. */
const globalValues = new Set(
  `-c -H -l -f -p --cgroup-manager --conmon --config --connection --context --env-file --events-backend --file --host
  --hooks-dir --identity --imagestore --log-level --module --namespace --network-cmd-path --network-config-dir --out
  --parallel --podman-args --podman-path --podman-run-args --profile --project-directory --project-name --root --runroot
  --runtime --runtime-flag --ssh --storage-driver --storage-opt --tlscacert --tlscert --tlskey --tmpdir --transient-store
  --url --volumepath`.split(/\s+/),
);

/** Options of `podman start` and `podman restart` that take the next word as their value. */
const startValues = new Set(
  '-f --filter -t --time --timeout --detach-keys --cidfile --checkpoint --checkpoint-dir'.split(' '),
);

/**
 * What a command of a unit starts with podman, docker or compose, also behind a shell or another wrapper.
 * @param program path of the program, as `path=` of `systemctl show` has it
 * @param words its argv; systemd prints it without quotes, so that a word with a blank is several here
 */
export function startsOf(program: string, words: readonly string[]): Start[] {
  const bare = words.map((word) => word.replace(/^["'({]+|["')};]+$/g, ''));
  const wrapped = wrappers.has(posix.basename(program));
  return bare.flatMap((word, index) => {
    const name = posix.basename(word);
    if (!engines.test(name) && !composers.test(name)) return [];
    const runs = index === 0 || /\/s?bin\/[^/]+$/.test(word) || (wrapped && name === word);
    if (!runs) return [];
    const end = words.findIndex(
      (other, at) => at > index && (/^(&&|\|\|?|;|&)$/.test(other) || words[at - 1]?.endsWith(';')),
    );
    const found = startOf(name, bare.slice(index + 1, end === -1 ? undefined : end));
    return found === undefined ? [] : [found];
  });
}

function startOf(name: string, words: readonly string[]): Start | undefined {
  const [verb, rest] = subCommand(words);
  if (composers.test(name) || verb === 'compose') {
    const [action, after] = composers.test(name) ? [verb, rest] : subCommand(rest);
    if (action !== undefined && idleCompose.has(action)) return undefined;
    return {
      command: join(composers.test(name) ? name : `${name} compose`, plain(action)),
      compose: composeCall(words.slice(0, words.length - after.length)),
    };
  }
  if (verb === 'container') return startOf(name, rest);
  if (verb === undefined || idle.has(verb)) return undefined;
  if (verb === 'start' || verb === 'restart') {
    const all = rest.some((word) => /^(-a*l|--latest|--all|-f|--filter)(=|$)/.test(word));
    const containers = operands(rest);
    return all || containers.length === 0
      ? { command: join(name, verb) }
      : { command: join(name, verb, ...containers), containers };
  }
  if (verb === 'run') {
    const at = rest.findIndex((word) => word === '--name' || word.startsWith('--name='));
    const given = rest[at]?.includes('=') ? rest[at].slice('--name='.length) : rest[at + 1];
    return at === -1 || given === undefined
      ? { command: join(name, verb) }
      : { command: join(name, verb, '--name', given), containers: [given] };
  }
  const [second] = subCommand(rest);
  if (second !== undefined && /^(ls|list|ps|inspect|rm|stop|kill|down)$/.test(second)) return undefined;
  return { command: join(name, plain(verb), plain(second)) };
}

/** The first word that is no option, and what follows it. */
function subCommand(words: readonly string[]): [string | undefined, readonly string[]] {
  let index = 0;
  while (words[index]?.startsWith('-')) index += globalValues.has(words[index] as string) ? 2 : 1;
  return [words[index], words.slice(index + 1)];
}

function operands(words: readonly string[]): string[] {
  return words.filter(
    (word, index) => word !== '' && !word.startsWith('-') && !startValues.has(words[index - 1] ?? ''),
  );
}

const shown = /^(start|restart|run|unpause|kube|play|stack|pod|service|swarm|up|deploy|create)$/;

/** A word that can be shown: one that is known. */
function plain(word: string | undefined): string | undefined {
  return word !== undefined && shown.test(word) ? word : undefined;
}

function join(...words: (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' ');
}
