import { posix } from 'node:path';
import { parseUnitFile, type UnitFile, unitValues } from './unit-file.ts';

/** What a quadlet says about paths and about what it needs beside itself. Values of `Environment=` are never kept. */
export interface Quadlet {
  /** `web.service`. */
  readonly unit: string;
  /** Host paths of its bind mounts and environment files, specifiers resolved. */
  readonly paths: readonly string[];
  /** Names of the volumes it mounts; `web.volume` is the quadlet of that name. */
  readonly volumes?: readonly string[];
  readonly image?: string;
  readonly containerName?: string;
  /** The Kubernetes file that a .kube quadlet plays. */
  readonly kubeFile?: string;
  /** Names units in [Install]. */
  readonly startsAtBoot: boolean;
  /** Why this file alone does not make the same container elsewhere. */
  readonly cannotCarry?: string;
}

/** Where a quadlet was found, and for whom it runs. */
export interface QuadletContext {
  /** Absolute path of the file. */
  readonly file: string;
  /** `/root` for the system manager. */
  readonly home: string;
  readonly uid: number;
  readonly movedPaths: readonly string[];
}

/** Folders in which podman's generator looks (podman-systemd.unit(5)); `users` ones are for user managers only. */
export const systemQuadletFolders = [
  '/run/containers/systemd',
  '/etc/containers/systemd',
  '/usr/share/containers/systemd',
] as const;

/** The same for one user, in the generator's order. */
export function userQuadletFolders(user: { readonly uid: number; readonly home: string }): string[] {
  return [
    `/run/user/${user.uid}/containers/systemd`,
    `${user.home}/.config/containers/systemd`,
    `/etc/containers/systemd/users/${user.uid}`,
    '/etc/containers/systemd/users',
  ];
}

const kinds: Readonly<Record<string, string>> = {
  '.container': '',
  '.volume': '-volume',
  '.pod': '-pod',
  '.kube': '',
  '.image': '-image',
  '.build': '-build',
  '.network': '-network',
};

/** Is this a file that podman's generator turns into a service? */
export function isQuadlet(file: string): boolean {
  return posix.extname(file) in kinds;
}

/** Reads a .container, .volume or .kube unit; others have no paths of their own. */
export function parseQuadlet(text: string, context: QuadletContext): Quadlet {
  const file = parseUnitFile(text);
  const extension = posix.extname(context.file);
  const stem = posix.basename(context.file, extension);
  const section =
    { '.container': 'Container', '.volume': 'Volume', '.pod': 'Pod', '.kube': 'Kube' }[extension] ?? '';
  const serviceName = unitValues(file, section, 'ServiceName').at(-1);
  const base: Quadlet = {
    unit: `${serviceName ?? `${stem}${kinds[extension] ?? ''}`}.service`,
    paths: [],
    startsAtBoot: ['WantedBy', 'RequiredBy', 'UpheldBy'].some(
      (key) => unitValues(file, 'Install', key).length > 0,
    ),
  };
  if (extension === '.container') return { ...base, ...readContainer(file, context) };
  if (extension === '.volume') return { ...base, ...readVolume(file, context) };
  if (extension === '.pod') return { ...base, ...finish(volumes(file, 'Pod', context), [], 'is a pod') };
  if (extension === '.kube') {
    const yaml = unitValues(file, 'Kube', 'Yaml').at(-1);
    // Beside the quadlet, where it is not absolute (podman-systemd.unit(5)).
    const folder = posix.dirname(context.file);
    const kubeFile = yaml === undefined ? undefined : posix.resolve(folder, resolve(yaml, context));
    return {
      ...base,
      ...(kubeFile === undefined ? {} : { kubeFile }),
      cannotCarry: 'is made of a Kubernetes file',
    };
  }
  return base;
}

type Part = {
  paths: readonly string[];
  volumes?: readonly string[];
  image?: string;
  containerName?: string;
  cannotCarry?: string;
};

function readContainer(file: UnitFile, context: QuadletContext): Part {
  const all = (key: string) => unitValues(file, 'Container', key);
  const environmentFiles = all('EnvironmentFile').map((value) =>
    resolvePath(value.replace(/^-/, ''), context),
  );
  const bound = volumes(file, 'Container', context);
  const image = all('Image').at(-1);
  const containerName = all('ContainerName').at(-1);
  const why = [
    ...all('Network')
      .filter((value) => /\.(network|container)(:|$)/.test(value))
      .map((value) => `needs ${value.split(':')[0]}`),
    ...all('Pod').map((value) => `belongs to ${value}`),
    ...all('Secret').map((value) => `uses the podman secret ${value.split(',')[0]}`),
    ...(image !== undefined && /\.(image|build)$/.test(image) ? [`needs ${image}`] : []),
    ...(all('Rootfs').length > 0 ? ['runs from a directory instead of an image'] : []),
    ...(all('GlobalArgs').length > 0 ? ["has podman's own options (GlobalArgs=)"] : []),
    ...environmentFiles
      .filter((path) => !context.movedPaths.some((moved) => path.startsWith(`${moved}/`)))
      .map((path) => `reads its environment from ${path}, which does not move`),
  ];
  return {
    ...finish([...bound, ...environmentFiles], why),
    ...(image === undefined ? {} : { image }),
    ...(containerName === undefined ? {} : { containerName: resolve(containerName, context) }),
  };
}

function readVolume(file: UnitFile, context: QuadletContext): Part {
  const device = unitValues(file, 'Volume', 'Device').at(-1);
  return finish(device?.startsWith('/') ? [resolvePath(device, context)] : [], []);
}

/** Sources of Volume= and Mount=: absolute paths resolved, other sources as they stand (names of volumes). */
function volumes(file: UnitFile, section: string, context: QuadletContext): string[] {
  const fromVolume = unitValues(file, section, 'Volume').map((value) => value.split(':')[0] as string);
  const fromMount = unitValues(file, section, 'Mount').flatMap((value) => {
    const fields = value.split(',').map((field) => field.split('='));
    return fields.find(([key]) => key === 'source' || key === 'src')?.[1] ?? [];
  });
  return [...fromVolume, ...fromMount].map((source) =>
    /^(\/|\.|%)/.test(source) ? resolvePath(source, context) : source,
  );
}

function finish(sources: readonly string[], why: readonly string[], first?: string): Part {
  const paths = [...new Set(sources.filter((source) => source.startsWith('/')))];
  const named = sources.filter((source) => !source.startsWith('/') && source !== '');
  const unresolved = paths.filter((path) => /%[^%]/.test(path));
  const reasons = [
    ...(first === undefined ? [] : [first]),
    ...why,
    ...named.map((name) => `keeps data in the podman volume ${name}`),
    ...unresolved.map((path) => `names the path ${path}, whose specifier drayage does not resolve`),
  ];
  return {
    paths,
    ...(named.length > 0 ? { volumes: named } : {}),
    ...(reasons.length > 0 ? { cannotCarry: reasons.join('; ') } : {}),
  };
}

function resolvePath(value: string, context: QuadletContext): string {
  const path = resolve(value, context);
  return path.startsWith('.') ? posix.join(posix.dirname(context.file), path) : path;
}

/** Specifiers of systemd.unit(5) that are used in paths; any other stays as it is and is reported. */
function resolve(value: string, context: QuadletContext): string {
  const specifiers: Readonly<Record<string, string>> = {
    '%h': context.home,
    '%t': context.uid === 0 ? '/run' : `/run/user/${context.uid}`,
    '%U': String(context.uid),
    '%E': context.uid === 0 ? '/etc' : `${context.home}/.config`,
    '%S': context.uid === 0 ? '/var/lib' : `${context.home}/.local/state`,
    '%N': posix.basename(context.file, posix.extname(context.file)),
    '%p': posix.basename(context.file, posix.extname(context.file)),
  };
  return value.replaceAll(/%[A-Za-z]/g, (specifier) => specifiers[specifier] ?? specifier);
}
