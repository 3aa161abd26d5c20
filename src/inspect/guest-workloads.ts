import { type Answer, probe } from '../guest/probe.ts';
import type { GuestUser, SystemFacts } from '../guest/system.ts';
import type { Host } from '../ssh/host.ts';
import { asUser } from '../workloads/as-user.ts';
import { parseDockerInspect } from '../workloads/docker.ts';
import { graphRootOf, optional, parsePodmanImages, parsePodmanInspect } from '../workloads/podman.ts';
import { isQuadlet, systemQuadletFolders, userQuadletFolders } from '../workloads/quadlet.ts';
import { parseShow, type ShownUnit, showUnits } from '../workloads/systemd.ts';
import type { ContainerFindings, GuestSystem, ImageStore, NotSeen } from './findings.ts';
import { readUnits } from './guest-units.ts';

/** What runs on a guest. */
export type GuestWorkloads = Pick<
  GuestSystem,
  'stores' | 'containers' | 'units' | 'timers' | 'podmanRestart' | 'images'
> & { readonly notSeen: readonly NotSeen[] };

/** One manager of units and containers: root's, or one user's. */
export interface Manager {
  /** undefined: root. */
  readonly user?: GuestUser;
  /** It can be asked: it is the system's, or the user's manager runs. */
  readonly answers: boolean;
  /** It has an image store. */
  readonly store: boolean;
}

/** What the guest's managers said at first, by manager. */
export interface ManagerAnswers extends Manager {
  readonly shown: readonly ShownUnit[];
  readonly quadletFiles: readonly string[];
  readonly containerIds: readonly string[];
  readonly images: GuestSystem['images'];
}

/** The command as the manager's user runs it. */
export function asManager(manager: Manager, argv: readonly string[]): readonly string[] {
  return manager.user === undefined ? argv : asUser(manager.user, argv);
}

/**
 * Reads containers, units and timers of root and of every user, in two calls: lists first, then the details of what was
 * listed. What a manager does not tell is named in `notSeen`.
 * @param movedPaths source paths that concern this guest: units are reported when they use one of them.
 * @param alsoUnits units that the configuration names.
 */
export async function readWorkloads(
  host: Host,
  facts: SystemFacts,
  movedPaths: readonly string[],
  alsoUnits: readonly string[],
): Promise<GuestWorkloads> {
  const notSeen: NotSeen[] = [];
  const managers = managersOf(facts);
  const first = await probe(
    host,
    Object.fromEntries(managers.flatMap((manager) => questions(manager, facts))),
  );
  const answered = managers.map((manager) => readAnswers(host, manager, first, notSeen));
  const dockerIds = readDockerIds(host, facts, first, notSeen);

  const details: Readonly<Record<string, Answer>> = await probe<string>(host, {
    ...Object.fromEntries(
      answered.flatMap((manager) => [
        ...inspectQuestion(manager),
        ...manager.quadletFiles.map((file) => [`cat:${file}`, ['cat', file]] as const),
      ]),
    ),
    ...(dockerIds.length > 0 ? { docker: ['docker', 'container', 'inspect', ...dockerIds] } : {}),
  });
  const containers: ContainerFindings[] = answered.flatMap((manager) => {
    const answer = details[keyOf(manager, 'inspect')];
    if (answer === undefined) return [];
    // A container that went away between the two calls makes podman fail and still print the others.
    if (answer.exitCode !== 0 && answer.stdout.trim() === '') {
      notSeen.push(unseen(host, manager, 'podman containers', answer, 'podman container inspect'));
      return [];
    }
    return parsePodmanInspect(answer.stdout, { ...optional('user', manager.user?.name), movedPaths });
  });
  if (details.docker !== undefined) containers.push(...parseDockerInspect(details.docker.stdout));

  const definitions = new Map(
    Object.entries(details).flatMap(([key, answer]) =>
      key.startsWith('cat:') && answer.exitCode === 0 ? [[key.slice(4), answer.stdout] as const] : [],
    ),
  );
  const units = await readUnits({
    host,
    managers: answered,
    definitions,
    containers,
    movedPaths,
    alsoUnits,
    notSeen,
  });
  return {
    stores: answered.flatMap((manager): ImageStore[] => {
      const inspected = details[keyOf(manager, 'inspect')]?.stdout ?? '';
      const told = inspected.trim() === '' ? undefined : graphRootOf(inspected);
      const graphRoot = told ?? (manager.user === undefined ? facts.rootStore : manager.user.storePath);
      return graphRoot === undefined ? [] : [{ ...optional('user', manager.user?.name), graphRoot }];
    }),
    containers,
    units,
    timers: answered.flatMap(containerTimers),
    podmanRestart:
      answered[0]?.shown.find((unit) => unit.id === 'podman-restart.service')?.unitFileState === 'enabled',
    images: answered.flatMap((manager) => manager.images),
    notSeen,
  };
}

function managersOf(facts: SystemFacts): Manager[] {
  return [
    { answers: true, store: facts.rootStore !== undefined && facts.podmanVersion !== undefined },
    ...facts.users.map((user) => ({
      user,
      answers: user.managerRuns,
      store: user.storePath !== undefined && facts.podmanVersion !== undefined,
    })),
  ];
}

function keyOf(manager: Manager, question: string): string {
  return `${question}:${manager.user?.name ?? ''}`;
}

function questions(manager: Manager, facts: SystemFacts): (readonly [string, readonly string[]])[] {
  const folders = manager.user === undefined ? systemQuadletFolders : userQuadletFolders(manager.user);
  const asked: (readonly [string, readonly string[]])[] = [
    [keyOf(manager, 'quadlets'), ['find', '-L', ...folders, '-type', 'f', '-printf', '%p\\n']],
  ];
  if (manager.answers) {
    const scope = manager.user === undefined ? 'system' : 'user';
    asked.push([keyOf(manager, 'show'), asManager(manager, showUnits(['*.service', '*.timer'], scope))]);
  }
  if (manager.answers && manager.store) {
    const podman = (...words: string[]) => asManager(manager, ['podman', ...words]);
    asked.push(
      [keyOf(manager, 'ps'), podman('ps', '--all', '--quiet', '--no-trunc')],
      [keyOf(manager, 'images'), podman('images', '--format', 'json')],
    );
  }
  if (manager.user === undefined && facts.dockerVersion !== undefined) {
    asked.push(['docker-ps', ['docker', 'ps', '--all', '--quiet', '--no-trunc']]);
  }
  return asked;
}

function inspectQuestion(manager: ManagerAnswers): (readonly [string, readonly string[]])[] {
  if (manager.containerIds.length === 0) return [];
  const argv = ['podman', 'container', 'inspect', ...manager.containerIds];
  return [[keyOf(manager, 'inspect'), asManager(manager, argv)]];
}

function readAnswers(
  host: Host,
  manager: Manager,
  answers: Readonly<Record<string, Answer>>,
  notSeen: NotSeen[],
): ManagerAnswers {
  const get = (question: string): Answer | undefined => answers[keyOf(manager, question)];
  const take = (question: string, what: string, next: string): string => {
    const answer = get(question);
    if (answer === undefined) return '';
    if (answer.exitCode === 0) return answer.stdout;
    notSeen.push(unseen(host, manager, what, answer, next));
    return '';
  };
  if (!manager.answers && manager.user !== undefined && (manager.store || manager.user.linger)) {
    notSeen.push({
      subject: `guest ${host.name}`,
      what: `containers and units of user ${manager.user.name}`,
      seen: `/run/user/${manager.user.uid} has no systemd: the user's manager does not run, so nothing of it runs either`,
      next: `loginctl enable-linger ${manager.user.name}   # on ${host.name}, if it should run`,
    });
  }
  const imagesText = take('images', 'images', 'podman images');
  return {
    ...manager,
    shown: parseShow(take('show', 'systemd units', 'systemctl show')),
    quadletFiles: ownQuadlets(manager, (get('quadlets')?.stdout ?? '').split('\n')),
    containerIds: take('ps', 'podman containers', 'podman ps --all').split('\n').filter(Boolean),
    images: parsePodmanImages(imagesText, manager.user?.name),
  };
}

/** The users' folders lie inside the system's; podman's generator keeps them apart, and so does this. */
function ownQuadlets(manager: Manager, files: readonly string[]): string[] {
  const users = '/etc/containers/systemd/users/';
  return files.filter((file) => {
    if (!isQuadlet(file)) return false;
    if (!file.startsWith(users)) return true;
    if (manager.user === undefined) return false;
    const rest = file.slice(users.length).split('/');
    return rest.length === 1 || rest[0] === String(manager.user.uid);
  });
}

function readDockerIds(
  host: Host,
  facts: SystemFacts,
  answers: Readonly<Record<string, Answer>>,
  notSeen: NotSeen[],
): string[] {
  const answer = answers['docker-ps'];
  if (facts.dockerVersion === undefined || answer === undefined) return [];
  if (answer.exitCode === 0) return answer.stdout.split('\n').filter(Boolean);
  notSeen.push(unseen(host, { answers: true, store: false }, 'docker containers', answer, 'docker ps'));
  return [];
}

/** Timers that start something with podman or docker in its command, and podman's own. */
function containerTimers(manager: ManagerAnswers): GuestSystem['timers'] {
  const busy = new Set(
    manager.shown
      .filter((unit) => unit.programs.some((program) => /\/(podman|docker|podman-compose)$/.test(program)))
      .flatMap((unit) => unit.triggeredBy),
  );
  return manager.shown
    .filter((unit) => unit.id.endsWith('.timer') && (busy.has(unit.id) || unit.id.startsWith('podman-')))
    .map((unit) => ({
      unit: unit.id,
      enabled: unit.active || unit.unitFileState === 'enabled',
      ...optional('user', manager.user?.name),
    }));
}

function unseen(host: Host, manager: Manager, what: string, answer: Answer, next: string): NotSeen {
  const whose = manager.user === undefined ? '' : ` of user ${manager.user.name}`;
  return {
    subject: `guest ${host.name}`,
    what: `${what}${whose}`,
    seen: answer.stderr.split('\n')[0] || `exit code ${answer.exitCode}`,
    next: `${next}   # as ${manager.user?.name ?? 'root'} on ${host.name}; drayage needs root there: ssh as root, or sudo: true`,
  };
}
