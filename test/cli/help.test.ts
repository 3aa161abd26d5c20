import { describe, expect, it } from 'vitest';
import { commandSpecs } from '../../src/cli/commands.ts';
import { helpWidth } from '../../src/cli/help.ts';
import { allCommands, buildProgram, type CommandSpec } from '../../src/cli/program.ts';

function helpOf(name: string | undefined, width: number): string {
  const program = buildProgram(
    commandSpecs,
    () => {},
    async () => 0,
  );
  const words = name?.split(' ') ?? [];
  const command = words.reduce<typeof program | undefined>(
    (group, word) => group?.commands.find((one) => one.name() === word),
    program,
  );
  let text = '';
  command?.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => width,
  });
  command?.outputHelp();
  return text;
}

const names = commandSpecs.map(({ name }) => name);

describe.each([80, 100])('at %i columns', (width) => {
  it.each([undefined, ...names])('the help of %s stays inside', (name) => {
    const long = helpOf(name, width)
      .split('\n')
      .filter((line) => line.length > width);
    expect(long).toEqual([]);
  });

  it.each(names)('the description of %s breaks only where the next word has no room', (name) => {
    const lines = helpOf(name, width).split('Options:')[0]?.split('\n').slice(2) ?? [];
    for (const [i, line] of lines.entries()) {
      const word = lines[i + 1]?.split(' ')[0] ?? '';
      if (line === '' || word === '' || line.startsWith(' ') || line === 'Arguments:') continue;
      expect(`${line} ${word}`.length, line).toBeGreaterThan(width);
    }
  });
});

describe('every command', () => {
  it.each(names)('%s has examples of itself, global options and the exit status', (name) => {
    const text = helpOf(name, 80);
    expect(text).toMatch(new RegExp(`\\nExamples:\\n  .*drayage ${name}`));
    expect(text).toContain('\nGlobal Options:\n');
    expect(text).toContain('--file <file>');
    expect(text).toMatch(/\nExit status:\n {4}0 {2}done\n {4}1 {2}failed\n {4}2 {2}wrong usage/);
  });

  it('is listed in the help of drayage', () => {
    for (const name of names)
      expect(helpOf(undefined, 80)).toMatch(new RegExp(`^  ${name.split(' ')[0]}\\b`, 'm'));
  });
});

it('apply names every way in which it can end', () => {
  const status = helpOf('apply', 80).split('Exit status:')[1] ?? '';
  const codes = [...status.matchAll(/^ +(\d+) {2}/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual([0, 1, 2, 4, 5, 6, 7, 10, 11, 130]);
});

it('a command of two words is found below its group, and nowhere else', async () => {
  const ran: string[] = [];
  const spec = (name: string): CommandSpec => ({
    name,
    summary: `does ${name}`,
    description: `Does ${name}.`,
    closing: () => '',
    load: async () => async (_globals, _options, args) => {
      ran.push(`${name} ${args.join(' ')}`);
      return 0;
    },
    arguments: [['<name>', 'of the guest']],
  });
  const program = buildProgram(
    [spec('guest new'), spec('guest fit')],
    () => {},
    (action, globals, options, args) => action(globals, options, args),
  );
  for (const command of allCommands(program)) command.exitOverride().configureOutput({ writeErr: () => {} });
  await program.parseAsync(['guest', 'fit', 'doc2'], { from: 'user' });
  expect(ran).toEqual(['guest fit doc2']);
  await expect(program.parseAsync(['fit', 'doc2'], { from: 'user' })).rejects.toThrow(
    /unknown command 'fit'/,
  );
  await expect(program.parseAsync(['guest'], { from: 'user' })).rejects.toMatchObject({
    code: 'commander.help',
  });
});

describe('the width of help', () => {
  it('is that of the terminal, then COLUMNS, then 80, and never more than 100', () => {
    expect(helpWidth({ columns: 90 }, { COLUMNS: '70' })).toBe(90);
    expect(helpWidth({}, { COLUMNS: '70' })).toBe(70);
    expect(helpWidth({}, {})).toBe(80);
    expect(helpWidth({}, { COLUMNS: 'wide' })).toBe(80);
    expect(helpWidth({ columns: 240 }, {})).toBe(100);
    expect(helpWidth({ columns: 10 }, {})).toBe(80);
  });
});
