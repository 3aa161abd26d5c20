import { describe, expect, it } from 'vitest';
import { startsOf } from '../../src/workloads/starts.ts';

const starts = (line: string) => startsOf(line.split(' ')[0] as string, line.split(' '));

describe('what a command of a unit starts', () => {
  it.each([
    ['/usr/bin/podman start web', 'podman start web', ['web']],
    [
      '/usr/bin/podman --log-level info container restart -t 10 web db',
      'podman restart web db',
      ['web', 'db'],
    ],
    ['/usr/bin/podman run -d --rm --name web localhost/web:1', 'podman run --name web', ['web']],
    ['/usr/bin/docker run --name=web web:1', 'docker run --name web', ['web']],
    ['/bin/sh -c podman start web', 'podman start web', ['web']],
    ['/usr/bin/env podman start web', 'podman start web', ['web']],
    ['/usr/bin/flock /run/web.lock /usr/bin/podman start web', 'podman start web', ['web']],
  ])('%s: the containers it names', (line, command, containers) => {
    expect(starts(line)).toEqual([{ command, containers }]);
  });

  it.each([
    ['/usr/bin/podman-compose -f /srv/stack/compose.yaml up -d', 'podman-compose up'],
    ['/usr/bin/docker-compose up', 'docker-compose up'],
    ['/usr/bin/docker compose --project-name media up -d', 'docker compose up'],
    ['/usr/bin/podman start --all --filter restart-policy=always', 'podman start'],
    ['/usr/bin/podman run --rm localhost/web:1', 'podman run'],
    ['/usr/bin/podman kube play /srv/web.yaml', 'podman kube play'],
    ['/usr/bin/podman pod start media', 'podman pod start'],
    ['/usr/bin/podman newcommand web', 'podman'],
  ])('%s: containers that it does not name', (line, command) => {
    expect(starts(line)).toEqual([expect.objectContaining({ command })]);
    expect(starts(line)[0]).not.toHaveProperty('containers');
  });

  it.each([
    '/usr/bin/podman stop web',
    '/usr/bin/podman system prune --all --force',
    '/usr/bin/podman exec web backup',
    '/usr/bin/podman-compose down',
    '/usr/bin/docker compose pull',
    '/usr/bin/docker volume ls',
    '/usr/bin/dockerd -H fd://',
    '/usr/bin/backup --exclude /var/lib/docker',
    '/usr/bin/notify podman start web',
  ])('%s: none', (line) => {
    expect(starts(line)).toEqual([]);
  });

  it('is told for each command of a shell', () => {
    expect(starts('/bin/sh -c podman start db; podman start web && echo done').map((s) => s.command)).toEqual(
      ['podman start db', 'podman start web'],
    );
  });

  it.each([
    ['/usr/bin/docker compose -f a.yml --file=b.yml up -d', { files: ['a.yml', 'b.yml'] }],
    ['/usr/bin/docker -H unix:///x compose -p media up', { project: 'media', files: [] }],
    ['/usr/bin/docker-compose --project-directory /srv/m up -f', { folder: '/srv/m', files: [] }],
  ])('%s: which project', (line, compose) => {
    expect(starts(line)[0]?.compose).toEqual(compose);
  });

  it('keeps no word that may be secret', () => {
    const lines = ['/usr/bin/podman run -e TOKEN=hunter2 img', '/usr/bin/podman-compose --x hunter2 up'];
    expect(JSON.stringify(lines.map(starts))).not.toContain('hunter2');
  });
});
