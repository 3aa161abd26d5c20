import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DrayageError } from '../../src/errors/error.ts';
import { editSource } from '../../src/nix/edit-fleet.ts';
import { sourceOf } from '../../src/nix/source.ts';
import { Computed, staticValue } from '../../src/nix/static-value.ts';
import { withoutNix } from './no-nix.ts';
import { type Plain, randomFleet } from './random-fleet.ts';

type Value = Record<string, Record<string, Plain>>;

const plain = (value: unknown): unknown => {
  if (value instanceof Computed) return value.what;
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, inner]) => [name, plain(inner)]));
  return Array.isArray(value) ? value.map(plain) : value;
};
const read = (text: string) => plain(staticValue(sourceOf('/srv/hosts.nix', text).tree, '/srv'));

/** What stands in both, when one text was put into the other at one place. */
function untouched(before: string, after: string): boolean {
  let from = 0;
  for (let to = 0; to < after.length; to += 1) if (after[to] === before[from]) from += 1;
  return from === before.length;
}

const mappingOf = (device: Plain) => (device as { mapping?: string }).mapping ?? 'containers';

/** The same said in another way than the code under test says it. */
function withShare(value: Value, wanted: { mapping: string; cache: string }): Value {
  const copy = structuredClone(value) as Record<string, Record<string, Record<string, unknown>>>;
  const proxmox = copy.target!.proxmox!;
  const there = proxmox.virtiofs as Plain | undefined;
  const list = there === undefined ? [] : ([there].flat() as Record<string, Plain>[]);
  const at = list.findIndex((device) => mappingOf(device) === wanted.mapping);
  if (at >= 0) list[at]!.cache = wanted.cache;
  else list.push(wanted);
  proxmox.virtiofs = Array.isArray(there) || list.length > 1 ? list : list[0];
  return copy as Value;
}

const edit = (text: string, change: Parameters<typeof editSource>[1]) =>
  editSource(sourceOf('/srv/hosts.nix', text), change, withoutNix);

describe('an edit of any fleet in any layout', { timeout: 30_000 }, () => {
  test('changes exactly the share, and leaves every other byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomFleet,
        fc.constantFrom('containers', 'mirrors'),
        fc.constantFrom('always', 'never'),
        async ({ text, value }, mapping, cache) => {
          expect(read(text)).toEqual(value);
          const wanted = { mapping, cache } as const;
          const result = await edit(text, { kind: 'share', host: 'target', device: wanted });
          const expected = withShare(value, wanted);
          expect(read(result.after.text)).toEqual(expected);
          expect(result.changed).toBe(!isDeepStrictEqual(expected, value));
          const replaced = JSON.stringify(value.target?.proxmox).includes('"cache"');
          if (!replaced) expect(untouched(text, result.after.text)).toBe(true);
          // Once more changes nothing.
          const again = await edit(result.after.text, { kind: 'share', host: 'target', device: wanted });
          expect(again.changed).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('takes the share out again, and every comment stays', async () => {
    await fc.assert(
      fc.asyncProperty(randomFleet, async ({ text, value }) => {
        const result = await edit(text, { kind: 'unshare', host: 'target', mapping: 'containers' });
        const { virtiofs, ...rest } = value.target!.proxmox as Record<string, Plain>;
        const list = virtiofs === undefined ? [] : ([virtiofs].flat() as Plain[]);
        const left = list.filter((device) => mappingOf(device) !== 'containers');
        const now = Array.isArray(virtiofs) ? left : left[0];
        const proxmox = left.length === 0 ? rest : { ...rest, virtiofs: now };
        expect(read(result.after.text)).toEqual({ ...value, target: { ...value.target, proxmox } });
        expect(untouched(result.after.text, text)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('sets an address, and adds a machine', async () => {
    await fc.assert(
      fc.asyncProperty(randomFleet, fc.string({ unit: 'grapheme', minLength: 1 }), async (fleet, key) => {
        fc.pre(!/[\0\r]/.test(key) && key.isWellFormed());
        const { text, value } = fleet;
        const set = await edit(text, { kind: 'set', host: 'target', key: 'publicKey', value: key });
        const values = {
          sshAlias: 'a name of its own',
          proxmox: { vmid: 120, cores: 1, memory: 64, disk: '1G' },
        };
        const added = await edit(set.after.text, { kind: 'host', attribute: 'one-more', values });
        expect(read(added.after.text)).toEqual({
          ...value,
          target: { ...value.target, publicKey: key },
          'one-more': values,
        });
        expect(untouched(text, added.after.text)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('of a text that was cut or mixed up is right or refused, never something else', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomFleet,
        fc.nat(),
        fc.nat(40),
        fc.constantFrom('', '}', '{', '"', "''", '/*', '#', ';', '=', 'rec ', '// { }', 'inherit x;', '${'),
        async ({ text }, at, length, put) => {
          const start = at % text.length;
          const broken = text.slice(0, start) + put + text.slice(start + length);
          const change = { kind: 'set', host: 'target', key: 'localIp', value: '192.0.2.9' } as const;
          const result = await editedOrRefused(broken, change);
          if (result === 'refused') return;
          const before = read(broken) as Value;
          expect(read(result)).toEqual({ ...before, target: { ...before.target, localIp: '192.0.2.9' } });
        },
      ),
      { numRuns: 150 },
    );
  });
});

async function editedOrRefused(text: string, change: Parameters<typeof editSource>[1]): Promise<string> {
  try {
    return (await edit(text, change)).after.text;
  } catch (error) {
    if (error instanceof DrayageError && error.exit === 2) return 'refused';
    throw error;
  }
}
