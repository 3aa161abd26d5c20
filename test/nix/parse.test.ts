import { describe, expect, test } from 'vitest';
import { parse } from '../../src/nix/parse.ts';
import { NixSyntaxError } from '../../src/nix/scan.ts';
import { bare, type Expression } from '../../src/nix/syntax.ts';

/** The tree without places, short enough to read. */
function shape(expression: Expression): unknown {
  const node = bare(expression);
  switch (node.kind) {
    case 'set':
    case 'let': {
      const members = node.members.map((member) =>
        member.kind === 'inherit'
          ? { inherit: member.names.map(({ name }) => name) }
          : { [member.path.map(({ name }) => name ?? '?').join('.')]: shape(member.value) },
      );
      if (node.kind === 'let') return { let: members, in: shape(node.body) };
      return node.recursive ? { rec: members } : members;
    }
    case 'list':
      return { list: node.items.map(shape) };
    case 'string':
    case 'number':
      return node.value;
    case 'path':
      return `path ${node.text}`;
    case 'identifier':
      return `name ${node.name}`;
    case 'computed':
      return node.what;
  }
}

function refused(text: string): { offset: number; message: string } {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof NixSyntaxError) return { offset: error.offset, message: error.message };
    throw error;
  }
  throw new Error(`read without an error: ${text}`);
}

describe('a Nix file', () => {
  test.each<[string, unknown]>([
    [
      '{ a = 1; b.c = "x"; "d e" = [ 1 ./p "s" y ]; }',
      [{ a: 1 }, { 'b.c': 'x' }, { 'd e': { list: [1, 'path ./p', 's', 'name y'] } }],
    ],
    ['let k = [ ]; in { a = k; }', { let: [{ k: { list: [] } }], in: [{ a: 'name k' }] }],
    ['rec { a = 1; }', { rec: [{ a: 1 }] }],
    ['{ inherit a "b"; inherit (x.y) c; }', [{ inherit: ['a', 'b'] }, { inherit: ['c'] }]],
    ['{ ${x} = 1; a.${"b"} = 2; }', [{ '?': 1 }, { 'a.?': 2 }]],
    ['# c\n{ /* c; } */ a = "# no comment"; # }\n}', [{ a: '# no comment' }]],
    ['({ a = (1); })', [{ a: 1 }]],
    ['"a\\"b\\n\\\\ \\${x} $${y} $"', 'a"b\n\\ ${x} $${y} $'],
    ['"a${b + "}"}c"', 'a string with `${`'],
    ["''\n  x ''${y} ''' ''\\t ${z} }\n''", 'an indented string'],
    ['./a/${b}/c', 'a path with `${`'],
    ['a/b', 'path a/b'],
    ['~/x', 'path ~/x'],
    ['<nixpkgs>', 'a path from NIX_PATH'],
    ['https://example.org/x', 'https://example.org/x'],
    ['x: x', 'a function'],
    ['{ a, b ? 1, ... }@args: a', 'a function'],
    ['{ }: 1', 'a function'],
    ['{ ... }: 1', 'a function'],
    ['{ a, b, }: 1', 'a function'],
    ['args@{ a }: a', 'a function'],
    ['f x { }', 'a function call'],
    ['a // b', 'an operation (//)'],
    ['a // { b = 1; } // c', 'an operation (//)'],
    ['a ? b.c', 'an operation (?)'],
    ['a ? b && c', 'an operation (?)'],
    ['!a', 'an operation (!)'],
    ['-1', 'an operation (-)'],
    ['- -1 + !(!a)', 'an operation (-)'],
    ['a + -b && !c', 'an operation (+)'],
    ['a ? b && c ? d', 'an operation (?)'],
    ['a.b.c or 1', 'a selected attribute'],
    ['a.b', 'a selected attribute'],
    ['with a; { }', 'a `with`'],
    ['assert a; 1', 'a `assert`'],
    ['if a then 1 else 2', 'an `if`'],
    ['let { body = 1; }', 'a `let` with a body attribute'],
    ['1.5', 1.5],
  ])('%s', (text, expected) => {
    expect(shape(parse(text))).toEqual(expected);
  });

  test('has a place for every part, so that an edit can find it', () => {
    const text = '{\n  a = { b = 1; };\n}';
    const tree = bare(parse(text));
    if (tree.kind !== 'set') throw new Error('a set');
    const [member] = tree.members;
    expect(text.slice(member?.start, member?.end)).toBe('a = { b = 1; };');
  });

  test.each<[string, number, RegExp]>([
    ['{ a = 1 }', 8, /"}" where ";" was expected/],
    ['{ a = 1; ', 9, /the end where the name of an attribute/],
    ['{ a = "x; }', 6, /a string that is not closed/],
    ["{ a = ''x; }", 6, /an indented string that is not closed/],
    ['{ a = "${x', 7, /a "\$\{" that is not closed/],
    ['/* x', 0, /a comment that is not closed/],
    ['{ größe = 1; }', 4, /the character "ö"/],
    ['\ufeff{ }', 0, /a byte-order mark, which Nix does not read/],
    ['{ a = 1; } }', 11, /"}" where the end of the expression/],
    ['{ a == 1; }', 4, /"==" where "=" was expected/],
    ['{ a = 1;; }', 8, /";" where the name of an attribute/],
    ['', 0, /the end where a value was expected/],
    ['{ a = "${ 1 1 ) }"; }', 14, /"\)"/],
  ])('that is none is refused at its place: %s', (text, offset, message) => {
    expect(refused(text)).toEqual({ offset, message: expect.stringMatching(message) });
  });
  test('is read in a time that grows with its length alone', () => {
    const began = performance.now();
    parse(`{ a = ${'x'.repeat(5000)}; b = ./${'y'.repeat(5000)}; ${'c.d = [ "e" /f/g ]; '.repeat(2000)} }`);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
