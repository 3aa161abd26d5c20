import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandSpecs } from '../../../src/cli/commands.ts';
import { completionScript, shells } from '../../../src/cli/completion.ts';

const runs = (shell: string) => {
  try {
    execFileSync(shell, ['-c', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

describe.each(shells)('the completion of %s', (shell) => {
  it.skipIf(!runs(shell))('is a script that the shell can read', () => {
    const input = completionScript(shell, commandSpecs);
    expect(() => execFileSync(shell, ['-n'], { input, stdio: ['pipe', 'pipe', 'pipe'] })).not.toThrow();
  });
});

describe('what bash offers', () => {
  const offered = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        `${completionScript('bash', commandSpecs)}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _drayage; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        'drayage',
        ...words,
      ],
      { encoding: 'utf8', cwd: import.meta.dirname },
    )
      .split('\n')
      .filter(Boolean);

  it('completes commands', () => {
    expect(offered('pl')).toEqual(['plan']);
    expect(offered('')).toEqual(expect.arrayContaining(['init', 'inspect', 'plan', 'apply', 'verify']));
  });

  it('completes the options of a command, and the global ones', () => {
    expect(offered('plan', '--f')).toEqual(['--format', '--file']);
    expect(offered('apply', '--un')).toEqual(['--until']);
    expect(offered('--json', 'apply', '--w')).toEqual(['--window']);
  });

  it('completes a command after a global option with a value', () => {
    expect(offered('--file', 'other.yaml', 'pl')).toEqual(['plan']);
  });

  it('completes the second word of a group', () => {
    const { options = [], ...spec } = commandSpecs[0] as (typeof commandSpecs)[number];
    const script = completionScript('bash', [{ ...spec, options, name: 'guest new' }]);
    const offer = `${script}\nCOMP_WORDS=(drayage guest n); COMP_CWORD=2; _drayage; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', offer], { encoding: 'utf8' })).toBe('new\n');
  });

  it('completes file names where nothing else fits', () => {
    expect(offered('apply', 'bad-in')).toEqual(['bad-input.test.ts']);
  });
});
