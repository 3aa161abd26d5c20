import type { Config } from '../config/config.ts';
import type {
  ContainerFindings,
  Findings,
  GuestFindings,
  GuestSystem,
  MoveFindings,
  NodeFindings,
  ShareFindings,
  UnitFindings,
  VirtiofsDevice,
} from './findings.ts';
import { plural, size } from './format.ts';
import { type Row, sourceRows } from './print-source.ts';

/** How text is set off. Each function returns its argument, perhaps between escape sequences of a terminal. */
export interface Palette {
  title(text: string): string;
  /** The name of a thing: a guest, a container. */
  name(text: string): string;
  faint(text: string): string;
  warn(text: string): string;
}

/** No colour: files, pipes, NO_COLOR. */
export const plain: Palette = { title: same, name: same, faint: same, warn: same };

function same(text: string): string {
  return text;
}

/** The findings as text, ordered as the *Current findings* of a written plan: cluster, nodes, shares, guests, moves. */
export function printFindings(findings: Findings, config: Config, palette: Palette = plain): string {
  const sections = [
    section('Cluster', clusterRows(findings), palette),
    ...Object.values(findings.nodes).map((node) => section(`Node ${node.name}`, nodeRows(node), palette)),
    ...Object.values(findings.shares).map((share) =>
      section(`Share ${share.name}`, shareRows(share), palette),
    ),
    ...Object.values(findings.guests).map((guest) =>
      section(`Guest ${guest.name}`, guestRows(guest), palette),
    ),
    ...Object.values(findings.moves).map((move) =>
      section(`Move ${move.name}`, moveRows(move, findings, config), palette),
    ),
    ...(findings.notSeen.length > 0 ? [notSeenSection(findings, palette)] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** Labels in one column, values in the next; further values of a label stand below the first. */
function section(title: string, rows: readonly Row[], palette: Palette): string {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  const lines = rows.flatMap(([label, ...values]) =>
    values.map((value, index) =>
      `  ${palette.faint((index === 0 ? label : '').padEnd(width))}  ${value}`.trimEnd(),
    ),
  );
  return [palette.title(title), ...lines].join('\n');
}

function notSeenSection(findings: Findings, palette: Palette): string {
  const lines = findings.notSeen.flatMap((entry) => [
    `  ${palette.warn(`${entry.subject}: ${entry.what}`)}`,
    `    seen  ${entry.seen}`,
    `    next  ${entry.next}`,
    ...(entry.more ?? []).map((line) => `          ${line}`),
  ]);
  return [palette.title('Not seen'), ...lines].join('\n');
}

function clusterRows({ cluster }: Findings): Row[] {
  const quorum = {
    true: 'quorate',
    false: 'not quorate: nothing below /etc/pve can be written',
    undefined: 'not visible',
  };
  return [
    ['Proxmox VE', cluster.version ?? 'not visible'],
    ['Quorum', quorum[`${cluster.quorate}`]],
    ['Nodes', ...list(cluster.nodes.map((node) => `${node.name} ${node.online ? 'online' : 'offline'}`))],
    [
      'Mappings',
      ...list(
        cluster.mappings.map(
          (mapping) =>
            `${mapping.id}: ${mapping.entries.map((entry) => `${entry.path} on ${entry.node}`).join(', ')}`,
        ),
      ),
    ],
    [
      'VMs',
      ...list(
        cluster.vms.map((vm) => {
          const devices = (vm.virtiofs ?? []).map((found) => `; ${device(found)}`).join('');
          return `${vm.vmid} ${vm.name} on ${vm.node}, ${vm.running ? 'running' : 'stopped'}${devices}`;
        }),
      ),
    ],
    ...((cluster.missingPrivileges ?? []).length === 0
      ? []
      : [
          [
            'Token lacks',
            ...list((cluster.missingPrivileges ?? []).map(({ seen, what }) => `${seen}: ${what}`)),
          ] satisfies Row,
        ]),
  ];
}

function rsync({ rsyncVersion, rsyncRefuses }: Pick<NodeFindings, 'rsyncVersion' | 'rsyncRefuses'>): string {
  if (rsyncRefuses === undefined) return rsyncVersion ?? 'missing';
  const what = rsyncRefuses.what === 'pass' ? 'refuses the options of a pass' : 'does not delete by a list';
  return `${rsyncVersion ?? '(no version)'}, ${what}: ${rsyncRefuses.said}`;
}

function nodeRows(node: NodeFindings): Row[] {
  return [
    ['Name in cluster', node.hostname],
    ['Version', node.pveVersion ?? 'pveversion is missing'],
    ['Kernel', node.kernel],
    ['ZFS', node.zfsVersion ?? 'missing'],
    ['rsync', rsync(node)],
    ['virtiofsd', virtiofsd(node)],
    [
      'Pools',
      ...list(
        node.pools.map(
          (pool) => `${pool.name}  ${pool.health}, ${size(pool.freeBytes)} free of ${size(pool.sizeBytes)}`,
        ),
      ),
    ],
    ...missing(node.missingTools),
  ];
}

function virtiofsd(node: NodeFindings): string {
  if (!node.virtiofsd) return 'missing: /usr/libexec/virtiofsd';
  return node.virtiofsdFileHandles === true
    ? 'present, in a wrapper that gives it file handles'
    : 'present; holds one open file for each inode that a guest knows, at most 1,000,000';
}

function shareRows(share: ShareFindings): Row[] {
  const { dataset, top } = share;
  if (dataset === undefined) {
    return [
      ['Dataset', share.occupied ? 'does not exist, and its mount point is not empty' : 'does not exist yet'],
      ...roomRow(share),
    ];
  }
  return [
    [
      'Dataset',
      dataset.mounted ? `mounted at ${dataset.mountpoint}` : `not mounted (mountpoint ${dataset.mountpoint})`,
    ],
    ...(share.occupied ? [['Mount point', 'is not empty below the missing mount'] as Row] : []),
    ...roomRow(share),
    ['Properties', `acltype=${dataset.acltype} xattr=${dataset.xattr}`],
    ...(dataset.children.length > 0 ? [['Datasets below', ...dataset.children] as Row] : []),
    ...(top === undefined ? [] : [['Top', `owner ${top.uid}:${top.gid}, mode ${top.mode}`] as Row]),
    ['Marker', share.marker === undefined ? 'none' : `${share.marker.uuid} (share ${share.marker.share})`],
  ];
}

function roomRow({ room }: ShareFindings): Row[] {
  if (room === undefined) return [];
  const inodes =
    room.inodes === undefined ? 'inodes as they are needed' : `${plural(room.inodes, 'free inode')}`;
  return [['Room', `${size(room.bytes)} in ${room.dataset}, ${inodes}`]];
}

function guestRows(guest: GuestFindings): Row[] {
  const rows: Row[] = [
    ['VM', `${guest.vmid} on ${guest.node}, ${guest.running ? 'running' : 'stopped'}`],
    ['virtiofs', ...list(guest.vm.virtiofs.map(device))],
    ...(guest.vm.pciPassthrough.length > 0
      ? [['Passthrough', guest.vm.pciPassthrough.join(', ')] as Row]
      : []),
  ];
  if (guest.system === undefined) return [...rows, ['System', 'not seen, see below']];
  return [...rows, ...systemRows(guest.system)];
}

function systemRows(system: GuestSystem): Row[] {
  const engines = [
    system.podmanVersion === undefined ? '' : `podman ${system.podmanVersion}`,
    system.dockerVersion === undefined ? '' : `docker ${system.dockerVersion}`,
  ].filter(Boolean);
  return [
    ['System', `${system.osName}, kernel ${system.kernel}, host name ${system.hostname}`],
    ['rsync', rsync(system)],
    ['Engines', engines.join(', ') || 'none'],
    ['Image stores', ...list(system.stores.map((store) => `${store.graphRoot} (${store.user ?? 'root'})`))],
    ['Containers', ...list(system.containers.flatMap(containerLines))],
    ['Units', ...list(system.units.flatMap(unitLines))],
    ...optionalRow(
      'Start containers',
      (system.startsContainers ?? []).map((unit) => `${unit.unit}  ${unit.user ?? 'root'}, ${unit.command}`),
    ),
    ...optionalRow('Fences', system.fences ?? []),
    [
      'Timers',
      ...list(
        system.timers.map(
          (timer) => `${timer.unit} (${timer.user ?? 'root'}) ${timer.enabled ? 'enabled' : 'disabled'}`,
        ),
      ),
    ],
    [
      'podman-restart',
      system.podmanRestart ? 'enabled: starts containers with a restart policy at boot' : 'not enabled',
    ],
    [
      'Users',
      ...list(
        system.users.map((user) => {
          const ranges = user.subuid.map((range) => `${range.first}+${range.count}`).join(' ') || 'none';
          return `${user.name} ${user.uid}:${user.gid}, ${user.linger ? 'lingers' : 'does not linger'}, subordinate ids ${ranges}`;
        }),
      ),
    ],
    ...missing(system.missingTools),
  ];
}

function containerLines(container: ContainerFindings): string[] {
  const made =
    container.unit ??
    (container.compose === undefined ? 'by hand' : `compose project ${container.compose.project}`);
  const facts = [
    `${container.engine}, ${container.user ?? 'root'}`,
    container.running ? 'running' : 'stopped',
    `restart ${container.restartPolicy}`,
    made,
    container.image,
  ];
  return [
    `${container.name}  ${facts.join(', ')}`,
    ...container.bindSources.map((path) => `    uses ${path}`),
    ...(container.needs ?? []).map((name) => `    starts after ${name}`),
    ...(container.composeUnit === undefined ? [] : [`    started by ${container.composeUnit}`]),
    ...(container.cannotFence === undefined ? [] : [`    cannot be fenced: ${container.cannotFence}`]),
    // What a unit made, the unit makes again.
    ...(container.create?.cannotCarry === undefined || container.unit !== undefined
      ? []
      : [`    cannot be carried: ${container.create.cannotCarry}`]),
  ];
}

function unitLines(unit: UnitFindings): string[] {
  const facts = [
    unit.user ?? 'root',
    unit.quadlet ? 'quadlet' : 'unit',
    unit.active ? 'active' : 'inactive',
    unit.unitFileState,
    unit.startsAtBoot ? 'starts at boot' : 'not started at boot',
  ];
  return [
    `${unit.name}  ${facts.join(', ')}`,
    `    defined in ${unit.sourcePath || 'no file'}`,
    ...unit.paths.map((path) => `    uses ${path}`),
    ...unit.triggeredBy.map((trigger) => `    started by ${trigger}`),
    ...(unit.cannotCarry === undefined ? [] : [`    cannot be carried: ${unit.cannotCarry}`]),
  ];
}

function moveRows(move: MoveFindings, findings: Findings, config: Config): Row[] {
  const where = {
    missing: 'does not exist',
    empty: 'is empty',
    mounted: 'is a mount point',
    occupied: 'is occupied',
  };
  const configured = config.moves[move.name];
  const path = configured?.from.path ?? 'the source path';
  const users = findings.guests[configured?.from.guest ?? '']?.system?.users ?? [];
  return [
    ['From', `${path} on ${configured?.from.guest ?? 'a guest'}`],
    ...(move.source.state === 'directory'
      ? [
          ...(move.source.realPath === undefined || move.source.realPath === configured?.from.path
            ? []
            : [['Really', move.source.realPath] as Row]),
          ...sourceRows(move.source, {
            users,
            target: configured?.to.guest ?? 'the target',
            unknownOwners: move.unknownOwners ?? [],
            databases: configured?.databases ?? {},
          }),
        ]
      : [['Source', `${move.source.state}: ${move.source.seen}`] as Row]),
    ['To', `${configured?.to.path ?? 'its place in the share'}: ${place(move)}`],
    ...(move.targetPath === undefined
      ? []
      : [
          [
            'On the target',
            `${path} on ${configured?.to.guest ?? 'the target'} ${where[move.targetPath]}`,
          ] as Row,
        ]),
    ...optionalRow('Missing there', move.missingOnTarget ?? []),
  ];
}

function place({ target }: MoveFindings): string {
  if (target === undefined) return 'nothing yet';
  const facts = [
    target.empty ? 'an empty directory' : 'data',
    target.claimed ? 'made by drayage for this move' : 'not made by drayage for this move',
    ...(target.released ? ['released to the target'] : []),
  ];
  return facts.join(', ');
}

function device(virtiofs: VirtiofsDevice): string {
  const flags = [
    virtiofs.exposeAcl ? 'ACLs' : '',
    virtiofs.exposeXattr && !virtiofs.exposeAcl ? 'xattrs' : '',
    virtiofs.directIo ? 'direct I/O' : '',
    virtiofs.pending ? 'pending until the VM is stopped and started' : '',
  ].filter(Boolean);
  return [`${virtiofs.key} = ${virtiofs.mapping}`, `cache ${virtiofs.cache}`, ...flags].join(', ');
}

function list(values: readonly string[]): string[] {
  return values.length === 0 ? ['none'] : [...values];
}

function optionalRow(label: string, values: readonly string[]): Row[] {
  return values.length === 0 ? [] : [[label, ...values]];
}

function missing(tools: readonly string[]): Row[] {
  return tools.length === 0 ? [] : [['Missing tools', tools.join(', ')]];
}
