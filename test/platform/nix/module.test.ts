/**
 * The module, evaluated by the real Nix, and what a NixOS machine would make of it, read by the real systemd. nixpkgs is
 * not there: a few lines below write fstab and units from the evaluated attributes as NixOS does.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionsDropIn, dropInFolder, fenceDropIn } from '../../../src/guest/drop-in.ts';
import { bindMountUnit, virtiofsMountUnit } from '../../../src/guest/mount-unit.ts';
import { mountUnitName } from '../../../src/guest/unit-name.ts';
import { stampedModule } from '../../../src/nix/laid-module.ts';
import { nixosGuestModule } from '../../../src/nix/mount-module.ts';
import { twoMoves } from '../../nix/module-sample.ts';

interface FileSystem {
  readonly device: string;
  readonly fsType: string;
  readonly options: readonly string[];
  readonly noCheck?: boolean;
}
interface Units {
  readonly services?: Record<string, { readonly unitConfig: Record<string, readonly string[]> }>;
  readonly units?: Record<string, { readonly overrideStrategy: string; readonly text: string }>;
}
interface Module {
  readonly fileSystems: Record<string, FileSystem>;
  readonly systemd: Units & { readonly user: Units };
}

function evaluated(text: string): Module {
  return JSON.parse(
    execFileSync('nix-instantiate', ['--store', 'dummy://', '--eval', '--json', '--strict', '-'], {
      input: `(${text}) { config = { }; lib = { }; }`,
      env: { ...process.env, NIX_CONFIG: 'build-users-group =' },
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString('utf8'),
  );
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-units-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
};

/** A user whose home is the folder. */
const own = (): NodeJS.ProcessEnv => {
  const { XDG_CONFIG_HOME: _, ...others } = process.env;
  return { ...others, HOME: folder, XDG_RUNTIME_DIR: folder };
};

/** What systemd says about units whose files lie in the folder; nothing when all is well. */
function verify(units: readonly string[], manager: 'system' | 'user' = 'system'): string {
  const { status, stderr, error } = spawnSync(
    'systemd-analyze',
    [
      ...(manager === 'user' ? ['--user'] : []),
      '--man=no',
      'verify',
      ...units.map((unit) => join(folder, unit)),
    ],
    {
      encoding: 'utf8',
      env: { ...own(), SYSTEMD_UNIT_PATH: `${folder}:` },
    },
  );
  if (error !== undefined) throw error;
  return status === 0 ? stderr : `exit ${status}\n${stderr}`;
}

const service = (lines: readonly string[] = []) =>
  ['[Unit]', ...lines, '[Service]', 'ExecStart=/bin/true', ''].join('\n');

/** As nixos/modules/tasks/filesystems.nix writes it: white space escaped, no check when there is none to be. */
function fstab(fileSystems: Module['fileSystems']): string {
  const escaped = (text: string) => text.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  return Object.entries(fileSystems)
    .map(([at, { device, fsType, options, noCheck }]) =>
      [escaped(device), escaped(at), fsType, options.map(escaped).join(','), '0', noCheck ? '0' : '2'].join(
        ' ',
      ),
    )
    .concat('')
    .join('\n');
}

describe('the module of a NixOS guest, to the real Nix', () => {
  const module = () => evaluated(nixosGuestModule('doc2', twoMoves));

  test('is one of mounts alone where nothing moves yet, with the line by which it is known again', () => {
    const alone = [{ mount: '/mnt/\u0024{HOME} "x"', mapping: 'media' }];
    const { fileSystems, systemd } = evaluated(stampedModule(nixosGuestModule('doc2', [], alone)));
    expect(systemd).toBeUndefined();
    expect(Object.entries(fileSystems)).toMatchObject([['/mnt/\u0024{HOME} "x"', { device: 'media' }]]);
  });

  test('is a function with mounts and units, and nothing else', () => {
    const { fileSystems, systemd, ...rest } = module();
    expect(rest).toEqual({});
    expect(fileSystems).toEqual({
      '/mnt/containers': {
        device: 'containers',
        fsType: 'virtiofs',
        options: ['rw', 'relatime', 'nofail', 'x-systemd.mount-timeout=30s'],
        noCheck: true,
      },
      '/mnt/docker': {
        device: '/mnt/containers/doc1',
        fsType: 'none',
        options: ['bind', 'nofail', 'x-systemd.requires-mounts-for=/mnt/containers'],
      },
      '/srv/music-2': {
        device: '/mnt/containers/music',
        fsType: 'none',
        options: ['bind', 'nofail', 'x-systemd.requires-mounts-for=/mnt/containers'],
      },
    });
    expect(Object.keys(systemd.services ?? {})).toEqual(['web']);
    expect(Object.keys(systemd.units ?? {})).toEqual(['nightly.timer', 'notes.service']);
    expect(Object.keys(systemd.user.services ?? {})).toEqual(['sync']);
    expect(Object.keys(systemd.user.units ?? {})).toEqual(['podman-compose@photos.service']);
  });

  test('gives a unit of two moves the conditions of both, as lists that NixOS can merge', () => {
    expect(module().systemd.services?.web?.unitConfig).toEqual({
      RequiresMountsFor: ['/mnt/docker', '/srv/music-2'],
      BindsTo: ['mnt-docker.mount', mountUnitName('/srv/music-2')],
      After: ['mnt-docker.mount', mountUnitName('/srv/music-2')],
      AssertPathIsMountPoint: ['/mnt/docker', '/srv/music-2'],
      AssertPathExists: [
        '/mnt/containers/.drayage/share.json',
        '/mnt/containers/.drayage/moves/docker/released',
        '/mnt/containers/.drayage/moves/music/released',
      ],
    });
  });

  test('gives a user only what a user manager knows', () => {
    expect(module().systemd.user.units?.['podman-compose@photos.service']).toEqual({
      overrideStrategy: 'asDropin',
      text: [
        '[Unit]',
        'AssertPathIsMountPoint=/mnt/docker',
        'AssertPathExists=/mnt/containers/.drayage/share.json',
        'AssertPathExists=/mnt/containers/.drayage/moves/docker/released',
        '',
      ].join('\n'),
    });
  });

  test('mounts, to systemd, without which the machine boots, in the right order', () => {
    put('fstab', fstab(module().fileSystems));
    mkdirSync(join(folder, 'out'));
    execFileSync(
      '/lib/systemd/system-generators/systemd-fstab-generator',
      [join(folder, 'out'), join(folder, 'out'), join(folder, 'out')],
      {
        env: { ...process.env, SYSTEMD_FSTAB: join(folder, 'fstab'), SYSTEMD_SYSROOT_FSTAB: '/dev/null' },
        stdio: 'pipe',
      },
    );
    const names = ['/mnt/containers', '/mnt/docker', '/srv/music-2'].map(mountUnitName);
    const made = readdirSync(join(folder, 'out'));
    // `requires` would be emergency mode for a share that is missing.
    expect(made).not.toContain('local-fs.target.requires');
    expect(readdirSync(join(folder, 'out', 'local-fs.target.wants'))).toEqual(expect.arrayContaining(names));
    const [share, bind] = names.map((name) => readFileSync(join(folder, 'out', name), 'utf8'));
    expect(share).toContain('TimeoutSec=30s');
    expect(bind).toContain('RequiresMountsFor=/mnt/containers');
    for (const name of names) put(name, readFileSync(join(folder, 'out', name), 'utf8'));
    expect(verify(names)).toBe('');
  });

  test('has units that systemd reads without a word', () => {
    const { systemd } = module();
    const unitConfig = Object.entries(systemd.services?.web?.unitConfig ?? {});
    put(
      'web.service',
      service(unitConfig.flatMap(([key, values]) => values.map((value) => `${key}=${value}`))),
    );
    for (const [name, { text }] of Object.entries(systemd.units ?? {})) {
      put(name, name.endsWith('.timer') ? '[Timer]\nOnCalendar=daily\nUnit=web.service\n' : service());
      put(`${name}.d/overrides.conf`, text);
    }
    for (const at of ['/mnt/docker', '/srv/music-2'])
      put(mountUnitName(at), bindMountUnit({ ...docker, at }).content);
    put(
      mountUnitName('/mnt/containers'),
      virtiofsMountUnit({ tag: 'containers', mount: '/mnt/containers' }).content,
    );
    expect(verify(['web.service', 'notes.service', 'nightly.timer'])).toBe('');
  });
});

const docker = {
  from: '/mnt/containers/doc1',
  at: '/mnt/docker',
  shareMount: '/mnt/containers',
  marker: '/mnt/containers/.drayage/share.json',
};

describe('units for other guests, to the real systemd', () => {
  const conditions = {
    path: '/mnt/docker',
    marker: docker.marker,
    released: '/mnt/containers/.drayage/moves/docker/released',
  };
  const share = virtiofsMountUnit({ tag: 'containers', mount: '/mnt/containers' });

  test('are mounts and conditions that it reads without a word', () => {
    const bind = bindMountUnit(docker);
    put(share.name, share.content);
    put(bind.name, bind.content);
    put('web.service', service());
    put('web.service.d/50-drayage.conf', conditionsDropIn(conditions));
    expect(verify([share.name, bind.name, 'web.service'])).toBe('');
  });

  test('are a fence that it reads without a word, for a user too', () => {
    put('web.service', service());
    put('web.service.d/50-drayage-fence.conf', fenceDropIn({ move: 'docker', target: 'doc2' }));
    expect(verify(['web.service'])).toBe('');
    put('web.service.d/50-drayage-fence.conf', fenceDropIn({ user: 'nils', move: 'docker', target: 'doc2' }));
    put('web.service.d/50-drayage.conf', conditionsDropIn({ ...conditions, user: 'nils' }));
    expect(verify(['web.service'], 'user')).toBe('');
  });

  test('go on NixOS into folders that it reads before all others', () => {
    const first = (...more: string[]) =>
      execFileSync('systemd-analyze', [...more, 'unit-paths'], {
        encoding: 'utf8',
        env: own(),
      }).split('\n')[0];
    expect(`${first()}/web.service.d`).toBe(dropInFolder({ name: 'web.service' }, 'nixos'));
    const ofUser = { name: 'web.service', user: 'nils', home: folder };
    expect(`${first('--user')}/web.service.d`).toBe(dropInFolder(ofUser, 'nixos'));
    // A key that it does not know is told of: the drop-in there is read.
    put('web.service', service());
    put('.config/systemd/user.control/web.service.d/50-drayage-fence.conf', '[Unit]\nNoSuchKey=1\n');
    expect(verify(['web.service'], 'user')).toContain('user.control/web.service.d/50-drayage-fence.conf:2');
  });

  test('would be told of, were they wrong', () => {
    put('web.service', service());
    put('web.service.d/50-drayage.conf', conditionsDropIn(conditions).replace('MountPoint', 'Mountpoint'));
    put('mnt-docker.mount', bindMountUnit(docker).content);
    put(share.name, share.content);
    expect(verify(['web.service'])).toContain("Unknown key 'AssertPathIsMountpoint'");
  });
});
