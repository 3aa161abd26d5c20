/** Every sample, edited, and judged by the real Nix, which is asked here and not through the code that is tried. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { editFleet, editSource, type FleetEdit } from '../../../src/nix/edit-fleet.ts';

import { sourceOf } from '../../../src/nix/source.ts';

const samples = join(import.meta.dirname, '..', '..', 'nix', 'samples', 'hosts');
const names = readdirSync(samples).sort();

const asText =
  'let f = v: if builtins.isPath v then toString v else if builtins.isFunction v then "a function" else if builtins.isList v then map f v else if builtins.isAttrs v then builtins.mapAttrs (_: f) v else v; in f';

/** What Nix makes of a text that stands in the folder of the samples. */
async function byNix(text: string): Promise<unknown> {
  const env = { ...process.env, NIX_CONFIG: 'build-users-group =' };
  const command = ['--store', 'dummy://', '--eval', '--json', '--strict', '-'];
  const running = promisify(execFile)('nix-instantiate', command, { cwd: samples, env });
  running.child.stdin?.end(`(${asText})\n(${text}\n)`);
  return JSON.parse((await running).stdout);
}

/** Paths of all values that are in one and not so in the other. */
function differing(a: unknown, b: unknown, path = ''): string[] {
  const isSet = (v: unknown): v is Record<string, unknown> =>
    typeof v === 'object' && v !== null && !Array.isArray(v);
  if (!isSet(a) || !isSet(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [path];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) => differing(a[key], b[key], path === '' ? key : `${path}/${key}`));
}

const at = (value: unknown, path: string): unknown =>
  path.split('/').reduce((here, key) => (here as Record<string, unknown> | undefined)?.[key], value);

/** The old text is the new one without what was put in: nothing else was touched. */
function onlyAddedTo(before: string, after: string): boolean {
  let from = 0;
  for (let to = 0; to < after.length; to += 1) if (after[to] === before[from]) from += 1;
  return from === before.length;
}

const share = (mapping: string, options = {}): FleetEdit => ({
  kind: 'share',
  host: 'doc2',
  device: { mapping, ...options },
});

const hasMapping = (mapping: string) => (device: Record<string, unknown>) =>
  (device.mapping ?? 'containers') === mapping;

const devices = (value: unknown): Record<string, unknown>[] =>
  value === undefined ? [] : ([value].flat() as Record<string, unknown>[]);

test('there are samples enough', () => {
  expect(names.length).toBeGreaterThanOrEqual(30);
});

describe.each(names.map((name, index) => ({ name, index })))('$name', ({ name, index }) => {
  const file = join(samples, name);
  const text = readFileSync(file, 'utf8');
  let unedited: Promise<unknown> | undefined;
  const original = () => {
    unedited ??= byNix(text);
    return unedited;
  };

  async function edited(edit: FleetEdit) {
    const result = await editFleet(file, edit);
    expect(result.evaluated).toBe(true);
    return { ...result, text: result.after.text, value: await byNix(result.after.text) };
  }

  test('takes a share, and nothing else becomes another value', async () => {
    const { text: after, value, attribute, changed } = await edited(share('containers', { cache: 'always' }));
    const path = attribute.replaceAll('.', '/');
    expect(changed).toBe(true);
    expect(differing(await original(), value).every((each) => each.startsWith(path))).toBe(true);
    const [old, now] = [devices(at(await original(), path)), devices(at(value, path))];
    const there = old.find(hasMapping('containers')) ?? { mapping: 'containers' };
    expect(now.filter(hasMapping('containers'))).toEqual([{ ...there, cache: 'always' }]);
    expect(now.filter((each) => !hasMapping('containers')(each))).toEqual(
      old.filter((each) => !hasMapping('containers')(each)),
    );
    if (there.cache === undefined) expect(onlyAddedTo(text, after)).toBe(true);
    expect(after.split('\n').filter((line) => line.endsWith('\r')).length > 0).toBe(text.includes('\r'));
  });

  test.runIf(index % 3 === 0)('takes a second share beside the first', async () => {
    const once = await edited(share('mirrors', { exposeAcl: true, exposeXattr: true }));
    const path = once.attribute.replaceAll('.', '/');
    const added = devices(at(once.value, path)).find(hasMapping('mirrors'));
    expect(added).toEqual({ mapping: 'mirrors', expose_acl: true, expose_xattr: true });
    expect(differing(await original(), once.value).every((each) => each.startsWith(path))).toBe(true);
    expect(onlyAddedTo(text, once.text)).toBe(true);
  });

  test.runIf(index % 3 === 1)('takes an address', async () => {
    const once = await edited({ kind: 'set', host: 'doc2', key: 'localIp', value: '192.0.2.40' });
    const path = once.attribute.replaceAll('.', '/');
    expect(differing(await original(), once.value)).toEqual([path]);
    expect(at(once.value, path)).toBe('192.0.2.40');
    expect(onlyAddedTo(text, once.text)).toBe(true);
  });

  test.runIf(index % 3 === 2)('takes a new host behind the others', async () => {
    const values = {
      hostname: 'new',
      proxmox: { vmid: 199, cores: 1, memory: 512, disk: '8G', tags: ['a b'] },
    };
    const once = await edited({ kind: 'host', attribute: 'new-host', values });
    expect(differing(await original(), once.value)).toEqual(['new-host']);
    expect(at(once.value, 'new-host')).toEqual(values);
    expect(onlyAddedTo(text, once.text)).toBe(true);
  });
});

test('a part that throws is no reason against an edit elsewhere', async () => {
  const text = '{ doc2.a = throw "not now"; doc3 = { user = "nils"; note = assert false; 1; }; }\n';
  const source = sourceOf(join(samples, 'throws.nix'), text);
  const edit: FleetEdit = { kind: 'set', host: 'doc3', key: 'localIp', value: '192.0.2.3' };
  const { after, evaluated } = await editSource(source, edit);
  expect(evaluated).toBe(true);
  expect(after.text).toBe(text.replace('; }; }', '; localIp = "192.0.2.3"; }; }'));
});
