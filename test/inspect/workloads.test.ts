import { describe, expect, it } from 'vitest';
import { readSystem } from '../../src/guest/system.ts';
import { readWorkloads, type WorkloadsQuestion } from '../../src/inspect/guest-workloads.ts';
import { container, doc1, type FakeAnswer, fakeHost, readlink, systemUnits, unit } from './fake-guest.ts';

type Row = readonly [RegExp, FakeAnswer];

const wanted: WorkloadsQuestion = { movedPaths: ['/mnt/docker'], alsoUnits: [], isSource: true };

/** doc1 with some answers of its own, which go before the usual ones. */
async function read(rows: readonly Row[], question: Partial<WorkloadsQuestion> = {}) {
  const asked: string[] = [];
  const host = fakeHost('doc1', [...rows, ...doc1], asked);
  const found = await readWorkloads(host, await readSystem(host), { ...wanted, ...question });
  return { ...found, asked };
}

const exec = (line: string) =>
  `{ path=${line.split(' ')[0]} ; argv[]=${line} ; ignore_errors=no ; start_time=[n/a] }`;

const service = (name: string, line: string, more: Record<string, string> = {}) =>
  unit({
    Id: name,
    ActiveState: 'active',
    UnitFileState: 'enabled',
    FragmentPath: `/etc/systemd/system/${name}`,
    ExecStart: exec(line),
    WantedBy: 'multi-user.target',
    ...more,
  });

const shown = (...services: string[]): Row => [/^systemctl show/, [systemUnits, ...services].join('\n\n')];
const containers = (...list: object[]): Row => [/^podman container inspect/, JSON.stringify(list)];

describe('a unit that starts a container by its name', () => {
  const byName = service('container-db.service', '/usr/bin/podman start db');

  it('is a workload of the path that the container binds, and the container belongs to it', async () => {
    const found = await read([shown(byName), containers(container('db', '/mnt/docker/db'))]);
    expect(found.units.find(({ name }) => name === 'container-db.service')).toMatchObject({
      active: true,
      paths: ['/mnt/docker/db'],
      startsAtBoot: true,
      cannotCarry: expect.stringContaining('podman start db'),
    });
    expect(found.containers.find(({ name }) => name === 'db')?.unit).toBe('container-db.service');
    expect(found).not.toHaveProperty('startsContainers');
  });

  it('is not asked about when the container binds something else', async () => {
    const found = await read([shown(byName), containers(container('db', '/srv/db'))]);
    expect(found.units.map(({ name }) => name)).not.toContain('container-db.service');
    expect(found).not.toHaveProperty('startsContainers');
  });

  it('does not own a container that was started past it', async () => {
    const stopped = service('container-db.service', '/usr/bin/podman start db', { ActiveState: 'inactive' });
    const found = await read([shown(stopped), containers(container('db', '/mnt/docker/db'))]);
    expect(found.units.map(({ name }) => name)).toContain('container-db.service');
    expect(found.containers.find(({ name }) => name === 'db')).not.toHaveProperty('unit');
  });

  it('does not own one of docker: docker starts it by its own policy', async () => {
    const db = { ...container('db', '/mnt/docker/db'), Id: 'd1' };
    const found = await read([
      [/^docker --version/, 'Docker version 27.5.1, build 9f9e405\n'],
      [/^docker ps/, 'd1\n'],
      [
        /^docker container inspect d1/,
        JSON.stringify([{ ...db, Config: { ...db.Config, Image: 'db', Labels: {} } }]),
      ],
      shown(service('db.service', '/usr/bin/docker start db')),
    ]);
    expect(found.containers.find(({ engine }) => engine === 'docker')).not.toHaveProperty('unit');
    expect(found.units.map(({ name }) => name)).toContain('db.service');
  });

  it('is told when there is no such container', async () => {
    expect((await read([shown(byName)])).startsContainers).toEqual([
      { unit: 'container-db.service', command: 'podman start db' },
    ]);
  });
});

describe('a unit that starts containers it does not name', () => {
  const compose = '/usr/bin/podman-compose -f /srv/media/compose.yaml up';

  it('is told when it is enabled, or its timer is', async () => {
    const found = await read([
      shown(
        service('media.service', compose),
        service('nightly.service', '/usr/bin/docker compose up', {
          ActiveState: 'inactive',
          UnitFileState: 'static',
          WantedBy: '',
          TriggeredBy: 'report.timer',
        }),
        service('off.service', compose, {
          ActiveState: 'inactive',
          UnitFileState: 'disabled',
          WantedBy: '',
        }),
      ),
    ]);
    expect(found.startsContainers).toEqual([
      { unit: 'media.service', command: 'podman-compose up' },
      { unit: 'nightly.service', command: 'docker compose up' },
    ]);
  });

  it('is told with its user', async () => {
    const found = await read([[/--user show/, service('media.service', compose)]]);
    expect(found.startsContainers).toEqual([
      { unit: 'media.service', user: 'notes', command: 'podman-compose up' },
    ]);
  });

  it('is a unit of the move, and cannot be carried, when the configuration names it', async () => {
    const system = await read([shown(service('media.service', compose))], { alsoUnits: ['media.service'] });
    expect(system.units.find(({ name }) => name === 'media.service')?.cannotCarry).toContain(
      'podman-compose up',
    );
    const user = await read([[/--user show/, service('media.service', compose)]], {
      alsoUnits: ['media.service'],
    });
    expect(user.units.find(({ name }) => name === 'media.service')?.user).toBe('notes');
  });

  it("is not one of podman's own, nor made of a quadlet, nor made for a running container", async () => {
    const found = await read([
      shown(
        service('podman-restart.service', '/usr/bin/podman start --all --filter restart-policy=always'),
        service('podman-auto-update.service', '/usr/bin/podman auto-update'),
        service('podman.service', '/usr/bin/podman system service'),
        service('other.service', '/usr/bin/podman run --rm x', {
          SourcePath: '/etc/containers/systemd/other.container',
        }),
        service('0a1b.service', '/usr/bin/podman run x', {
          FragmentPath: '/run/systemd/transient/0a1b.service',
        }),
      ),
    ]);
    expect(found).not.toHaveProperty('startsContainers');
  });
});

describe('a path of a container or unit', () => {
  const links: Row = [/^readlink -m/, readlink({ '/docker': '/mnt/docker' })];

  it('that reaches the source through a link counts as the real one', async () => {
    const found = await read([links, containers(container('db', '/docker/db'))]);
    expect(found.containers.find(({ name }) => name === 'db')?.bindSources).toEqual([
      '/docker/db',
      '/mnt/docker/db',
    ]);
  });

  it('of a quadlet or a service may be a link too', async () => {
    const quadlet = '[Container]\nImage=web\nVolume=/docker/web:/data\n';
    const found = await read([
      links,
      [/^cat \/etc\/containers\/systemd\/web.container/, quadlet],
      shown(service('job.service', '/usr/bin/job --data=/docker/job')),
      containers(),
    ]);
    expect(found.units.map(({ name, paths }) => [name, paths])).toEqual(
      expect.arrayContaining([
        ['web.service', ['/docker/web', '/mnt/docker/web']],
        ['job.service', ['/mnt/docker/job']],
      ]),
    );
  });

  it('whose real place does not move stays as it is', async () => {
    const found = await read([
      [/^readlink -m/, readlink({ '/etc/localtime': '/usr/share/zoneinfo/UTC' })],
      containers(container('db', '/etc/localtime')),
    ]);
    expect(found.containers[0]?.bindSources).toEqual(['/etc/localtime']);
  });

  it('on a share is not touched: one that is gone never answers', async () => {
    const mounts =
      '{"filesystems":[{"target":"/","source":"a","fstype":"ext4"},{"target":"/mnt/docker","source":"b","fstype":"virtiofs"}]}';
    const { asked } = await read([[/^findmnt --json/, mounts]]);
    expect(asked.filter((command) => /^readlink/.test(command))).toEqual([]);
  });

  it('is looked for in the devices of volumes', async () => {
    const db = {
      ...container('db', '/srv/db'),
      Mounts: [{ Type: 'volume', Name: 'db', Source: '/x/_data' }],
    };
    const volume = { Name: 'db', Options: { type: 'none', o: 'bind', device: '/docker/db' } };
    const found = await read([
      links,
      containers(db),
      [/^podman volume inspect db/, JSON.stringify([volume])],
    ]);
    expect(found.containers[0]).toMatchObject({
      bindSources: ['/mnt/docker/db'],
      create: { cannotCarry: expect.stringContaining('volume db') },
    });
    const refused = await read([containers(db), [/^podman volume/, { exitCode: 125, stderr: 'no' }]]);
    expect(refused.notSeen).toContainEqual(
      expect.objectContaining({
        what: 'volumes of containers',
        seen: 'no',
        next: expect.stringContaining('podman volume inspect db'),
      }),
    );
  });

  it('may come from a volume that is a quadlet', async () => {
    const found = await read([
      [
        /^find -L \/run\/containers\/systemd /,
        '/etc/containers/systemd/web.container\n/etc/containers/systemd/web.volume\n',
      ],
      [/^cat \/etc\/containers\/systemd\/web.container/, '[Container]\nImage=web\nVolume=web.volume:/data\n'],
      [/^cat \/etc\/containers\/systemd\/web.volume/, '[Volume]\nDevice=/mnt/docker/web\nOptions=bind\n'],
      containers(),
    ]);
    expect(found.units.find(({ name }) => name === 'web.service')?.paths).toEqual(['/mnt/docker/web']);
  });

  it('must be resolved: an answer with fewer lines is refused', async () => {
    await expect(read([[/^readlink -m/, 'one\n']])).rejects.toMatchObject({
      code: 'guest/unexpected-output',
      next: ['readlink --version   # GNU coreutils is needed'],
    });
  });
});

describe("drayage's fences", () => {
  it('are seen in all three folders', async () => {
    const path = '/etc/systemd/system/web.service.d/50-drayage-fence.conf';
    const { fences, asked } = await read([[/^find -H \/etc\/systemd/, `${path}\n`]]);
    expect(fences).toEqual([path]);
    expect(asked.find((command) => command.startsWith('find -H'))).toMatch(
      /^find -H \/etc\/systemd\/system \/etc\/systemd\/system.control \/etc\/systemd\/user /,
    );
    expect(await read([])).not.toHaveProperty('fences');
  });
});

describe('what was not seen', () => {
  const asleep: readonly Row[] = [
    [/^test -S \/run\/user\/1001/, { exitCode: 1 }],
    [/^find -L \/home\/notes\/\.local\/share\/containers/, '/home/notes/containers.json\n'],
    [/^find -L \/home\/notes\/\.config/, ''],
  ];

  it('is a user who has containers and whose manager does not run', async () => {
    const { notSeen, containers } = await read(asleep);
    expect(containers.map(({ name }) => name)).toEqual(['writer', 'web']);
    expect(notSeen).toEqual([
      {
        subject: 'guest doc1',
        what: 'containers and units of user notes',
        seen: expect.stringContaining('/home/notes/containers.json'),
        next: expect.stringContaining('loginctl enable-linger notes'),
      },
    ]);
  });

  it('is not a user who has nothing, nor one of a target', async () => {
    const nothing: Row = [/^find -L \/home\/notes\/\.local\/share\/containers/, ''];
    expect((await read([nothing, ...asleep])).notSeen).toEqual([]);
    expect((await read(asleep, { isSource: false })).notSeen).toEqual([]);
  });

  it('is a folder or file of quadlets that may not be read', async () => {
    const denied = { exitCode: 1, stderr: 'find: ‘/etc/containers/systemd’: Permission denied' };
    expect((await read([[/^find -L \/run\/containers/, denied]])).notSeen).toContainEqual(
      expect.objectContaining({ what: 'quadlets', seen: denied.stderr }),
    );
    const file = { exitCode: 1, stderr: 'cat: Permission denied' };
    expect((await read([[/^cat \/etc\/containers\/systemd\/web/, file]])).notSeen).toContainEqual(
      expect.objectContaining({ what: 'quadlet /etc/containers/systemd/web.container' }),
    );
    const absent = { exitCode: 1, stderr: 'find: ‘/etc/containers’: No such file or directory' };
    expect((await read([[/^find -L \/run\/containers/, absent]])).notSeen).toEqual([]);
  });

  it('is docker whose daemon does not answer, unless nothing would start it', async () => {
    const docker: readonly Row[] = [
      [/^docker --version/, 'Docker version 27.5.1, build 9f9e405\n'],
      [/^docker ps/, { exitCode: 1, stderr: 'Cannot connect to the Docker daemon at unix:///x' }],
    ];
    expect((await read(docker)).notSeen).toEqual([]);
    const socket = service('docker.service', '/usr/bin/dockerd', {
      ActiveState: 'inactive',
      UnitFileState: 'disabled',
      TriggeredBy: 'docker.socket',
    });
    expect((await read([shown(socket), ...docker])).notSeen).toContainEqual(
      expect.objectContaining({ what: 'docker containers' }),
    );
  });

  it('is never all users: a guest that does not tell them is not seen at all', async () => {
    await expect(read([[/^getent passwd/, { exitCode: 2, stderr: 'no' }]])).rejects.toMatchObject({
      code: 'guest/unexpected-output',
      seen: expect.stringContaining('getent passwd'),
      next: [expect.stringContaining('getent passwd')],
    });
  });

  it("is not docker where docker is podman's", async () => {
    const { notSeen, asked } = await read([[/^docker --version/, 'podman version 5.4.2\n']]);
    expect(notSeen).toEqual([]);
    expect(asked.filter((command) => /^docker ps/.test(command))).toEqual([]);
  });
});

describe('cron jobs and scripts', () => {
  const cron = (files: Readonly<Record<string, string>>): Row[] => [
    [
      /^find -L \/etc\/crontab/,
      `${Object.keys(files)
        .filter((file) => /cron/.test(file))
        .join('\n')}\n`,
    ],
    [/^find -L .* -maxdepth 0 -type f/, `${Object.keys(files).join('\n')}\n`],
    [
      /^grep -I -n/,
      (command) => {
        const text = files[command.split(' -- ')[1] as string] ?? '';
        return text
          .split('\n')
          .map((line, index) => `${index + 1}:${line}`)
          .join('\n');
      },
    ],
  ];

  it('that start a container of a move are told, with file and line', async () => {
    const found = await read(cron({ '/etc/cron.d/media': '# jobs\n@reboot root podman start writer\n' }));
    expect(found.startsContainers).toEqual([
      { unit: '/etc/cron.d/media', cron: true, command: 'podman start writer (line 2)' },
    ]);
  });

  it('of a user are asked for his containers', async () => {
    const found = await read(
      cron({ '/var/spool/cron/crontabs/notes': '@reboot podman start notes\n@daily podman start writer\n' }),
    );
    expect(found.startsContainers?.map(({ user, command }) => [user, command])).toEqual([
      ['notes', 'podman start notes (line 1)'],
      // He has no such container: which one it is, is not known.
      ['notes', 'podman start writer (line 2)'],
    ]);
  });

  it('are read through the scripts that they run', async () => {
    const found = await read(
      cron({
        '/var/spool/cron/crontabs/root': '0 4 * * * /opt/nightly.sh --all\n',
        '/opt/nightly.sh': '#!/bin/sh\npodman stop web\npodman-compose -f /srv/m.yml up -d\n',
        '/etc/cron.daily/restart': '#!/bin/sh\nexec podman restart writer\n',
      }),
    );
    expect(found.startsContainers).toEqual([
      { unit: '/var/spool/cron/crontabs/root', cron: true, command: 'podman-compose up (line 1)' },
      { unit: '/etc/cron.daily/restart', cron: true, command: 'podman restart writer' },
    ]);
  });

  it('that start something else are not told', async () => {
    const [row] = [containers(container('cache', '/srv/cache'))];
    const found = await read([
      row,
      ...cron({ '/etc/cron.d/x': '@daily root podman start cache\n@daily root podman exec writer backup\n' }),
    ]);
    expect(found).not.toHaveProperty('startsContainers');
  });

  it('of a unit, in its script, are told as the unit', async () => {
    const found = await read([
      shown(service('media.service', '/opt/media/up.sh')),
      ...cron({ '/opt/media/up.sh': '#!/bin/sh\ndocker compose up -d\n' }),
    ]);
    expect(found.startsContainers).toEqual([
      { unit: 'media.service', command: '/opt/media/up.sh (docker compose up)' },
    ]);
  });
});

describe('a .kube quadlet', () => {
  const kube: Row[] = [
    [/^find -L \/run\/containers\/systemd /, '/etc/containers/systemd/media.kube\n'],
    [/^cat \/etc\/containers\/systemd\/media.kube/, '[Kube]\nYaml=media.yaml\n'],
    [
      /^cat \/etc\/containers\/systemd\/media.yaml/,
      'kind: Pod\nmetadata: { name: media }\nspec:\n  containers: [{ name: db }]\n  volumes: [{ hostPath: { path: /mnt/docker/media } }]\n',
    ],
    containers(container('media-db', '/mnt/docker/media')),
  ];

  it('is a unit of the move, found by its Kubernetes file, and owns what it plays', async () => {
    const found = await read(kube);
    expect(found.units.find(({ name }) => name === 'media.service')).toMatchObject({
      quadlet: true,
      paths: ['/mnt/docker/media'],
      cannotCarry: expect.stringContaining('Kubernetes'),
    });
    expect(found.containers.find(({ name }) => name === 'media-db')).toMatchObject({
      unit: 'media.service',
      played: true,
    });
  });

  it('whose file cannot be read is told', async () => {
    const found = await read([[/^cat .*media.yaml/, { exitCode: 1, stderr: 'cat: no' }], ...kube]);
    expect(found.notSeen).toMatchObject([{ what: 'Kubernetes file of media.service' }]);
  });
});
