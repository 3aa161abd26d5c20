import { describe, expect, it } from 'vitest';
import { parseQuadlet } from '../../src/workloads/quadlet.ts';

const root = {
  file: '/etc/containers/systemd/web.container',
  home: '/root',
  uid: 0,
  movedPaths: ['/mnt/docker'],
};
const user = {
  file: '/home/notes/.config/containers/systemd/notes.container',
  home: '/home/notes',
  uid: 1001,
  movedPaths: ['/home/notes/data'],
};

describe('a quadlet', () => {
  it('names its bind sources, image and container', () => {
    const text = `[Unit]
Description=Web
# Volume=/no:/no
[Container]
Image=localhost/lab/web:1
ContainerName=%N-main
Volume=/mnt/docker/web:/data:Z
Mount=type=bind,source=/mnt/docker/conf,\\
  destination=/conf
Environment=DB_PASSWORD=hunter2
EnvironmentFile=-/mnt/docker/web/.env
[Install]
WantedBy=multi-user.target
`;
    const quadlet = parseQuadlet(text, root);
    expect(quadlet).toEqual({
      unit: 'web.service',
      paths: ['/mnt/docker/web', '/mnt/docker/conf', '/mnt/docker/web/.env'],
      image: 'localhost/lab/web:1',
      containerName: 'web-main',
      startsAtBoot: true,
    });
    expect(JSON.stringify(quadlet)).not.toContain('hunter2');
  });

  it("resolves a user's specifiers and paths relative to the file", () => {
    const text = '[Container]\nImage=x\nVolume=%h/data:/data\nVolume=./extra:/e\n';
    expect(parseQuadlet(text, user).paths).toEqual([
      '/home/notes/data',
      '/home/notes/.config/containers/systemd/extra',
    ]);
  });

  it('begins anew after an empty assignment', () => {
    const text = '[Container]\nVolume=/a:/a\nVolume=\nVolume=/b:/b\n';
    expect(parseQuadlet(text, root).paths).toEqual(['/b']);
  });

  it.each([
    ['Network=front.network', 'needs front.network'],
    ['Pod=media.pod', 'belongs to media.pod'],
    ['Secret=db,type=env', 'uses the podman secret db'],
    ['Volume=cache.volume:/c', 'keeps data in the podman volume cache.volume'],
    ['EnvironmentFile=/etc/web.env', 'reads its environment from /etc/web.env, which does not move'],
    ['Volume=%i/x:/c', 'keeps data in the podman volume %i/x'],
    ['Volume=/srv/%i:/c', 'whose specifier drayage does not resolve'],
    ['Image=web.build', 'needs web.build'],
  ])('with %s cannot be carried, and says why', (line, reason) => {
    expect(parseQuadlet(`[Container]\nImage=x\n${line}\n`, root).cannotCarry).toContain(reason);
  });

  it('of a volume names the directory that it binds', () => {
    const file = '/etc/containers/systemd/data.volume';
    expect(
      parseQuadlet('[Volume]\nDevice=/mnt/docker/v\nType=none\nOptions=bind\n', { ...root, file }),
    ).toEqual({
      unit: 'data-volume.service',
      paths: ['/mnt/docker/v'],
      startsAtBoot: false,
    });
  });
});
