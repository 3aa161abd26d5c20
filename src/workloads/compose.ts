import { posix } from 'node:path';
import type { ComposeFindings } from '../inspect/findings.ts';

/** What a command of a unit says about the compose project that it runs. */
export interface ComposeCall {
  /** `--project-name`. */
  readonly project?: string;
  /** `--project-directory`, as it is typed. */
  readonly folder?: string;
  /** `--file`, as typed. */
  readonly files: readonly string[];
}

type Labels = Readonly<Record<string, string>> | null;

const label = (labels: Labels, name: string): string | undefined => labels?.[`com.docker.compose.${name}`];

/** Reads the labels by which docker compose and podman-compose know their containers; undefined: it is not one of theirs. */
export function composeOf(labels: Labels): ComposeFindings | undefined {
  const project = label(labels, 'project') ?? labels?.['io.podman.compose.project'];
  const service = label(labels, 'service') ?? labels?.['io.podman.compose.service'] ?? '';
  if (project === undefined || project === '') return undefined;
  const folder = label(labels, 'project.working_dir');
  const hash = label(labels, 'config-hash');
  return {
    project,
    service,
    ...(folder === undefined ? {} : { folder }),
    files: (label(labels, 'project.config_files') ?? '').split(',').filter(Boolean),
    ...(hash === undefined ? {} : { hash }),
    ...(label(labels, 'oneoff') === 'True' ? { oneOff: true } : {}),
  };
}

/** Services that a service of compose waits for: `db:service_started:false,cache:service_healthy:true`. */
export function dependsOn(labels: Labels): string[] {
  return (label(labels, 'depends_on') ?? '')
    .split(',')
    .map((entry) => entry.split(':')[0] as string)
    .filter(Boolean);
}

/** The options of compose before its action: `-f a.yml --project-name web up -d` -> file a.yml, project web. */
export function composeCall(words: readonly string[]): ComposeCall {
  const values = (names: readonly string[]) =>
    words.flatMap((word, index) => {
      const [name, ...value] = word.split('=');
      if (!names.includes(name as string)) return [];
      return value.length > 0 ? [value.join('=')] : (words[index + 1] ?? []);
    });
  const project = values(['-p', '--project-name']).at(-1);
  const folder = values(['--project-directory']).at(-1);
  return {
    ...(project === undefined ? {} : { project }),
    ...(folder === undefined ? {} : { folder }),
    files: values(['-f', '--file']),
  };
}

/**
 * Is the container of the project that this call runs? Without a name the project is known by its files, or by the
 * folder in which compose looks for them.
 * @param folder WorkingDirectory= of the unit; empty: systemd's, which is `/`
 */
export function isOfCall(call: ComposeCall, folder: string, compose: ComposeFindings): boolean {
  if (call.project !== undefined) return call.project === compose.project;
  const base = folder === '' ? '/' : folder;
  const files = call.files.map((file) => posix.resolve(base, file));
  if (files.length > 0) return files.some((file) => compose.files.includes(file));
  return compose.folder === posix.resolve(base, call.folder ?? '.');
}
