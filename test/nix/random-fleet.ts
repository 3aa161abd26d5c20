import fc from 'fast-check';
import { attributeName, nixString } from '../../src/nix/write-value.ts';

export type Plain = string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

/** A fleet as values, and one of the many texts that say it. */
export interface RandomFleet {
  readonly value: Record<string, Record<string, Plain>>;
  readonly text: string;
}

/** Words that hurt whoever takes text for syntax. */
const word = fc.oneof(
  fc.constantFrom(
    'doc',
    '}; {',
    '# no comment',
    '${x}',
    "''",
    '/* x',
    '\\',
    '"',
    'größe 名前 😀',
    'a\nb\tc',
    'x$$y',
  ),
  fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter((text) => !text.includes('\0') && text.isWellFormed()),
);

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  fc.constantFrom("it's", 'with', 'rec', 'größe', 'a.b', 'x y'),
);

const device = fc.record(
  {
    mapping: fc.constantFrom('containers', 'mirrors', 'music'),
    cache: fc.constantFrom('auto', 'always', 'metadata', 'never'),
    direct_io: fc.boolean(),
    expose_acl: fc.boolean(),
  },
  { requiredKeys: [] },
);

const virtiofs = fc.oneof(
  device,
  fc.uniqueArray(device, { maxLength: 3, selector: ({ mapping }) => mapping ?? 'containers' }),
);

const host = fc.record(
  {
    user: word.filter((text) => text !== ''),
    note: fc.oneof(word, fc.array(word, { maxLength: 3 })),
    meta: fc.dictionary(name, fc.oneof(word, fc.boolean(), fc.nat(1000)), { maxKeys: 3 }),
  },
  { requiredKeys: [] },
);

const vm = fc.record(
  {
    cores: fc.integer({ min: 1, max: 64 }),
    memory: fc.integer({ min: 16, max: 65536 }),
    disk: fc.constantFrom('8G', '32G', 'passthrough'),
    tags: fc.array(
      word.filter((text) => text !== ''),
      { maxLength: 2 },
    ),
    readonly: fc.boolean(),
    virtiofs,
  },
  { requiredKeys: ['cores', 'memory', 'disk'] },
);

/** How a text is laid out, one number after the other. */
type Style = { next: () => number; readonly eol: string; readonly tab: string };

function trivia(style: Style, indent: string): string {
  const { eol } = style;
  const odd = [
    `${eol}${indent}`,
    `${eol}${eol}${indent}`,
    `${eol}${indent}# } "quoted ''${eol}${indent}`,
    `${eol}${indent}/* a = { ${eol}b } */${eol}${indent}`,
    ` # behind it }${eol}${indent}`,
    ' ',
  ];
  return odd[style.next() % odd.length] as string;
}

function write(value: Plain, style: Style, indent: string): string {
  if (typeof value === 'string') return nixString(value);
  if (typeof value !== 'object') return String(value);
  const deeper = indent + style.tab;
  if (Array.isArray(value)) {
    const items = value.map((item) => `${trivia(style, deeper)}${write(item, style, deeper)}`);
    return `[${items.join('')}${trivia(style, indent)}]`;
  }
  const members = Object.entries(value as { readonly [name: string]: Plain }).map(
    ([key, inner]) => `${trivia(style, deeper)}${attributeName(key)} = ${write(inner, style, deeper)};`,
  );
  const text = `{${members.join('')}${trivia(style, indent)}}`;
  return style.next() % 9 === 0 ? `(${text})` : text;
}

/** Fleets with a machine `target`, in texts of every sort that drayage must edit. */
export const randomFleet: fc.Arbitrary<RandomFleet> = fc
  .record({
    others: fc.dictionary(
      name.filter((each) => each !== 'target'),
      host,
      { maxKeys: 4 },
    ),
    before: fc.boolean(),
    target: host,
    vm,
    numbers: fc.array(fc.nat(1000), { minLength: 7, maxLength: 40 }),
    eol: fc.constantFrom('\n', '\r\n'),
    tab: fc.constantFrom('  ', '\t', '    ', ''),
    bound: fc.boolean(),
  })
  .map(({ others, before, target, vm: described, numbers, eol, tab, bound }) => {
    const machine = { ...target, proxmox: { vmid: 114, ...described } };
    const value = structuredClone(
      before ? { target: machine, ...others } : { ...others, target: machine },
    ) as Record<string, Record<string, Plain>>;
    let at = 0;
    const style = {
      eol,
      tab,
      next: () => {
        at += 1;
        return numbers[at % numbers.length] as number;
      },
    };
    const body = write(value, style, '');
    return { value, text: `${bound ? `let x = [ 1 ]; in${eol}` : ''}${body}${eol}` };
  });
