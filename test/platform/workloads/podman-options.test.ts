import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { booleanOptions, shortOptions, valueOptions } from '../../../src/workloads/podman-options.ts';

/** `  -d, --detach   text` takes no value; `  -e, --env stringArray   text` does. */
function optionsOf(command: string): { short: string | undefined; name: string; takesValue: boolean }[] {
  const help = execFileSync('podman', [command, '--help'], { encoding: 'utf8' });
  return [...help.matchAll(/^ +(?:-([a-zA-Z]), )?--([a-z0-9-]+)( \S+)?(?: {2,}|$)/gm)].map(
    ([, short, name, value]) => ({ short, name: name as string, takesValue: value !== undefined }),
  );
}

describe.each(['run', 'create'])('podman %s --help', (command) => {
  const options = optionsOf(command);

  it('was understood', () => {
    expect(options.length).toBeGreaterThan(80);
  });

  it('has no option that takes no value beside those known', () => {
    const unknown = options.filter((option) => !option.takesValue && !booleanOptions.has(option.name));
    expect(unknown).toEqual([]);
  });

  it('has no option that takes a value beside those known', () => {
    const unknown = options.filter((option) => option.takesValue && !valueOptions.has(option.name));
    expect(unknown).toEqual([]);
  });

  it('has the letters that are known, and no other', () => {
    const wrong = options.filter(
      (option) => option.short !== undefined && shortOptions[option.short] !== option.name,
    );
    expect(wrong).toEqual([]);
  });
});
