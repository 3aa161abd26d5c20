import { expect, it } from 'vitest';
import { usageError } from '../../src/cli/errors.ts';
import { showError } from '../../src/cli/show-error.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { fakeTerminal } from './fake-terminal.ts';

const error = usageError('usage/unknown-move', {
  seen: '--move dokcer; there is docker',
  where: 'drayage.yaml:3:1',
  next: ['drayage verify --move docker', 'drayage verify'],
});
const problems = new ConfigError([
  { file: 'drayage.yaml', line: 3, column: 5, what: 'guests.doc1 stands twice', write: '"doc1" once' },
]);

it('an error says what was seen, what it means, and what to type', () => {
  const { terminal, texts } = fakeTerminal();
  expect(showError(error, terminal)).toBe(2);
  expect(texts).toEqual({
    out: '',
    err: [
      'Error: drayage.yaml:3:1: --move dokcer; there is docker  [usage/unknown-move]',
      '  drayage.yaml has no move of this name.',
      '    -> drayage verify --move docker',
      '    -> drayage verify',
      '',
    ].join('\n'),
  });
});

it('an error is one JSON object on stdout with --json, and nothing else', () => {
  const { terminal, texts } = fakeTerminal({ json: true });
  expect(showError(error, terminal)).toBe(2);
  expect(texts.err).toBe('');
  expect(texts.out.endsWith('\n')).toBe(true);
  expect(JSON.parse(texts.out)).toEqual({
    type: 'error',
    code: 'usage/unknown-move',
    seen: '--move dokcer; there is docker',
    meaning: 'drayage.yaml has no move of this name.',
    next: ['drayage verify --move docker', 'drayage verify'],
    where: 'drayage.yaml:3:1',
    exitCode: 2,
  });
});

it('problems of drayage.yaml stand at their places, as compilers print them', () => {
  const { terminal, texts } = fakeTerminal();
  expect(showError(problems, terminal)).toBe(2);
  expect(texts.err).toBe('drayage.yaml:3:5: guests.doc1 stands twice\n  write: "doc1" once\n');
});

it('problems of drayage.yaml are listed with --json', () => {
  const { terminal, texts } = fakeTerminal({ json: true });
  showError(problems, terminal);
  expect(JSON.parse(texts.out)).toMatchObject({
    type: 'error',
    code: 'config/invalid',
    problems: [{ line: 3, column: 5 }],
    exitCode: 2,
  });
});

it('what has no name is called a defect, and ends with 1', () => {
  const { terminal, texts } = fakeTerminal();
  expect(showError(new TypeError('x is not a function'), terminal)).toBe(1);
  expect(texts.err).toContain('a defect in drayage');
  expect(texts.err).toContain('TypeError: x is not a function');
  const json = fakeTerminal({ json: true });
  expect(showError('thrown text', json.terminal)).toBe(1);
  expect(JSON.parse(json.texts.out)).toEqual({
    type: 'error',
    code: 'defect',
    seen: 'thrown text',
    exitCode: 1,
  });
});
