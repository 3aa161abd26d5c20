import { printableName } from '../verify/name.ts';

/** One mount of a mount namespace, from /proc/PID/mountinfo (proc(5)). */
interface Mount {
  readonly device: string;
  /** Directory of the file system that is mounted. */
  readonly root: string;
  readonly point: string;
}

interface Process {
  pid: string;
  name: string;
  namespace: string;
  /** `cwd`, `fd/7`, `map` ... with what they point at, as seen from the process's own namespace. */
  readonly files: { readonly by: string; readonly path: string }[];
  readonly mounts: Mount[];
}

/** Marks the borders between the parts of the answer; no file of /proc prints it. */
const border = '\0drayage\0';

/**
 * What every process holds, in one command: the links below /proc (NUL-separated), names and mounts, mapped files; then
 * what the kernel itself holds: files of loop devices, and swap. Processes that end meanwhile are no error. It needs root to see them all.
 */
export const quietScript = [
  "find /proc/[0-9]*/ns/mnt /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/fd -maxdepth 1 -type l -printf '%p\\0%l\\0' 2>/dev/null",
  "printf '\\0drayage\\0'",
  "grep -Has '' /proc/[0-9]*/comm /proc/[0-9]*/mountinfo",
  "printf '\\0drayage\\0'",
  "grep -HasoE ' /.*' /proc/[0-9]*/maps | sort -u",
  "printf '\\0drayage\\0'",
  "grep -Has '' /sys/block/loop*/loop/backing_file /proc/swaps",
  "printf '\\0drayage\\0'",
  'readlink /proc/self/ns/mnt',
].join('\n');

/** mountinfo and maps write blanks, newlines and backslashes as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

/** Where a path of a namespace lies on its file system. */
function locate(path: string, mounts: readonly Mount[]): { device: string; path: string } | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    // Later lines lie over earlier ones at the same place.
    if (isBelow(path, mount.point) && (best === undefined || mount.point.length >= best.point.length))
      best = mount;
  }
  if (best === undefined) return undefined;
  const rest = best.point === '/' ? path : path.slice(best.point.length);
  return {
    device: best.device,
    path: best.root === '/' ? rest || '/' : `${best.root}${rest === '/' ? '' : rest}`,
  };
}

/**
 * Pure: who has something below `path` open, mapped, or as its working directory; containers included, which see it
 * under another name. undefined when the answer is not understood.
 * @param output stdout of quietScript, as latin1
 * @param path absolute, bytes as latin1
 * @returns one line for each process, loop device and swap file, ready to print
 */
export function holders(output: string, path: string): string[] | undefined {
  const parts = output.split(border);
  if (parts.length !== 5) return undefined;
  const [links, status, maps, kernel, self] = parts as [string, string, string, string, string];
  const processes = new Map<string, Process>();
  const at = (pid: string): Process => {
    const known = processes.get(pid);
    if (known !== undefined) return known;
    const made: Process = { pid, name: '?', namespace: '', files: [], mounts: [] };
    processes.set(pid, made);
    return made;
  };
  const fields = links.split('\0');
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const found = /^\/proc\/(\d+)\/(.*)$/s.exec(fields[index] as string);
    if (found === null) return undefined;
    const [, pid, by] = found as unknown as [string, string, string];
    const target = fields[index + 1] as string;
    if (by === 'ns/mnt') at(pid).namespace = target;
    else if (target.startsWith('/')) at(pid).files.push({ by, path: withoutMark(target) });
  }
  for (const line of status.split('\n')) {
    const found = /^\/proc\/(\d+)\/(comm|mountinfo):(.*)$/s.exec(line);
    if (found === null) continue;
    const [, pid, file, text] = found as unknown as [string, string, string, string];
    if (file === 'comm') {
      at(pid).name = text;
      continue;
    }
    const [, , device, root, point] = text.split(' ');
    if (device === undefined || root === undefined || point === undefined) return undefined;
    at(pid).mounts.push({ device, root: unescapeOctal(root), point: unescapeOctal(point) });
  }
  for (const line of maps.split('\n')) {
    const found = /^\/proc\/(\d+)\/maps: (.*)$/s.exec(line);
    if (found === null) continue;
    at(found[1] as string).files.push({
      by: 'map',
      path: unescapeOctal(withoutMark(found[2] as string)),
    });
  }
  const own = self.trim();
  const here = [...processes.values()].find(
    (process) => process.namespace === own && process.mounts.length > 0,
  );
  if (here === undefined) return undefined;
  const source = locate(path, here.mounts);
  if (source === undefined) return undefined;
  const byKernel = heldByKernel(kernel).filter(
    (file) => isBelow(file.path, path) || lies(file.path, here.mounts, source),
  );
  const byProcesses = [...processes.values()].flatMap((process) => {
    const held = process.files.find(
      (file) => isBelow(file.path, path) || lies(file.path, process.mounts, source),
    );
    if (held !== undefined)
      return [
        `${printableName(process.name)} (pid ${process.pid}): ${held.by} -> ${printableName(held.path)}`,
      ];
    const bind = process.namespace === own ? undefined : boundInto(process.mounts, here.mounts, source, path);
    return bind === undefined
      ? []
      : [
          `${printableName(process.name)} (pid ${process.pid}): has it mounted at ${printableName(bind.point)}`,
        ];
  });
  return [...byKernel.map(({ by, path: file }) => `${by} -> ${printableName(file)}`), ...byProcesses];
}

/** No process need have these open: `loop0`, or `swap`, with the file, as the machine itself sees it. */
function heldByKernel(text: string): { readonly by: string; readonly path: string }[] {
  const loops = new Map<string, string>();
  const swaps: { by: string; path: string }[] = [];
  for (const line of text.split('\n')) {
    const loop = /^\/sys\/block\/(loop\d+)\/loop\/backing_file:(.*)$/s.exec(line);
    if (loop !== null) {
      // A newline in its name is printed as it is.
      const [, name, part] = loop as unknown as [string, string, string];
      const before = loops.get(name);
      loops.set(name, before === undefined ? part : `${before}\n${part}`);
    }
    const swap = /^\/proc\/swaps:(\/\S*)\s+file\s/.exec(line);
    if (swap !== null) swaps.push({ by: 'swap', path: withoutMark(unescapeOctal(swap[1] as string)) });
  }
  return [...[...loops].map(([by, path]) => ({ by, path: withoutMark(path) })), ...swaps];
}

/** What the kernel writes behind the name of a file that has none any more. */
function withoutMark(path: string): string {
  return path.replace(/ \(deleted\)$/, '');
}

function lies(path: string, mounts: readonly Mount[], source: { device: string; path: string }): boolean {
  const place = locate(path, mounts);
  return place !== undefined && place.device === source.device && isBelow(place.path, source.path);
}

/** A mount that a container was given: part of the source, at a place that this machine itself does not have. */
function boundInto(
  mounts: readonly Mount[],
  own: readonly Mount[],
  source: { device: string; path: string },
  path: string,
): Mount | undefined {
  return mounts.find(
    (mount) =>
      mount.device === source.device &&
      mount.root !== '/' &&
      isBelow(mount.root, source.path) &&
      !isBelow(mount.point, path) &&
      !own.some((other) => other.point === mount.point && other.root === mount.root),
  );
}
