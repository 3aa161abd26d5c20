import type { Lab } from '../index.ts';

/** What podman says runs on a guest: as printed, and by name. */
export interface RunningContainers {
  readonly guest: string;
  readonly root: string;
  readonly notes: string;
  readonly names: readonly string[];
}

const ps = ['podman', 'ps', '--format', 'table {{.Names}}\t{{.Image}}\t{{.Status}}'];
const asNotes = ['runuser', '-u', 'notes', '--', 'env', '--chdir=/', 'XDG_RUNTIME_DIR=/run/user/1000'];

/** Asks podman of root and podman of the user `notes`. */
export async function runningContainers(lab: Lab, guest: string): Promise<RunningContainers> {
  const ask = async (argv: readonly string[]) => {
    const { exitCode, stdout, stderr } = await lab.ssh(guest, argv, { timeoutMs: 60_000 });
    if (exitCode !== 0) throw new Error(`podman ps on ${guest} ended with ${exitCode}: ${stderr.toString()}`);
    return stdout.toString().trimEnd();
  };
  const [root, notes] = await Promise.all([ask(ps), ask([...asNotes, ...ps])]);
  return { guest, root, notes, names: [...namesOf(root), ...namesOf(notes)] };
}

/** The first column of podman's table, without its heading. */
export const namesOf = (table: string): string[] =>
  table
    .split('\n')
    .slice(1)
    .flatMap((line) => /^\S+/.exec(line)?.[0] ?? []);

/** As a person would have typed and read it. */
export function containersText(found: RunningContainers, dim: (text: string) => string): string {
  const table = (text: string) =>
    text
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\n');
  return [
    dim(`root@${found.guest}$ podman ps`),
    table(found.root),
    dim(`notes@${found.guest}$ podman ps`),
    table(found.notes),
  ].join('\n');
}
