import type { CreateCommand } from '../inspect/findings.ts';
import { splitArguments, type TypedOption } from './podman-options.ts';
import { hideSecrets } from './secret.ts';

/** Options that concern starting, naming or pulling: whoever makes the container again decides them anew. */
const stripped: ReadonlySet<string> = new Set([
  'authfile',
  'cert-dir',
  'creds',
  'detach',
  'detach-keys',
  'env',
  'name',
  'pull',
  'quiet',
  'replace',
  'restart',
  'retry',
  'retry-delay',
  'sig-proxy',
  'tls-verify',
]);

const networkModes = /^(bridge|none|host|private|pasta|slirp4netns)(:|$)/;

/** Why an option binds the container to something that its command does not hold; undefined: it does not. */
type Reason = (value: string, isMoved: (path: string) => boolean) => string | undefined;

const otherContainer: Reason = (value) =>
  value.startsWith('container:') ? `shares a namespace with the container ${value.slice(10)}` : undefined;

const reasons: Readonly<Record<string, Reason>> = {
  cidfile: (value) => `writes its id to ${value} for a program outside podman`,
  'conmon-pidfile': (value) => `writes a process id to ${value} for a program outside podman`,
  'env-file': (value, isMoved) =>
    isMoved(value) ? undefined : `reads its environment from ${value}, which does not move`,
  'env-host': () => 'takes the whole environment of whoever created it (--env-host)',
  'env-merge': () => 'builds its environment from the image (--env-merge)',
  'init-ctr': () => 'is an init container of a pod',
  ipc: otherContainer,
  'label-file': (value, isMoved) =>
    isMoved(value) ? undefined : `reads labels from ${value}, which does not move`,
  mount: (value) => mountReason(value),
  net: (value) => networkReason(value),
  network: (value) => networkReason(value),
  pid: otherContainer,
  pidfile: (value) => `writes a process id to ${value} for a program outside podman`,
  pod: (value) => `belongs to the pod ${value}`,
  'pod-id-file': (value) => `belongs to the pod of ${value}`,
  'preserve-fd': () => 'was given open files of whoever created it (--preserve-fd)',
  'preserve-fds': () => 'was given open files of whoever created it (--preserve-fds)',
  requires: (value) => `needs the container ${value} to be started first`,
  rm: (value) =>
    value === 'false' ? undefined : 'is removed when it stops (--rm): it could not be started again here',
  rmi: (value) => (value === 'false' ? undefined : 'its image is removed when it stops (--rmi)'),
  rootfs: (value) => (value === 'false' ? undefined : 'runs from a directory instead of an image (--rootfs)'),
  secret: (value) => `uses the podman secret ${value.split(',')[0]}, which podman keeps in its own store`,
  userns: otherContainer,
  uts: otherContainer,
  volume: (value) => volumeReason(value),
  'volumes-from': (value) => `takes over the volumes of ${value}`,
};

function networkReason(value: string): string | undefined {
  if (value.startsWith('container:')) return `shares the network of the container ${value.slice(10)}`;
  if (value.startsWith('ns:')) return `joins the network namespace ${value.slice(3)}`;
  return networkModes.test(value) ? undefined : `is connected to the podman network ${value.split(':')[0]}`;
}

function volumeReason(value: string): string | undefined {
  const [source, ...rest] = value.split(':');
  if (rest.length === 0) return `keeps data in an unnamed podman volume at ${value}`;
  return source?.startsWith('/')
    ? undefined
    : `keeps data in the podman volume ${source}, or in a path relative to where it was created`;
}

function mountReason(value: string): string | undefined {
  const fields = new Map(value.split(',').map((field) => splitOnce(field, '=')));
  const type = fields.get('type') ?? 'volume';
  const source = fields.get('source') ?? fields.get('src');
  if (type === 'bind') {
    return source?.startsWith('/')
      ? undefined
      : `binds ${source ?? 'an unnamed path'}, relative to where it was created`;
  }
  if (type === 'tmpfs' || type === 'ramfs' || type === 'devpts') return undefined;
  return `mounts ${source ?? 'something'} as ${type}`;
}

/** `a=b=c` -> `a` and `b=c`; without the separator the second part is empty. */
export function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** What is known of the container beside its command. */
export interface CreateContext {
  /** Name of its image, from inspection: used where the command does not show it. */
  readonly image: string;
  /** Source paths that move: a file below one of them is there on the target too. */
  readonly movedPaths: readonly string[];
}

/**
 * Takes `Config.CreateCommand` of `podman inspect` apart. Values of environment variables, and of what looks like a
 * secret, do not come out of here.
 * @param argv `podman [global options] [container] run|create options IMAGE command`.
 */
export function parseCreateCommand(argv: readonly string[], context: CreateContext): CreateCommand {
  const verb = argv.findIndex((word, index) => index > 0 && (word === 'run' || word === 'create'));
  const before = argv.slice(1, verb === -1 ? undefined : verb).filter((word) => word !== 'container');
  if (verb === -1 || before.length > 0) {
    return nothingKnown(
      context,
      verb === -1
        ? 'was not made by podman run or create'
        : `was made with podman's own option ${before[0]?.split('=')[0]}`,
    );
  }
  const { options, rest } = splitArguments(argv.slice(verb + 1));
  const unknown = options.find((option) => option.name === undefined);
  if (unknown !== undefined) {
    return nothingKnown(
      context,
      `was made with ${unknown.typed[0]?.split('=')[0]}, an option that drayage does not know`,
    );
  }
  const [image, ...command] = rest;
  if (image === undefined) return nothingKnown(context, 'its command names no image');
  return assemble(options, image, command, context);
}

function assemble(
  options: readonly TypedOption[],
  image: string,
  command: readonly string[],
  context: CreateContext,
): CreateCommand {
  const isMoved = (path: string) => context.movedPaths.some((moved) => path.startsWith(`${moved}/`));
  const kept = options.filter((option) => !stripped.has(option.name as string));
  const environment = options
    .filter((option) => option.name === 'env')
    .map((option) => (option.value ?? '').split('=', 1)[0] as string);
  const why = kept.flatMap((option) => reasons[option.name as string]?.(option.value ?? '', isMoved) ?? []);
  if (environment.some((name) => name.endsWith('*')))
    why.push('takes variables of whoever created it (--env NAME*)');

  const shownOptions = kept.map((option) => hideSecrets(option.typed));
  const shownCommand = hideSecrets(command);
  const secrets = [...shownOptions.flatMap((shown) => shown.found), ...shownCommand.found];
  if (secrets.length > 0)
    why.push(`holds what looks like a secret in its command (${[...new Set(secrets)].join(', ')})`);
  return {
    options: shownOptions.flatMap((shown) => shown.args),
    image,
    command: shownCommand.args,
    environment: [...new Set(environment)],
    ...(why.length > 0 ? { cannotCarry: why.join('; ') } : {}),
  };
}

function nothingKnown(context: CreateContext, cannotCarry: string): CreateCommand {
  return { options: [], image: context.image, command: [], environment: [], cannotCarry };
}
