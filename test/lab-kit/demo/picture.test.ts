import { expect, test } from 'vitest';
import { picture, pictureColumns } from '../../../lab/demo/picture.ts';
import { scenes } from '../../../lab/demo/scenes.ts';
import { plainText, terminalLines } from '../../../lab/demo/terminal-text.ts';

const seen = (recorded: string) => terminalLines(recorded).map(plainText);

test('a line that was written over is what it was last', () => {
  expect(seen('booting 1 s\r\x1b[Kbooting 2 s\r\x1b[Kdone\r\nnext\r\n')).toEqual(['done', 'next']);
  expect(seen('abcdef\rxy\n')).toEqual(['xycdef']);
});

test('styles end where they end', () => {
  expect(terminalLines('\x1b[1mone\x1b[22m two \x1b[32mthree\x1b[39m\n')).toEqual([
    [
      { text: 'one', bold: true, dim: false, colour: undefined },
      { text: ' two ', bold: false, dim: false, colour: undefined },
      { text: 'three', bold: false, dim: false, colour: 'green' },
    ],
  ]);
});

test('what the picture cannot show is an error, not a guess', () => {
  expect(() => terminalLines('\x1b[2J\n')).toThrow('ESC [ 2 J');
  expect(() => terminalLines('\x1b[35mx\n')).toThrow('SGR 35');
});

test('text of the terminal is data in the picture', () => {
  const svg = picture(terminalLines('a <b> & "c"\x07\n'), 'x < y');
  expect(svg).toContain('a &lt;b&gt; &amp; "c"?');
  expect(svg).toContain('<title>x &lt; y</title>');
});

test('a line that is too long is cut, and says so', () => {
  const svg = picture(terminalLines(`${'x'.repeat(pictureColumns + 1)}\n`), '');
  expect(svg).toContain(`>${'x'.repeat(pictureColumns - 1)}…<`);
});

const demo = (result: string) => `== A lab
== drayage plan
what would be done
  Prepare
     1 one
  Cutover: the downtime
    12 stop
One of them as the plan prints it:
== drayage apply
 1/1 + one
== Where we are
root@doc2$ podman ps
${result}
Left in .lab/:
`;

test('the picture has the chosen scenes and no more', () => {
  const text = scenes(terminalLines(demo('== The result\n  none lost\n'))).map(plainText);
  expect(text).toContain('    12 stop');
  expect(text.at(-1)).toBe('  none lost');
  for (const absent of ['== A lab', '     1 one', 'Left in .lab/:']) expect(text).not.toContain(absent);
});

test('a demo that did not come to its end gives no picture', () => {
  expect(() => scenes(terminalLines(demo('')))).toThrow("no line '== The result...'");
});
