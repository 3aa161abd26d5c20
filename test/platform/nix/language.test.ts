/** The parser beside Nix's own: what is Nix to one is Nix to the other. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parse } from '../../../src/nix/parse.ts';
import { NixSyntaxError } from '../../../src/nix/scan.ts';

const byNix = (text: string): boolean =>
  spawnSync('nix-instantiate', ['--store', 'dummy://', '--parse', '-'], {
    input: text,
    env: { ...process.env, NIX_CONFIG: 'build-users-group =' },
  }).status === 0;

const byDrayage = (text: string): boolean => {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof NixSyntaxError) return false;
    throw error;
  }
};

const names = 'with { }; ';

describe('every part of the language', () => {
  test.each([
    "{ a = ''\n  ''${x} ''\\n ''' $${y} $$ ' '' ; b = 1; }",
    '{ a = "\\${x} $${y} $ $$ ${"nested ${"deeper"}"} \\" \\\\"; }',
    `${names}[ a.b or c (a.b.c or d e) a.\${b}."c d" ]`,
    `${names}{ inherit; inherit a; inherit (a.b) c "d"; }`,
    '{ a.b.c = 1; a.b.d = 2; "e f".g = 3; ${"h"} = 4; }',
    `${names}rec { a = b; b = 1; } // { c = ./x; d = ../x/y.z; e = ~/x; f = /a; g = <nixpkgs/lib>; }`,
    `${names}x/y`,
    `${names}x / y`,
    `${names}./a/\${b}c/d`,
    'https://example.org/a?b=c&d=~e',
    'x:x',
    'x: x',
    '{ a, b ? { c = 1; }, ... }@args: a',
    'args@{ a ? 1 }: a',
    '{ }: { }',
    '{ ... }: 1',
    `${names}if a then b else if c then d else e`,
    `${names}assert a -> b; with c; let d = e; in f`,
    'let in 1',
    `${names}-a + !b && (c || d) == (e ++ f != g) <= h`,
    `${names}a ? b."c".\${d}`,
    `${names}f (x: x) { } [ ] "s" 1 1.5 .5e3 ./p`,
    `${names}[ (f x) -1 ]`.replace('-1', '(-1)'),
    "{ a' = 1; _b-c = 2; or = 3; }",
    '/* a */ { # b\n a = /* c\n d */ 1; /**/ }',
    '{ a = 1;; }',
    '{ a = 1 }',
    '{ a 1; }',
    '{ a = ; }',
    '[ 1, 2 ]',
    '[ -1 ]',
    'let a = 1;',
    '{ a = 1; ',
    '"${"',
    "''${''",
    '{ inherit a.b; }',
    '{ a, b }',
    'if 1 then 2',
    '(1',
    '1)',
    '{ in = 1; }',
    '{ größe = 1; }',
    '/* never ends',
    '{ a = "x\n y"; }',
    '{ a = \u00a01; }',
  ])('%s', (text) => {
    expect(byDrayage(text)).toBe(byNix(text));
  });
});
