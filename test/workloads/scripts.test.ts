import { describe, expect, it } from 'vitest';
import { cronJobs, numberedLines, scriptsOf, startsInScript } from '../../src/workloads/scripts.ts';

const lines = (text: string) =>
  numberedLines(
    text.replace(
      /^/gm,
      (() => {
        let number = 0;
        return () => `${++number}:`;
      })(),
    ),
  );

describe('the jobs of a crontab', () => {
  it('name their user in the system files, with times or a word', () => {
    const text = [
      '# m h dom mon dow user command',
      'PATH=/usr/bin:/bin',
      'MAILTO = "root"',
      '17 *  * * *  root  podman start writer',
      '@reboot media docker compose -f /srv/m.yml up -d',
      '',
    ].join('\n');
    expect(cronJobs(lines(text), 'system')).toEqual([
      { line: 4, words: ['podman', 'start', 'writer'] },
      { line: 5, user: 'media', words: ['docker', 'compose', '-f', '/srv/m.yml', 'up', '-d'] },
    ]);
  });

  it('of a user are his', () => {
    expect(cronJobs(lines('*/5 * * * * /home/notes/start.sh'), { user: 'notes' })).toEqual([
      { line: 1, user: 'notes', words: ['/home/notes/start.sh'] },
    ]);
    expect(cronJobs(lines('@daily podman start web'), { user: 'root' })[0]).not.toHaveProperty('user');
  });

  it('end at a percent sign, unless it is escaped', () => {
    expect(cronJobs(lines('0 3 * * * date +\\%F % podman start web'), { user: 'root' })[0]?.words).toEqual([
      'date',
      '+\\%F',
      '',
    ]);
  });

  it('of anacron have three fields before', () => {
    expect(cronJobs(lines('1 5 web podman start web'), 'anacron')[0]?.words).toEqual([
      'podman',
      'start',
      'web',
    ]);
  });
});

describe('a script', () => {
  it('is one that no package brought', () => {
    expect(
      scriptsOf([
        '/usr/bin/flock',
        '/run/x.lock',
        '/opt/media/up.sh',
        '"/root/x y.sh"',
        '/tmp/*.sh',
        'up.sh',
      ]),
    ).toEqual(['/opt/media/up.sh', '/root/x y.sh']);
  });

  it('starts what its lines start', () => {
    const text =
      '#!/bin/sh\n# podman start commented\ncd /srv && docker compose up -d\npodman stop web; podman start web\n';
    expect(startsInScript(lines(text)).map(({ command }) => command)).toEqual([
      'docker compose up',
      'podman start web',
    ]);
  });
});
