import type { Host } from '../../src/ssh/host.ts';

/** What a command answers: its stdout, how it comes about, or an exit code with a message. */
export type FakeAnswer =
  | string
  | ((command: string) => string)
  | { readonly exitCode: number; readonly stderr?: string; readonly stdout?: string };

/**
 * A machine that answers from a table. Commands of a probe are taken out of its script one by one; what the table does
 * not know ends with exit code 1, as `test` and `cat` of something that is not there do.
 */
export function fakeHost(
  name: string,
  table: readonly (readonly [RegExp, FakeAnswer])[],
  asked: string[] = [],
): Host {
  const answer = (command: string): { exitCode: number; stdout: string; stderr: string } => {
    asked.push(command);
    const known = table.find(([pattern]) => pattern.test(command))?.[1] ?? { exitCode: 1 };
    if (typeof known === 'function') return { exitCode: 0, stdout: known(command), stderr: '' };
    if (typeof known === 'string') return { exitCode: 0, stdout: known, stderr: '' };
    return { exitCode: known.exitCode, stdout: known.stdout ?? '', stderr: known.stderr ?? '' };
  };
  return {
    name,
    async run(argv, options) {
      if (argv[0] === 'sh' && argv[1] === '-c') {
        const commands = [
          ...(argv[2] as string).matchAll(/^\{ e=\$\(([\s\S]*?) 2>&1 1>&3 3>&- <\/dev\/null\)/gm),
        ];
        const parts = commands.map(([, command]) => answer((command as string).replaceAll("'", '')));
        const stdout = parts.map((part) => `${part.stdout}\0${part.exitCode}\0${part.stderr}\0`).join('');
        return { exitCode: 0, stdout: Buffer.from(stdout), stderr: Buffer.alloc(0) };
      }
      const { exitCode, stdout, stderr } = answer(argv.join(' '));
      if (options?.onStdout !== undefined) await options.onStdout(Buffer.from(stdout, 'latin1'));
      return { exitCode, stdout: Buffer.from(stdout, 'latin1'), stderr: Buffer.from(stderr) };
    },
  };
}

export const unit = (properties: Record<string, string>): string =>
  Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');

export const webQuadlet = `[Container]
Image=lab/web:1
Volume=/mnt/docker/web:/data
[Install]
WantedBy=multi-user.target
`;

export const container = (name: string, bind: string, label?: string) => ({
  Id: `${name}-id`,
  StaticDir: name === 'notes' ? '' : '/mnt/docker/.store/overlay-containers/0a/userdata',
  Name: name,
  Image: 'sha',
  ImageName: `localhost/lab/${name}:1`,
  State: { Running: true },
  Mounts: [{ Type: 'bind', Source: bind }],
  Config: {
    Env: ['A=hunter2'],
    Labels: label === undefined ? null : { PODMAN_SYSTEMD_UNIT: label },
    StopTimeout: 10,
    CreateCommand: ['podman', 'run', '-e', 'A=hunter2', '-v', `${bind}:/data`, `localhost/lab/${name}:1`],
  },
  HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
});

export const systemUnits = [
  unit({
    Id: 'web.service',
    ActiveState: 'active',
    UnitFileState: 'generated',
    FragmentPath: '/run/systemd/generator/web.service',
    SourcePath: '/etc/containers/systemd/web.container',
    WantedBy: 'multi-user.target',
  }),
  unit({
    Id: 'report.service',
    ActiveState: 'inactive',
    UnitFileState: 'static',
    FragmentPath: '/etc/systemd/system/report.service',
    ExecStart: '{ path=/usr/bin/report ; argv[]=/usr/bin/report /mnt/docker/report ; ignore_errors=no }',
    TriggeredBy: 'report.timer',
  }),
  unit({
    Id: 'report.timer',
    ActiveState: 'active',
    UnitFileState: 'enabled',
    FragmentPath: '/etc/systemd/system/report.timer',
  }),
  unit({
    Id: 'ssh.service',
    ActiveState: 'active',
    UnitFileState: 'enabled',
    FragmentPath: '/usr/lib/systemd/system/ssh.service',
    WorkingDirectory: '/',
  }),
  unit({ Id: 'podman-restart.service', ActiveState: 'inactive', UnitFileState: 'enabled' }),
  unit({ Id: 'podman-auto-update.timer', ActiveState: 'inactive', UnitFileState: 'disabled' }),
].join('\n\n');

/** `readlink -m` and `-f` of a machine with these links. */
export const readlink =
  (links: Readonly<Record<string, string>> = {}): ((command: string) => string) =>
  (command) =>
    command
      .split(' ')
      .slice(3)
      .map((path) => {
        const link = Object.keys(links).find((from) => path === from || path.startsWith(`${from}/`));
        return `${link === undefined ? path : `${links[link]}${path.slice(link.length)}`}\n`;
      })
      .join('');

/** doc1: root's container `writer` by hand, the quadlet `web`, a timer with its service, and user `notes` with one container. */
export const doc1: readonly (readonly [RegExp, FakeAnswer])[] = [
  [/^cat \/proc\/sys\/kernel\/hostname/, 'doc1\n'],
  [/^uname/, '6.12.57+deb13-cloud-amd64\n'],
  [/^cat \/proc\/sys\/kernel\/random/, '0b2b-boot\n'],
  [/^cat \/etc\/os-release/, 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'],
  [
    /^findmnt --json/,
    '{"filesystems":[{"target":"/","source":"/dev/vda","fstype":"ext4"},{"target":"/mnt/docker/.store/overlay/0a/merged","source":"overlay","fstype":"overlay"}]}',
  ],
  [
    /^getent passwd/,
    'root:x:0:0::/root:/bin/sh\nabl030:x:1000:100::/home/abl030:/bin/sh\nnotes:x:1001:1001::/home/notes:/bin/sh\n',
  ],
  [/^getent group/, 'root:x:0:\nusers:x:100:\nnotes:x:1001:\n'],
  [/^cat \/etc\/sub[ug]id/, 'notes:100000:65536\n'],
  [/^find \/var\/lib\/systemd\/linger/, 'notes\n'],
  [/^podman --version/, 'podman version 5.4.2\n'],
  [/^rsync --version/, 'rsync  version 3.5.0  protocol version 32\n'],
  [/^rsync --dry-run .* \/$/, ''],
  [/^command -v (?!getfattr)/, '/usr/bin/x\n'],
  [/^command -v/, '/usr/bin/x\n'],
  [/^test -d \/var\/lib\/containers\/storage/, ''],
  [/^test -[Sd] \/(run\/user\/1001|home\/notes)\//, ''],
  [/^find -L .*\/home\/notes/, ''],
  [
    /^find -L \/run\/containers\/systemd /,
    '/etc/containers/systemd/web.container\n/etc/containers/systemd/users/1001/x.container\n',
  ],
  [/^cat \/etc\/containers\/systemd\/web.container/, webQuadlet],
  [/^cat \/etc\/systemd\/system\/report/, '[Service]\n'],
  [/^sha256sum -- (\S+)/, `${'a'.repeat(64)}  x\n`],
  [/^systemctl show/, systemUnits],
  [/--user show/, ''],
  [/^podman ps/, 'writer-id\nweb-id\n'],
  [/notes.*podman ps/, 'notes-id\n'],
  [/podman images/, '[{"Id":"sha","Names":["localhost/lab/web:1"]}]'],
  [
    /^podman container inspect/,
    JSON.stringify([
      container('writer', '/mnt/docker/writer'),
      container('web', '/mnt/docker/web', 'web.service'),
    ]),
  ],
  [/notes.*podman container inspect/, JSON.stringify([container('notes', '/mnt/docker/notes')])],
  [/^stat --printf=%d/, '2049 131 0 0 755 directory'],
  [/^findmnt --noheadings/, 'ext4\n'],
  [/^test -r/, ''],
  [
    /^env LC_ALL=C find \/mnt\/docker/,
    'd 4096 8 2 9 2049 1000 100 web\0f 12 8 1 10 2049 1000 100 web/index\0',
  ],
  [/^env --chdir=\/mnt\/docker LC_ALL=C getfattr/, ''],
  [/^readlink/, readlink()],
];

/** doc2: podman was never used; nothing is at the path. */
export const doc2: readonly (readonly [RegExp, FakeAnswer])[] = [
  ...doc1.filter(([pattern]) => !/test|find -L|systemctl|--user|stat/.test(pattern.source)),
  [/^systemctl show/, ''],
];

/** prom: tools and pool are there, the dataset is not. */
export const prom: readonly (readonly [RegExp, FakeAnswer])[] = [
  [/^cat \/proc\/sys\/kernel\/hostname/, 'prom\n'],
  [/^uname/, '6.17.2-1-pve\n'],
  [/^pveversion/, 'pve-manager/9.1.4/5ac30304265fbd8e (running kernel: 6.17.2-1-pve)\n'],
  [/^zfs version/, 'zfs-2.3.4-pve1\nzfs-kmod-2.3.4-pve1\n'],
  [/^rsync --version/, 'rsync  version 3.4.1  protocol version 32\n'],
  [/^rsync --dry-run .* \/$/, ''],
  [/^test -x \/usr\/libexec\/virtiofsd/, ''],
  [/^command -v/, '/usr/bin/x\n'],
  [/^zpool list/, 'nvmeprom\t1992864825344\t805306368000\t1187558457344\tONLINE\t123456789\toff\n'],
  [
    /^zfs list .* nvmeprom$/,
    'nvmeprom\t805306368000\t1150000000000\t98304\tyes\ton\toff\toff\ton\t131072\ton\t0\t0\t123456789\t/nvmeprom\n',
  ],
  [/^zfs list/, { exitCode: 1, stderr: "cannot open 'nvmeprom/containers': dataset does not exist" }],
];
