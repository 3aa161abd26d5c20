import { userControl } from '../guest/drop-in.ts';
import { type Answer, probe } from '../guest/probe.ts';
import type { GuestUser, SystemFacts } from '../guest/system.ts';
import type { Host } from '../ssh/host.ts';
import { asUser } from '../workloads/as-user.ts';
import { parseDockerInspect } from '../workloads/docker.ts';
import { graphRootOf, optional, parsePodmanImages, parsePodmanInspect } from '../workloads/podman.ts';
import { isQuadlet, parseQuadlet, systemQuadletFolders, userQuadletFolders } from '../workloads/quadlet.ts';
import { parseShow, type ShownUnit, showUnits } from '../workloads/systemd.ts';
import { asleep, asleepQuestions } from './asleep.ts';
import { readBindSources } from './bind-sources.ts';
import type { ContainerFindings, GuestSystem, ImageStore, NotSeen } from './findings.ts';
import { readUnits } from './guest-units.ts';
import { ownedByKube, readKube } from './kube-files.ts';
import { readRealPaths } from './real-paths.ts';
import { cronFilesArgv, readScriptStarters } from './scripts.ts';
import { ownedByStart, readStarters } from './starters.ts';

/** What runs on a guest. */
export type GuestWorkloads = Pick<
  GuestSystem,
  'stores' | 'containers' | 'units' | 'timers' | 'podmanRestart' | 'images' | 'startsContainers' | 'fences'
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

/** What the moves want to know of a guest. */
export interface WorkloadsQuestion {
  /** Source paths that concern this guest: units are reported when they use one of them. */
  readonly movedPaths: readonly string[];
  /** Units that the configuration names. */
  readonly alsoUnits: readonly string[];
  /** Data of this guest moves: what a user has that does not run now, and could, matters too. */
  readonly isSource: boolean;
}

/**
 * Reads containers, units and timers of root and of every user, in a few calls: lists first, then the details of what
 * was listed, then where its paths really lie. What a manager does not tell is named in `notSeen`.
 */
export async function readWorkloads(
  host: Host,
  facts: SystemFacts,
  { movedPaths, alsoUnits, isSource }: WorkloadsQuestion,
): Promise<GuestWorkloads> {
  const notSeen: NotSeen[] = [];
  const managers = managersOf(facts);
  const first: Readonly<Record<string, Answer>> = await probe<string>(host, {
    ...Object.fromEntries(managers.flatMap((manager) => questions(manager, facts))),
    fences: fencesArgv(facts.users.map((user) => userControl(user.home))),
    ...(isSource ? { cron: cronFilesArgv } : {}),
  });
  const answered = managers.map((manager) => readAnswers(host, manager, first, notSeen));
  if (isSource) notSeen.push(...managers.flatMap((manager) => asleep(host, manager, first)));
  const dockerIds = readDockerIds(host, facts, first, answered, notSeen);

  const details: Readonly<Record<string, Answer>> = await probe<string>(host, {
    ...Object.fromEntries(
      answered.flatMap((manager) => [
        ...inspectQuestion(manager),
        ...manager.quadletFiles.map((file) => [`cat:${file}`, ['cat', file]] as const),
      ]),
    ),
    ...(dockerIds.length > 0 ? { docker: ['docker', 'container', 'inspect', ...dockerIds] } : {}),
  });
  const inspected: ContainerFindings[] = answered.flatMap((manager) => {
    const answer = details[keyOf(manager, 'inspect')];
    if (answer === undefined) return [];
    // A container that went away between the two calls makes podman fail and still print the others.
    if (answer.exitCode !== 0 && answer.stdout.trim() === '') {
      notSeen.push(unseen(host, manager, 'podman containers', answer, 'podman container inspect'));
      return [];
    }
    return parsePodmanInspect(answer.stdout, { ...optional('user', manager.user?.name), movedPaths });
  });
  if (details.docker !== undefined) {
    if (details.docker.stdout.trim() === '')
      notSeen.push(unseen(host, root, 'docker containers', details.docker, 'docker container inspect'));
    else inspected.push(...parseDockerInspect(details.docker.stdout));
  }
  const definitions = new Map<string, string>();
  for (const manager of answered) {
    for (const file of manager.quadletFiles) {
      const answer = details[`cat:${file}`];
      if (answer?.exitCode === 0) definitions.set(file, answer.stdout);
      else if (answer !== undefined)
        notSeen.push(unseen(host, manager, `quadlet ${file}`, answer, `cat ${file}`));
    }
  }

  const kube = await readKube(host, answered, definitions, movedPaths, notSeen);
  const { containers: bound, notSeen: unseenVolumes } = await readBindSources(host, {
    containers: inspected,
    managers: answered,
    inspect: (manager) => details[keyOf(manager, 'inspect')]?.stdout ?? '',
    docker: details.docker?.stdout ?? '',
    movedPaths,
    mounts: facts.mounts,
  });
  notSeen.push(...unseenVolumes);
  const containers = ownedByStart(ownedByKube(bound, kube.owners), answered);
  const realPaths = await readRealPaths(
    host,
    [
      ...answered.flatMap((manager) => unitPaths(manager, definitions, movedPaths)),
      ...[...kube.files.values()].flatMap(({ paths }) => paths),
    ],
    facts.mounts,
  );
  const units = await readUnits({
    host,
    managers: answered,
    definitions,
    containers,
    kube: kube.files,
    movedPaths,
    alsoUnits,
    realPaths,
  });
  const startsContainers = [
    ...readStarters({ managers: answered, containers, units, alsoUnits }),
    ...(isSource
      ? await readScriptStarters(host, {
          managers: answered,
          containers,
          units,
          movedPaths,
          cronFiles: (first.cron?.stdout ?? '').split('\n').filter(Boolean),
        })
      : []),
  ];
  const fences = (first.fences?.stdout ?? '').split('\n').filter(Boolean).sort();
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
    ...(startsContainers.length > 0 ? { startsContainers } : {}),
    ...(fences.length > 0 ? { fences } : {}),
    notSeen,
  };
}

const root: Manager = { answers: true, store: false };

/** drayage's fences, wherever `dropInFolder` puts them; -H, because on NixOS the first folder is a link. */
const fencesArgv = (ofUsers: readonly string[]): string[] => [
  'find',
  '-H',
  '/etc/systemd/system',
  '/etc/systemd/system.control',
  '/etc/systemd/user',
  ...ofUsers,
  '-mindepth',
  '2',
  '-maxdepth',
  '2',
  '-name',
  '50-drayage-fence.conf',
  '-printf',
  '%p\\n',
];

/** Paths that quadlets and services name, except where only programs and the kernel's files lie. */
function unitPaths(
  manager: ManagerAnswers,
  definitions: ReadonlyMap<string, string>,
  movedPaths: readonly string[],
): string[] {
  const quadlets = manager.quadletFiles.flatMap((file) => {
    const text = definitions.get(file);
    return text === undefined ? [] : parseQuadlet(text, quadletContext(manager, file, movedPaths)).paths;
  });
  const services = manager.shown.flatMap((unit) => unit.paths);
  return [...quadlets, ...services].filter(
    (path) => !/^\/((usr|bin|s?bin|lib|lib64|nix|proc|sys|dev|run)(\/|$)|$)/.test(path),
  );
}

/** Whose quadlet a file is. */
export function quadletContext(manager: Manager, file: string, movedPaths: readonly string[]) {
  return { file, home: manager.user?.home ?? '/root', uid: manager.user?.uid ?? 0, movedPaths };
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

/** Key of a manager's answer in a probe. */
export function keyOf(manager: Manager, question: string): string {
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
  asked.push(...asleepQuestions(manager));
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
  const quadlets = get('quadlets');
  const complaint = (quadlets?.stderr ?? '')
    .split('\n')
    .find((line) => line !== '' && !/(No such file or directory|Not a directory)$/.test(line));
  if (quadlets !== undefined && complaint !== undefined)
    notSeen.push(unseen(host, manager, 'quadlets', { ...quadlets, stderr: complaint }, 'find'));
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
  managers: readonly ManagerAnswers[],
  notSeen: NotSeen[],
): string[] {
  const answer = answers['docker-ps'];
  if (facts.dockerVersion === undefined || answer === undefined) return [];
  if (answer.exitCode === 0) return answer.stdout.split('\n').filter(Boolean);
  // The daemon does not run and nothing starts it: then nothing of it runs either.
  const daemon = managers[0]?.shown.find((unit) => unit.id === 'docker.service');
  const off =
    daemon === undefined ||
    (!daemon.active && !daemon.unitFileState.startsWith('enabled') && daemon.triggeredBy.length === 0);
  if (off && /Cannot connect to the Docker daemon/.test(answer.stderr)) return [];
  notSeen.push(unseen(host, root, 'docker containers', answer, 'docker ps'));
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
