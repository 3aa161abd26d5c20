/** Compiles, packs, installs the package into an empty folder with plain Node, and runs it there. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const folder = mkdtempSync(join(tmpdir(), 'drayage-package-'));
try {
  await execa('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  await execa('npm', ['pack', '--silent', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  const cwd = join(folder, 'empty');
  await execa('mkdir', [cwd]);
  await execa('npm', ['init', '--yes'], { cwd });
  await execa('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, tarball)], { cwd });
  const drayage = join(cwd, 'node_modules', '.bin', 'drayage');
  const version = await execa(drayage, ['version'], { cwd });
  if (!/^drayage \d+\.\d+\.\d+/.test(version.stdout)) throw new Error(`drayage version said: ${version.stdout}`);
  const schema = await execa(drayage, ['schema'], { cwd });
  JSON.parse(schema.stdout);
  const missing = await execa(drayage, ['plan'], { cwd, reject: false });
  if (missing.exitCode !== 2) throw new Error(`drayage plan without a file ended with ${missing.exitCode}: ${missing.stderr}`);
  console.log(`installed and ran ${version.stdout} from ${tarball}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
