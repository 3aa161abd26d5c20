import { posix } from 'node:path';
import { type Answer, probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import type { KubeFile } from '../workloads/kube.ts';
import { optional } from '../workloads/podman.ts';
import { parseQuadlet, type Quadlet } from '../workloads/quadlet.ts';
import type { Start } from '../workloads/starts.ts';
import type { ShownUnit } from '../workloads/systemd.ts';
import type { ContainerFindings, UnitFindings } from './findings.ts';
import { type ManagerAnswers, quadletContext } from './guest-workloads.ts';
import { isBelow, touches, withRealPaths } from './real-paths.ts';
import { startedContainers, startsUnknown } from './starters.ts';

interface UnitsQuestion {
  readonly host: Host;
  readonly managers: readonly ManagerAnswers[];
  /** Texts of quadlets, by file. */
  readonly definitions: ReadonlyMap<string, string>;
  readonly containers: readonly ContainerFindings[];
  /** What Kubernetes files say, by the quadlet that plays them. */
  readonly kube: ReadonlyMap<string, KubeFile>;
  readonly movedPaths: readonly string[];
  readonly alsoUnits: readonly string[];
  /** Real places of paths that units name. */
  readonly realPaths: ReadonlyMap<string, string>;
}

/** A unit before its own files are read. */
interface Candidate {
  readonly manager: ManagerAnswers;
  readonly name: string;
  readonly shown?: ShownUnit;
  readonly quadlet?: Quadlet;
  readonly sourcePath: string;
  readonly paths: readonly string[];
}

/** Reads the units that use a source path, that own a container which does, or that the configuration names. */
export async function readUnits(question: UnitsQuestion): Promise<UnitFindings[]> {
  const candidates = question.managers.flatMap((manager) => [
    ...quadletCandidates(question, manager),
    ...serviceCandidates(question, manager),
  ]);
  const timerOf = (candidate: Candidate, name: string) =>
    candidate.manager.shown.find((unit) => unit.id === name);
  const files = candidates.flatMap((candidate) => [
    ...(candidate.quadlet === undefined ? [candidate.sourcePath] : []),
    ...timersOf(candidate).flatMap((name) => timerOf(candidate, name)?.fragmentPath ?? []),
  ]);
  const wanted = [...new Set(files)].filter((file) => file.startsWith('/'));
  const digested = new Set([...wanted, ...candidates.map((candidate) => candidate.sourcePath)]);
  const read: Readonly<Record<string, Answer>> = await probe(
    question.host,
    Object.fromEntries([
      ...wanted.map((file) => [`cat:${file}`, ['cat', file]] as const),
      ...[...digested]
        .filter((file) => file.startsWith('/'))
        .map((file) => [`sum:${file}`, ['sha256sum', '--', file]] as const),
    ]),
  );
  const textOf = (file: string): string | undefined => {
    const answer = read[`cat:${file}`];
    return question.definitions.get(file) ?? (answer?.exitCode === 0 ? answer.stdout : undefined);
  };
  // sha256sum begins the line with a backslash where the file's name needed escaping.
  const digestOf = (file: string): string =>
    /^\\?([0-9a-f]{64}) /.exec(read[`sum:${file}`]?.stdout ?? '')?.[1] ?? '';

  return candidates.map((candidate) => {
    const text = textOf(candidate.sourcePath);
    const owned = ownedContainers(question, candidate);
    const cannotCarry = carryReasons(question, candidate, text).join('; ');
    const image = owned[0]?.image ?? imageName(candidate);
    return {
      name: candidate.name,
      ...optional('user', candidate.manager.user?.name),
      active: candidate.shown?.active ?? false,
      unitFileState:
        candidate.shown?.unitFileState || (candidate.quadlet === undefined ? 'unknown' : 'generated'),
      sourcePath: candidate.sourcePath,
      quadlet: candidate.quadlet !== undefined,
      sha256: digestOf(candidate.sourcePath),
      paths: [...new Set([...candidate.paths, ...owned.flatMap((container) => container.bindSources)])],
      ...optional('image', image),
      triggeredBy: candidate.shown?.triggeredBy ?? [],
      startsAtBoot: candidate.quadlet?.startsAtBoot ?? candidate.shown?.startsAtBoot ?? false,
      timers: timersOf(candidate).map((name) => {
        const timer = timerOf(candidate, name);
        const sourcePath = timer?.fragmentPath ?? '';
        return {
          name,
          active: timer?.active ?? false,
          enabled: timer?.unitFileState === 'enabled',
          sourcePath,
          sha256: digestOf(sourcePath),
        };
      }),
      ...optional('cannotCarry', cannotCarry),
    };
  });
}

function timersOf(candidate: Candidate): string[] {
  return (candidate.shown?.triggeredBy ?? []).filter((name) => name.endsWith('.timer'));
}

/** Quadlets are found by their files, so that one which is masked, or failed to generate, is seen too. */
function quadletCandidates(question: UnitsQuestion, manager: ManagerAnswers): Candidate[] {
  return manager.quadletFiles.flatMap((file) => {
    const text = question.definitions.get(file);
    if (text === undefined) return [];
    const quadlet = parseQuadlet(text, quadletContext(manager, file, question.movedPaths));
    const shown = manager.shown.find((unit) => unit.id === quadlet.unit);
    const candidate: Candidate = {
      manager,
      name: quadlet.unit,
      ...optional('shown', shown),
      quadlet,
      sourcePath: file,
      paths: withRealPaths(
        [
          ...quadlet.paths,
          ...volumePaths(question, manager, quadlet),
          ...(question.kube.get(file)?.paths ?? []),
        ],
        question.realPaths,
        question.movedPaths,
      ),
    };
    const uses = candidate.paths.some((path) => touches(path, question.movedPaths));
    return uses || ownsWorkload(question, candidate) || isNamed(question, candidate) ? [candidate] : [];
  });
}

/** What the quadlet's volumes bind by their `Device=`, where they are quadlets too. */
function volumePaths(question: UnitsQuestion, manager: ManagerAnswers, { volumes = [] }: Quadlet): string[] {
  const files = manager.quadletFiles.filter((file) => volumes.includes(posix.basename(file)));
  return files.flatMap((file) => {
    const text = question.definitions.get(file);
    if (text === undefined) return [];
    const { paths } = parseQuadlet(text, quadletContext(manager, file, question.movedPaths));
    return [...paths];
  });
}

/** Services that are not made of a quadlet. Of their paths only those that move are kept: others say nothing here. */
function serviceCandidates(question: UnitsQuestion, manager: ManagerAnswers): Candidate[] {
  const quadletFiles = new Set(manager.quadletFiles);
  return manager.shown.flatMap((shown) => {
    if (!shown.id.endsWith('.service') || quadletFiles.has(shown.sourcePath)) return [];
    const candidate: Candidate = {
      manager,
      name: shown.id,
      shown,
      sourcePath: shown.fragmentPath,
      paths: withRealPaths(shown.paths, question.realPaths, question.movedPaths).filter((path) =>
        question.movedPaths.some((moved) => isBelow(path, moved)),
      ),
    };
    // Containers that run get a scope of conmon and health-check units of their own; those are not definitions.
    if (shown.fragmentPath.startsWith('/run/systemd/transient/')) return [];
    const wanted = candidate.paths.length > 0 || ownsWorkload(question, candidate);
    return wanted || isNamed(question, candidate) ? [candidate] : [];
  });
}

/** Named in `alsoUnits`: a user's unit only where the system has none of that name. */
function isNamed(question: UnitsQuestion, { manager, name }: Candidate): boolean {
  const system = question.managers.find((other) => other.user === undefined);
  return (
    question.alsoUnits.includes(name) &&
    (manager.user === undefined || system?.shown.some((unit) => unit.id === name) !== true)
  );
}

/** Containers that carry the unit's name, or that it starts by theirs. */
function ownedContainers(question: UnitsQuestion, { manager, name, shown }: Candidate): ContainerFindings[] {
  const user = manager.user?.name;
  const started = shown === undefined ? [] : startedContainers(shown, user, question.containers);
  return question.containers.filter(
    (container) => (container.unit === name && container.user === user) || started.includes(container),
  );
}

function ownsWorkload(question: UnitsQuestion, candidate: Candidate): boolean {
  return ownedContainers(question, candidate).some((container) =>
    container.bindSources.some((path) => touches(path, question.movedPaths)),
  );
}

/** The image by the name that the store has for it: a quadlet may say `writer:1` where the store says `localhost/writer:1`. */
function imageName(candidate: Candidate): string | undefined {
  const typed = candidate.quadlet?.image;
  if (typed === undefined) return undefined;
  const tagged = /[:@][^/]*$/.test(typed) ? typed : `${typed}:latest`;
  const stored = candidate.manager.images.filter(
    (image) => image.name === typed || image.name === tagged || image.name.endsWith(`/${tagged}`),
  );
  return stored.length === 1 ? stored[0]?.name : typed;
}

/** Files of the compose project that a command of the unit runs. */
function composeFiles(question: UnitsQuestion, { manager, shown }: Candidate, start: Start): string[] {
  if (shown === undefined || start.compose === undefined) return [];
  const own = startedContainers({ ...shown, starts: [start] }, manager.user?.name, question.containers);
  return own.flatMap(({ compose }) => compose?.files ?? []);
}

function carryReasons(question: UnitsQuestion, candidate: Candidate, text: string | undefined): string[] {
  const reasons: string[] = [];
  const { movedPaths } = question;
  const { shown, quadlet, sourcePath } = candidate;
  if (quadlet?.cannotCarry !== undefined) reasons.push(quadlet.cannotCarry);
  if (text === undefined) reasons.push(`its definition ${sourcePath || '(none)'} could not be read`);
  if (shown !== undefined && shown.dropIns.length > 0)
    reasons.push(`is changed by ${shown.dropIns.join(', ')}`);
  if (sourcePath.startsWith('/nix/store/') || shown?.fragmentPath.startsWith('/nix/store/')) {
    reasons.push('is made by the NixOS configuration of this guest');
  } else if (quadlet === undefined && /^\/(usr\/)?lib\/systemd\//.test(sourcePath)) {
    reasons.push('comes with a package of this guest');
  } else if (quadlet === undefined && sourcePath.startsWith('/run/')) {
    reasons.push(`is generated at boot (${sourcePath})`);
  }
  if (quadlet === undefined) {
    for (const start of shown?.starts ?? []) {
      const files = composeFiles(question, candidate, start);
      const stays = files.find((file) => !movedPaths.some((moved) => isBelow(file, moved)));
      if (stays !== undefined) reasons.push(`runs a compose project made from ${stays}, which does not move`);
      else if (/^\S+ (re)?start\b/.test(start.command))
        reasons.push(`starts containers that it does not make itself (${start.command})`);
      else if (
        candidate.paths.length === 0 &&
        shown !== undefined &&
        startsUnknown(shown, start, question, candidate.manager.user?.name)
      )
        reasons.push(`starts containers that its definition does not hold (${start.command})`);
    }
    const elsewhere = (path: string) => !movedPaths.some((moved) => isBelow(path, moved));
    for (const file of shown?.environmentFiles ?? []) {
      if (elsewhere(file)) reasons.push(`reads its environment from ${file}, which does not move`);
    }
    for (const program of new Set(shown?.programs ?? [])) {
      if (!/^(\/usr)?\/s?bin\//.test(program) && elsewhere(program))
        reasons.push(`runs ${program}, which does not move`);
    }
  }
  return reasons;
}
