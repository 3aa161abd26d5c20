/**
 * Everything of the fleet's own files that needs no guest: hosts.nix, Nix, OpenTofu, `drayage check`. Says which of the real
 * programs this machine has: what needs one that is missing is skipped.
 */
import { execa } from 'execa';

/** Parts of the names of test files, and what they need. */
const always = [
  ...[
    'test/nix/',
    'test/tofu/',
    'test/plan/tofu/',
    'test/plan/drift',
    'test/plan/fleet/',
    'test/plan/guest/',
    'test/create/',
    'test/integrate/',
    'test/check/',
    'test/config/',
  ],
  'test/platform/cli/tofu',
];
const needing = [
  {
    programs: ['nix-instantiate'],
    install: 'apt-get install nix-bin',
    files: ['test/platform/nix/', 'test/platform/cli/guest-share'],
  },
  {
    programs: ['tofu', 'terraform'],
    install: 'https://opentofu.org/docs/intro/install/',
    files: ['test/platform/tofu/'],
  },
  {
    programs: ['curl'],
    install: 'apt-get install curl qemu-utils',
    files: ['test/platform/create/'],
  },
  { programs: ['sshd'], install: 'apt-get install openssh-server', files: ['test/platform/integrate/'] },
  { programs: ['git'], install: 'apt-get install git', files: ['test/platform/check/'] },
];

async function isHere(program: string): Promise<boolean> {
  return (await execa('sh', ['-c', 'command -v "$1"', 'sh', program], { reject: false })).exitCode === 0;
}

const files = [...always];
for (const { programs, install, files: more } of needing) {
  const found = (await Promise.all(programs.map(isHere))).some((here) => here);
  if (found) files.push(...more);
  console.log(
    found
      ? `${programs.join(' or ')}: found`
      : `${programs.join(' or ')}: missing, so ${more.join(', ')} is skipped: ${install}`,
  );
}
const argv = ['run', '--project', 'unit', '--project', 'platform', '--reporter=dot', ...files];
const result = await execa('vitest', argv, { stdio: 'inherit', reject: false });
process.exitCode = result.exitCode ?? 1;
