import { describe, expect, it } from 'vitest';
import { editYaml, snippetOf } from '../../src/config/edit.ts';

const file = `# the fleet
nodes:
  prom: { ssh: root@prom } # main
guests:
  # has the data now
  doc1: { vmid: 104, ssh: "root@doc1" }

  doc2:
    create:
      template: 9000   # trixie
      tags: [opentofu]
# where it goes
shares: {}
`;

describe('what drayage enters in drayage.yaml', () => {
  it('a number and an address are added to a guest, and not a character else changes', () => {
    const edited = editYaml(file, [
      { path: ['guests', 'doc2', 'vmid'], value: 114 },
      { path: ['guests', 'doc2', 'ssh'], value: 'root@10.0.0.7' },
    ]);
    expect(edited).toBe(
      file.replace(
        '      tags: [opentofu]\n',
        '      tags: [opentofu]\n    vmid: 114\n    ssh: root@10.0.0.7\n',
      ),
    );
  });

  it('a guest that is not there yet comes after the others', () => {
    const edited = editYaml(file, [{ path: ['guests', 'igpu2', 'vmid'], value: 119 }]);
    expect(edited).toBe(file.replace('# where it goes', '  igpu2:\n    vmid: 119\n# where it goes'));
  });

  it('a value that is there is replaced in its place', () => {
    expect(editYaml(file, [{ path: ['guests', 'doc1', 'ssh'], value: 'root@10.0.0.9' }])).toBe(
      file.replace('"root@doc1"', 'root@10.0.0.9'),
    );
  });

  it('braces stay braces', () => {
    expect(editYaml(file, [{ path: ['guests', 'doc1', 'sudo'], value: true }])).toContain(
      'doc1: { vmid: 104, ssh: "root@doc1", sudo: true }',
    );
    expect(editYaml(file, [{ path: ['shares', 'a', 'node'], value: 'prom' }])).toContain(
      'shares: { a: { node: prom } }',
    );
  });

  it('line ends of Windows, a file without an end of line, and one without guests', () => {
    expect(
      editYaml('guests:\r\n  a:\r\n    vmid: 1\r\n', [{ path: ['guests', 'b', 'vmid'], value: 2 }]),
    ).toBe('guests:\r\n  a:\r\n    vmid: 1\r\n  b:\r\n    vmid: 2\r\n');
    expect(editYaml('guests:\n  a:\n    vmid: 1', [{ path: ['guests', 'b', 'vmid'], value: 2 }])).toBe(
      'guests:\n  a:\n    vmid: 1\n  b:\n    vmid: 2\n',
    );
    expect(editYaml('nodes: {}\n', [{ path: ['guests', 'b', 'vmid'], value: 2 }])).toBe(
      'nodes: {}\nguests:\n  b:\n    vmid: 2\n',
    );
  });

  it('what means the same twice is left alone: the snippet is for pasting', () => {
    const aliased = 'x: &a\n  vmid: 1\nguests:\n  a: *a\n';
    expect(editYaml(aliased, [{ path: ['guests', 'a', 'ssh'], value: 'root@a' }])).toBeUndefined();
    expect(
      editYaml('guests:\n  a: 5\n', [{ path: ['guests', 'a', 'ssh'], value: 'root@a' }]),
    ).toBeUndefined();
    expect(editYaml('guests: [\n', [{ path: ['guests', 'a', 'vmid'], value: 1 }])).toBeUndefined();
    expect(snippetOf([{ path: ['guests', 'a', 'ssh'], value: 'root@a' }])).toBe(
      'guests:\n  a:\n    ssh: root@a\n',
    );
  });
});
