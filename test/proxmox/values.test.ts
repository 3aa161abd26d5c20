import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMappingEntry, mappingUpdate, parseMappingEntry } from '../../src/proxmox/mapping.ts';
import { isOn, parsePropertyString } from '../../src/proxmox/property-string.ts';
import { freeVirtiofsKey, parseVirtiofs, virtiofsValue } from '../../src/proxmox/virtiofs.ts';

const node = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const path = fc.stringMatching(/^\/[^;,=()\s\0]{1,30}$/);
const id = fc.stringMatching(/^[a-z][a-z0-9_-]{1,20}$/);

describe('a property string', () => {
  it('may begin with the value of its default key', () => {
    expect(parsePropertyString('containers,cache=never', 'dirid')).toEqual({
      dirid: 'containers',
      cache: 'never',
    });
    expect(parsePropertyString('dirid=containers,expose-acl=1', 'dirid')).toEqual({
      dirid: 'containers',
      'expose-acl': '1',
    });
  });

  it.each(['1', 'on', 'yes', 'true', 'TRUE'])('takes %s as on', (word) => expect(isOn(word)).toBe(true));
  it.each(['0', 'off', 'no', 'false', '', undefined])('takes %s as off', (word) =>
    expect(isOn(word)).toBe(false),
  );
});

describe('a mapping entry', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(node, path, (name, where) => {
        const entry = { node: name, path: where };
        expect(parseMappingEntry(formatMappingEntry(entry))).toEqual(entry);
      }),
    );
  });
});

describe('an update of a mapping', () => {
  it('keeps the entries of every other node, in their order, and sends the digest that was read', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ node, path }), { selector: (entry) => entry.node, maxLength: 6 }),
        fc.record({ node, path }),
        (entries, wanted) => {
          const { call, map } = mappingUpdate('containers', { entries, digest: 'd1' }, wanted, 'new');
          const others = (list: readonly { node: string }[]) =>
            list.filter((entry) => entry.node !== wanted.node);
          const sent = map.map(parseMappingEntry);
          expect(others(sent)).toEqual(others(entries));
          expect(sent.filter((entry) => entry.node === wanted.node)).toEqual([wanted]);
          expect(call).toEqual({
            method: 'PUT',
            path: '/cluster/mapping/dir/containers',
            params: { map, digest: 'd1' },
          });
        },
      ),
    );
  });

  it('makes the mapping when there is none', () => {
    const { call } = mappingUpdate(
      'containers',
      undefined,
      { node: 'prom', path: '/nvmeprom/containers' },
      'Data',
    );
    expect(call).toEqual({
      method: 'POST',
      path: '/cluster/mapping/dir',
      params: { id: 'containers', map: ['node=prom,path=/nvmeprom/containers'], description: 'Data' },
    });
  });
});

describe('a virtiofs device', () => {
  const options = fc.record({
    mapping: id,
    cache: fc.constantFrom('auto' as const, 'always' as const, 'metadata' as const, 'never' as const),
    directIo: fc.boolean(),
    exposeXattr: fc.boolean(),
    exposeAcl: fc.boolean(),
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(options, (device) => {
        expect(parseVirtiofs(virtiofsValue(device))).toEqual(device);
      }),
    );
  });

  it('never names what is the default, nor switches off what ACLs need', () => {
    expect(
      virtiofsValue({
        mapping: 'containers',
        cache: 'auto',
        directIo: false,
        exposeXattr: false,
        exposeAcl: true,
      }),
    ).toBe('dirid=containers,expose-acl=1');
  });

  it('in a cache mode that Proxmox VE does not have is not guessed at', () => {
    expect(parseVirtiofs('containers,cache=none')).toBeUndefined();
  });

  it('gets the first free key', () => {
    expect(freeVirtiofsKey([])).toBe('virtiofs0');
    expect(freeVirtiofsKey(['virtiofs0', 'virtiofs2'])).toBe('virtiofs1');
    expect(() => freeVirtiofsKey(Array.from({ length: 10 }, (_, index) => `virtiofs${index}`))).toThrow(
      RangeError,
    );
  });
});
