/**
 * Everything of the fleet's own files that needs no guest: hosts.nix, Nix, OpenTofu, `drayage check`. Says which of the real
 * programs this machine has: what needs one that is missing is skipped.
 */
import { execa } from 'execa';

const programs = [
  { names: ['nix-instantiate'], what: 'evaluation by the real Nix', install: 'apt-get install nix-bin' },
  {
    names: ['tofu', 'terraform'],
    what: 'the generated files in the real OpenTofu or Terraform',
    install: 'https://opentofu.org/docs/intro/install/',
  },
  { names: ['git'], what: '', install: 'apt-get install git' },
];

/** Parts of the names of test files. */
const files = [
  ...['test/nix/', 'test/tofu/', 'test/plan/tofu/', 'test/plan/drift', 'test/check/', 'test/config/'],
  ...['test/platform/nix/', 'test/platform/tofu/', 'test/platform/check/', 'test/platform/cli/tofu'],
];

for (const { names, what, install } of programs) {
  const found = await Promise.all(
    names.map(async (name) =>
      (await execa('sh', ['-c', `command -v ${name}`], { reject: false })).exitCode === 0 ? name : undefined,
    ),
  );
  const there = found.find((name) => name !== undefined);
  if (there !== undefined) console.log(`${there}: found`);
  else if (what === '') console.log(`${names[0]}: missing, and needed: ${install}`);
  else console.log(`${names.join(' or ')}: missing; skipped: ${what}. ${install}`);
}
const result = await execa(
  'vitest',
  ['run', '--project', 'unit', '--project', 'platform', '--reporter=dot', ...files],
  { stdio: 'inherit', reject: false },
);
process.exitCode = result.exitCode ?? 1;
