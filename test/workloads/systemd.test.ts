import { describe, expect, it } from 'vitest';
import { parseShow, showUnits } from '../../src/workloads/systemd.ts';

const shown = `Id=report.service
LoadState=loaded
ActiveState=inactive
UnitFileState=static
FragmentPath=/etc/systemd/system/report.service
SourcePath=
DropInPaths=/usr/lib/systemd/system/service.d/10-timeout.conf /etc/systemd/system/report.service.d/50-drayage.conf /etc/systemd/system/report.service.d/local.conf
RequiresMountsFor=/mnt/docker/report /var/tmp
WorkingDirectory=!/mnt/docker/report
BindPaths=/mnt/docker/in:/in:rbind
ReadWritePaths=-/mnt/docker/out
EnvironmentFiles=/mnt/docker/report/.env (ignore_errors=no)
ExecStart={ path=/usr/local/bin/report ; argv[]=/usr/local/bin/report --token=hunter2 --data=/mnt/docker/db ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
TriggeredBy=report.timer
WantedBy=

Id=web.service
LoadState=loaded
ActiveState=active
UnitFileState=generated
FragmentPath=/run/systemd/generator/web.service
SourcePath=/etc/containers/systemd/web.container
WantedBy=multi-user.target
`;

describe('systemctl show', () => {
  it('asks for inactive units too, and never for Environment', () => {
    const argv = showUnits(['*.service'], 'user');
    expect(argv).toContain('--all');
    expect(argv[1]).toBe('--user');
    expect(argv.join(' ')).not.toMatch(/[=,]Environment(,| |$)/);
  });

  it('names the paths that a service uses, without the words of its command', () => {
    const [report] = parseShow(shown);
    expect(report).toMatchObject({
      id: 'report.service',
      active: false,
      paths: expect.arrayContaining([
        '/mnt/docker/report',
        '/mnt/docker/in',
        '/mnt/docker/out',
        '/mnt/docker/db',
        '/mnt/docker/report/.env',
      ]),
      environmentFiles: ['/mnt/docker/report/.env'],
      programs: ['/usr/local/bin/report'],
      triggeredBy: ['report.timer'],
      startsAtBoot: false,
    });
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });

  it('counts drop-ins of the unit alone, without those that drayage made', () => {
    expect(parseShow(shown)[0]?.dropIns).toEqual(['/etc/systemd/system/report.service.d/local.conf']);
  });

  it('tells a generated unit and where it comes from', () => {
    expect(parseShow(shown)[1]).toMatchObject({
      active: true,
      unitFileState: 'generated',
      sourcePath: '/etc/containers/systemd/web.container',
      startsAtBoot: true,
    });
  });

  it('takes a oneshot at work for what it is: over in a moment, unless it remains active after its end', () => {
    const at = (state: string, more: string) =>
      parseShow(`Id=a.service\nActiveState=${state}\n${more}`)[0]?.active;
    expect(at('activating', 'Type=oneshot\nRemainAfterExit=no')).toBe(false);
    expect(at('active', 'Type=oneshot\nRemainAfterExit=yes')).toBe(true);
    expect(at('activating', 'Type=notify\nRemainAfterExit=no')).toBe(true);
  });

  it('refuses a block that does not say which unit it is', () => {
    expect(() => parseShow('ActiveState=active\n')).toThrow(
      expect.objectContaining({
        code: 'workloads/unknown-shape',
        seen: expect.stringContaining('without Id'),
      }),
    );
  });
});
