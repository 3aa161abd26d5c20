import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draft } from '../../../src/config/init/draft.ts';
import { type ClusterFacts, noFacts } from '../../../src/config/init/facts.ts';
import { parseConfig } from '../../../src/config/load.ts';

const facts: ClusterFacts = {
  endpoint: 'https://192.168.1.12:8006',
  nodes: [{ name: 'prom', address: '192.168.1.12' }, { name: 'maint' }],
  vms: [
    { vmid: 104, name: 'doc1.lan', node: 'prom', address: '192.168.1.104' },
    { vmid: 114, name: 'doc2', node: 'prom' },
    { vmid: 115, name: 'doc2', node: 'maint' },
    { vmid: 116, name: '', node: 'maint' },
  ],
  datasets: [{ node: 'prom', name: 'nvmeprom/data' }],
  mappings: [
    { id: 'media', entries: [{ node: 'prom', path: '/nvmeprom/media' }] },
    { id: 'a\nb: c', entries: [] },
  ],
};

/** What a person does with the example: takes the comment signs away, and the {} before it. */
function withExample(text: string): string {
  return text
    .replace(/^(shares|moves): \{\}$/gm, '$1:')
    .replace(/^#( {2,}\S.*)$/gm, (line, inner) =>
      /endpoint|fingerprint|tokenFile/.test(line) ? line : inner,
    );
}

describe('a drafted file', { timeout: 30_000 }, () => {
  test('names every node and machine once, in names that drayage accepts', () => {
    const result = parseConfig(draft(facts), 'drayage.yaml', {});
    expect(result).toMatchObject({
      config: {
        cluster: { endpoint: 'https://192.168.1.12:8006' },
        nodes: { prom: { ssh: 'root@192.168.1.12' }, maint: { ssh: 'root@maint' } },
        guests: {
          'doc1-lan': { vmid: 104, ssh: 'root@192.168.1.104' },
          doc2: { vmid: 114 },
          'doc2-2': { vmid: 115 },
          'vm-116': { vmid: 116 },
        },
        shares: {},
        moves: {},
      },
    });
  });

  test('begins with the line that leads an editor to the schema', () => {
    expect(draft(noFacts).split('\n')[0]).toBe('# yaml-language-server: $schema=./drayage.schema.json');
  });

  test('tells of mapping ids that exist, and of none that could break a comment', () => {
    expect(draft(facts)).toContain('# Mapping ids that the cluster has already: media\n');
  });

  test('has an example that loads as it stands, with the pool of the cluster', () => {
    expect(parseConfig(withExample(draft(facts)), 'drayage.yaml', {})).toMatchObject({
      config: {
        shares: { containers: { node: 'prom', dataset: 'nvmeprom/containers', mount: '/mnt/containers' } },
        moves: { 'doc1-lan': { from: { path: '/mnt/docker' }, to: { guest: 'doc2' } } },
      },
    });
  });

  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'doc1',
      'doc-1',
      'doc.1',
      'true',
      'null',
      '10',
      '-x',
      '',
      '\n',
      '# a',
      '__proto__',
      'constructor',
    ),
  );
  const optionally = <T extends string>(key: T) =>
    fc.oneof(
      fc.constant({}),
      text.map((value) => ({ [key]: value })),
    );
  const any: fc.Arbitrary<ClusterFacts> = fc
    .tuple(
      fc.array(fc.tuple(fc.record({ name: text }), optionally('address')).map(([a, b]) => ({ ...a, ...b }))),
      fc.array(
        fc
          .tuple(
            fc.record({
              vmid: fc.oneof(fc.integer(), fc.integer({ min: 99, max: 105 })),
              name: text,
              node: text,
            }),
            optionally('address'),
          )
          .map(([a, b]) => ({ ...a, ...b })),
      ),
      fc.array(
        fc.record({
          node: text,
          name: fc.oneof(
            text,
            text.map((name) => `${name}/a`),
          ),
        }),
      ),
      optionally('endpoint'),
      optionally('fingerprint'),
    )
    .map(
      ([nodes, vms, datasets, a, b]) =>
        ({
          nodes,
          vms,
          datasets,
          mappings: [{ id: vms[0]?.name ?? '', entries: [] }],
          ...a,
          ...b,
        }) as ClusterFacts,
    );

  test('loads without a problem, whatever the cluster shows', () => {
    fc.assert(
      fc.property(any, (shown) => {
        const result = parseConfig(draft(shown), 'drayage.yaml', {});
        expect('problems' in result ? result.problems : []).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('and with its example too, where there are a node and two machines', () => {
    fc.assert(
      fc.property(any, (shown) => {
        const result = parseConfig(draft(shown), 'drayage.yaml', {});
        if (!('config' in result)) return;
        if (Object.keys(result.config.guests).length < 2 || Object.keys(result.config.nodes).length < 1)
          return;
        const filled = parseConfig(withExample(draft(shown)), 'drayage.yaml', {});
        expect('problems' in filled ? filled.problems : []).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
