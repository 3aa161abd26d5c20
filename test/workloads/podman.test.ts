import { describe, expect, it } from 'vitest';
import { parseDockerInspect } from '../../src/workloads/docker.ts';
import {
  graphRootOf,
  parsePodmanImages,
  parsePodmanInspect,
  parseVolumeDevices,
  volumesOf,
} from '../../src/workloads/podman.ts';

const id = '09a131b2270b572f777384e2f518d29714aa31f42400937aac519e8c23333397';
const imageId = '0066bca8e2879e2bee5f2f1913c81f5f15002b34274850dd06b06554540f3324';

/** The parts that podman 4.3.1 prints, as on Debian 12; other keys are left away. */
const podman4 = {
  Id: id,
  State: { Status: 'running', Running: true, Pid: 812 },
  Image: imageId,
  ImageName: 'localhost/lab/writer:1',
  Name: 'writer',
  IsInfra: false,
  Mounts: [
    { Type: 'bind', Source: '/mnt/docker/writer', Destination: '/data', Options: ['rbind'], RW: true },
  ],
  Config: {
    Env: ['PATH=/usr/bin', 'DB_PASSWORD=hunter2', 'container=podman'],
    Entrypoint: '',
    Labels: null,
    StopSignal: 15,
    StopTimeout: 10,
    CreateCommand: [
      'podman',
      'run',
      '-d',
      '--name',
      'writer',
      '--restart',
      'always',
      '-e',
      'DB_PASSWORD=hunter2',
      '-v',
      '/mnt/docker/writer:/data:Z',
      '--network',
      'none',
      'localhost/lab/writer:1',
      '/bin/write',
    ],
  },
  HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
};

/** podman 5.4: lists where 4 had text, and `no` where 4 had nothing. */
const podman5 = {
  ...podman4,
  Name: 'web',
  Config: {
    ...podman4.Config,
    Entrypoint: ['/bin/web'],
    StopSignal: 'SIGTERM',
    StopTimeout: 30,
    Labels: { PODMAN_SYSTEMD_UNIT: 'web.service', 'com.docker.compose.project': 'media' },
    CreateCommand: null,
  },
  HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
};

const context = { movedPaths: ['/mnt/docker'] };
const parse = (containers: unknown) => parsePodmanInspect(JSON.stringify(containers), context);

describe('podman container inspect', () => {
  it('tells a container that was made by hand', () => {
    expect(parse([podman4])).toEqual([
      {
        engine: 'podman',
        name: 'writer',
        id,
        running: true,
        image: 'localhost/lab/writer:1',
        imageId,
        restartPolicy: 'always',
        bindSources: ['/mnt/docker/writer'],
        stopTimeoutSeconds: 10,
        create: {
          options: ['-v', '/mnt/docker/writer:/data:Z', '--network', 'none'],
          image: 'localhost/lab/writer:1',
          command: ['/bin/write'],
          environment: ['DB_PASSWORD'],
        },
      },
    ]);
  });

  it('never lets a value of a variable out', () => {
    expect(JSON.stringify(parse([podman4, podman5]))).not.toContain('hunter2');
  });

  it('tells unit and compose project, in the shape of podman 5', () => {
    expect(parse([podman5])[0]).toMatchObject({
      unit: 'web.service',
      compose: { project: 'media', service: '', files: [] },
      restartPolicy: 'no',
      stopTimeoutSeconds: 30,
    });
    expect(parse([podman5])[0]).not.toHaveProperty('create');
  });

  it('leaves out the infra containers of pods', () => {
    expect(parse([{ ...podman4, IsInfra: true }])).toEqual([]);
  });

  it('shows the limit of a restart policy', () => {
    const container = {
      ...podman4,
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    };
    expect(parse([container])[0]?.restartPolicy).toBe('on-failure:3');
  });

  it('says that a container with a volume of its image cannot be carried', () => {
    const container = {
      ...podman4,
      Mounts: [...podman4.Mounts, { Type: 'volume', Name: 'f00', Source: '/var/f00' }],
    };
    expect(parse([container])[0]?.create?.cannotCarry).toBe('keeps data in the podman volume f00');
  });

  it('says that a variable with a line break cannot be carried, without its value', () => {
    const container = { ...podman4, Config: { ...podman4.Config, Env: ['DB_PASSWORD=hunter2\nmore'] } };
    const create = parse([container])[0]?.create;
    expect(create?.cannotCarry).toContain('DB_PASSWORD has a line break');
    expect(JSON.stringify(create)).not.toContain('hunter2');
  });

  it('drops a variable that was named and never set', () => {
    const container = { ...podman4, Config: { ...podman4.Config, Env: [] } };
    expect(parse([container])[0]?.create?.environment).toEqual([]);
  });

  it('refuses another shape, and does not repeat what it held', () => {
    const broken = [
      { ...podman4, State: 'running', Config: { ...podman4.Config, Env: 'DB_PASSWORD=hunter2' } },
    ];
    expect(() => parse(broken)).toThrow(
      expect.objectContaining({
        code: 'workloads/unknown-shape',
        seen: expect.stringMatching(/^(?!.*hunter2).*0\.State: invalid_type/),
        next: expect.arrayContaining(['podman --version']),
      }),
    );
    expect(() => parsePodmanInspect('Error: no such container', context)).toThrow(/not JSON/);
  });
});

describe('the image store', () => {
  it('is where podman keeps a container', () => {
    const StaticDir = '/mnt/docker/.store/overlay-containers/09a1/userdata';
    expect(graphRootOf(JSON.stringify([{ ...podman4, StaticDir }]))).toBe('/mnt/docker/.store');
    expect(graphRootOf('[]')).toBeUndefined();
  });
});

describe('podman images', () => {
  it('names an image once that podman shows for each of its names', () => {
    const image = { Id: imageId, Names: ['localhost/a:1', 'localhost/a:2'] };
    expect(parsePodmanImages(JSON.stringify([image, image])).map(({ name }) => name)).toEqual([
      'localhost/a:1',
      'localhost/a:2',
    ]);
  });

  it('names every image that has a name', () => {
    const text = JSON.stringify([
      { Id: imageId, Names: ['localhost/a:1', 'localhost/a:2'] },
      { Id: 'x', Names: null },
    ]);
    expect(parsePodmanImages(text, 'notes')).toEqual([
      { name: 'localhost/a:1', id: imageId, user: 'notes' },
      { name: 'localhost/a:2', id: imageId, user: 'notes' },
    ]);
  });

  it.each(['', 'null\n', '[]'])('takes %j for an empty store', (text) => {
    expect(parsePodmanImages(text)).toEqual([]);
  });
});

describe('docker container inspect', () => {
  it('tells a container; docker does not keep its command', () => {
    const text = JSON.stringify([
      {
        Id: id,
        Name: '/immich',
        Image: 'sha256:00',
        State: { Running: false },
        Mounts: [
          { Type: 'bind', Source: '/mnt/docker/immich' },
          { Type: 'volume', Source: '/var/lib/docker/v' },
        ],
        Config: { Image: 'immich:1', Labels: { 'com.docker.compose.project': 'immich' } },
        HostConfig: { RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 } },
      },
    ]);
    expect(parseDockerInspect(text)).toEqual([
      {
        engine: 'docker',
        name: 'immich',
        id,
        running: false,
        image: 'immich:1',
        imageId: 'sha256:00',
        restartPolicy: 'unless-stopped',
        bindSources: ['/mnt/docker/immich'],
        stopTimeoutSeconds: 10,
        volumes: ['/var/lib/docker/v'],
        compose: { project: 'immich', service: '', files: [] },
      },
    ]);
  });
});

describe('what a docker container needs', () => {
  const made = (name: string, service: string, more: object = {}, labels: object = {}) => ({
    Id: `${name}-id`,
    Name: `/${name}`,
    Image: 'sha256:00',
    State: { Running: true },
    Config: {
      Image: 'x:1',
      Labels: {
        'com.docker.compose.project': 'media',
        'com.docker.compose.service': service,
        'com.docker.compose.project.working_dir': '/mnt/docker/media',
        'com.docker.compose.project.config_files': '/mnt/docker/media/compose.yaml',
        'com.docker.compose.config-hash': 'abc',
        'com.docker.compose.oneoff': 'False',
        ...labels,
      },
    },
    HostConfig: { RestartPolicy: { Name: 'always' }, ...more },
  });
  const parsed = (...containers: object[]) => parseDockerInspect(JSON.stringify(containers));

  it('is what its compose file says, by the names of the containers', () => {
    const depends = {
      'com.docker.compose.depends_on': 'db:service_healthy:true,cache:service_started:false',
    };
    const [web] = parsed(
      made('media-web-1', 'web', {}, depends),
      made('media-db-1', 'db'),
      made('media-cache-1', 'cache'),
      made('other-db-1', 'db', {}, { 'com.docker.compose.project': 'other' }),
    );
    expect(web?.needs).toEqual(['media-cache-1', 'media-db-1']);
    expect(web?.compose).toEqual({
      project: 'media',
      service: 'web',
      folder: '/mnt/docker/media',
      files: ['/mnt/docker/media/compose.yaml'],
      hash: 'abc',
    });
  });

  it('is the container whose network it shares', () => {
    const [, torrent] = parsed(
      made('vpn', 'vpn'),
      made('torrent', 'torrent', { NetworkMode: 'container:vpn-id' }),
    );
    expect(torrent?.needs).toEqual(['vpn']);
  });

  it('is told not to be given back when it is removed at its stop, or belongs to swarm', () => {
    const [removed, task, other] = parsed(
      made('a', 'a', { AutoRemove: true }),
      made('b', 'b', {}, { 'com.docker.swarm.service.name': 'web' }),
      made('c', 'c'),
    );
    expect(removed?.cannotFence).toContain('--rm');
    expect(task?.cannotFence).toContain('swarm service web');
    expect(other).not.toHaveProperty('cannotFence');
  });
});

describe('volumes', () => {
  it('are named by their containers', () => {
    const mounts = [
      { Type: 'volume', Name: 'web', Source: '/var/lib/containers/storage/volumes/web/_data' },
      { Type: 'bind', Source: '/mnt/docker/web' },
    ];
    expect(volumesOf(JSON.stringify([{ Id: id, Mounts: mounts }]))).toEqual(new Map([[id, ['web']]]));
  });

  it('tell the path that they bind', () => {
    // As podman 4.3.1 prints them.
    const web = {
      Name: 'web',
      Driver: 'local',
      Mountpoint: '/var/lib/containers/storage/volumes/web/_data',
      Options: { device: '/mnt/docker/web', o: 'bind', type: 'none' },
    };
    const others = [
      { ...web, Name: 'plain', Options: {} },
      { ...web, Name: 'docker', Options: null },
    ];
    expect(parseVolumeDevices(JSON.stringify([web, ...others]))).toEqual(
      new Map([['web', '/mnt/docker/web']]),
    );
  });
});
