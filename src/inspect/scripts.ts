import { posix } from 'node:path';
import { type Answer, probe } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import {
  type CronJob,
  cronJobs,
  numberedLines,
  scriptsOf,
  startsInLine,
  startsInScript,
} from '../workloads/scripts.ts';
import type { Start } from '../workloads/starts.ts';
import type { ContainerFindings, ContainerStarter, UnitFindings } from './findings.ts';
import type { ManagerAnswers } from './guest-workloads.ts';
import { touches } from './real-paths.ts';
import { isNamedBy, mayRun } from './starters.ts';

/** Crontabs (Debian's and cronie's places), and the folders of scripts that run-parts runs. */
export const cronFilesArgv = [
  ...['find', '-L', '/etc/crontab', '/etc/anacrontab', '/etc/cron.d', '/var/spool/cron'],
  ...['hourly', 'daily', 'weekly', 'monthly', 'yearly'].map((every) => `/etc/cron.${every}`),
  ...['-maxdepth', '2', '-type', 'f', '!', '-name', '.*', '-printf', '%p\\n'],
];

interface ScriptsQuestion {
  readonly managers: readonly ManagerAnswers[];
  readonly containers: readonly ContainerFindings[];
  /** Units that are known, and fenced. */
  readonly units: readonly UnitFindings[];
  readonly movedPaths: readonly string[];
  /** Files that `cronFilesArgv` found. */
  readonly cronFiles: readonly string[];
}

/** Lines of a text file, with their numbers; -I passes over what is not text. */
const linesArgv = (file: string) => ['grep', '-I', '-n', '', '--', file];
const engineLinesArgv = (file: string) => ['grep', '-I', '-n', '-E', 'podman|docker', '--', file];

/**
 * What starts containers past systemd and restart policies, as far as reading shows it: cron jobs, and scripts that cron
 * jobs and units run. Told are those that may start a container of a move, or do not say which they start.
 */
export async function readScriptStarters(host: Host, question: ScriptsQuestion): Promise<ContainerStarter[]> {
  const { cronFiles, managers } = question;
  const runParts = cronFiles.filter((file) => /^\/etc\/cron\.(?!d\/)/.test(file));
  const crontabs = cronFiles.filter((file) => !runParts.includes(file));
  const units = managers.flatMap((manager) => scriptUnits(manager, question.units));
  const first = await read(host, [
    ...crontabs.map((file) => [file, linesArgv(file)] as const),
    ...[...runParts, ...units.flatMap(({ scripts }) => scripts)].map(
      (file) => [file, engineLinesArgv(file)] as const,
    ),
  ]);
  const jobs = crontabs.flatMap((file) =>
    cronJobs(first(file), whoseCrontab(file)).map((job) => ({ ...job, file })),
  );
  const named = new Set(jobs.flatMap(({ words }) => scriptsOf(words)));
  const second = await read(
    host,
    [...named].map((file) => [file, engineLinesArgv(file)] as const),
  );
  const bySchedule = jobs.flatMap((job): ContainerStarter[] => {
    const starts = [
      ...startsInLine(job.words),
      ...scriptsOf(job.words).flatMap((file) => startsInScript(second(file))),
    ];
    return toTell(starts, job.user, question, (command) => cronStarter(job, command));
  });
  const byFolder = runParts.flatMap((file) =>
    toTell(startsInScript(first(file)), undefined, question, (command) => ({
      unit: file,
      cron: true,
      command,
    })),
  );
  const byUnit = units.flatMap(({ unit, user, scripts }) =>
    scripts.flatMap((file) =>
      toTell(startsInScript(first(file)), user, question, (command) => ({
        unit,
        ...(user === undefined ? {} : { user }),
        command: `${file} (${command})`,
      })),
    ),
  );
  return [...bySchedule, ...byFolder, ...byUnit];
}

function cronStarter({ file, line, user }: CronJob & { file: string }, command: string): ContainerStarter {
  return {
    unit: file,
    ...(user === undefined ? {} : { user }),
    cron: true,
    command: `${command} (line ${line})`,
  };
}

function whoseCrontab(file: string): Parameters<typeof cronJobs>[1] {
  if (file === '/etc/anacrontab') return 'anacron';
  return file.startsWith('/var/spool/cron/') ? { user: posix.basename(file) } : 'system';
}

/** A text of this size is no script; a pipe or a device would keep the reader waiting. */
const sizeLimit = '-256k';

async function read(host: Host, questions: readonly (readonly [string, readonly string[]])[]) {
  if (questions.length === 0) return () => [];
  const { files } = await probe(host, {
    files: [
      ...['find', '-L', ...new Set(questions.map(([file]) => file))],
      ...['-maxdepth', '0', '-type', 'f', '-size', sizeLimit, '-printf', '%p\\n'],
    ],
  });
  const small = new Set(files.stdout.split('\n'));
  const answers: Readonly<Record<string, Answer>> = await probe(
    host,
    Object.fromEntries(questions.filter(([file]) => small.has(file))),
  );
  return (file: string) => numberedLines(answers[file]?.stdout ?? '');
}

/** Units that may run and are not fenced already, with the scripts that their commands name. */
function scriptUnits(manager: ManagerAnswers, known: readonly UnitFindings[]) {
  const user = manager.user?.name;
  return manager.shown.flatMap((unit) => {
    // Of the other words of a command, what is called a script: a configuration that names docker starts nothing.
    const words = unit.paths.filter((path) => /\.(ba|z)?sh$/.test(path));
    const scripts = scriptsOf([...unit.programs, ...words]);
    const fenced = known.some((other) => other.name === unit.id && other.user === user);
    return scripts.length === 0 || fenced || !unit.id.endsWith('.service') || !mayRun(unit, manager)
      ? []
      : [{ unit: unit.id, user, scripts: [...new Set(scripts)] }];
  });
}

/** One line for what may start a container of a move: it names one, or none that is known to be another. */
function toTell(
  starts: readonly Start[],
  user: string | undefined,
  { containers, movedPaths }: ScriptsQuestion,
  tell: (command: string) => ContainerStarter,
): ContainerStarter[] {
  const moves = ({ bindSources }: ContainerFindings) => bindSources.some((path) => touches(path, movedPaths));
  const start = starts.find((each) => {
    const named = (each.containers ?? []).map((name) => isNamedBy(each, name, user, containers));
    return named.length === 0 || named.some((found) => found.length === 0 || found.some(moves));
  });
  return start === undefined ? [] : [tell(start.command)];
}
