/** Packs (which compiles), looks into the tarball, installs it into an empty folder with plain Node, and runs it there. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const folder = mkdtempSync(join(tmpdir(), 'drayage-package-'));
try {
  // A clone has no dist: packing must make it.
  rmSync('dist', { recursive: true, force: true });
  const packed = await execa('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    stderr: 'inherit',
  });
  const { filename: tarball, files } = tarballOf(packed.stdout);
  const foreign = files.filter(
    (file) => !/^(dist|docs)\/|^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(file),
  );
  if (foreign.length > 0) throw new Error(`the tarball holds ${foreign.join(', ')}`);
  const tests = files.filter((file) => /(^|\/)(test|lab|scripts)\/|\.test\./.test(file));
  if (tests.length > 0) throw new Error(`the tarball holds tests or the lab: ${tests.join(', ')}`);
  if (!files.includes('dist/cli/main.js')) throw new Error('the tarball has no dist/cli/main.js');
  const cwd = join(folder, 'empty');
  await execa('mkdir', [cwd]);
  await execa('npm', ['init', '--yes'], { cwd });
  // npm waits five minutes for an answer of the registry, three times.
  const patience = ['--fetch-timeout=60000', '--fetch-retries=4'];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await execa('npm', ['install', ...patience, ...quiet, join(folder, tarball)], {
    cwd,
  });
  if (existsSync(join(cwd, 'node_modules/typescript')))
    throw new Error('the compiler was installed with the package');
  const drayage = join(cwd, 'node_modules', '.bin', 'drayage');
  const version = await execa(drayage, ['version'], { cwd });
  if (!/^drayage \d+\.\d+\.\d+/.test(version.stdout))
    throw new Error(`drayage version said: ${version.stdout}`);
  const schema = await execa(drayage, ['schema'], { cwd });
  JSON.parse(schema.stdout);
  const missing = await execa(drayage, ['plan'], { cwd, reject: false });
  if (missing.exitCode !== 2)
    throw new Error(`drayage plan without a file ended with ${missing.exitCode}: ${missing.stderr}`);
  console.log(`installed and ran ${version.stdout} from ${tarball}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** npm up to 11 answers with a list, npm 12 with an object by package name. */
function tarballOf(json: string): { filename: string; files: string[] } {
  const answer = JSON.parse(json.slice(json.search(/^[[{]/m)));
  const [tarball] = Object.values(answer) as { filename: string; files: { path: string }[] }[];
  if (tarball === undefined) throw new Error(`npm pack made no tarball: ${json}`);
  return { filename: tarball.filename, files: tarball.files.map(({ path }) => path) };
}
