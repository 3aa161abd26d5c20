import {
  dataset as datasetSchema,
  endpoint as endpointSchema,
  mappingId,
  sshDestination,
  vmid as vmidSchema,
} from '../schema.ts';
import type { ClusterFacts } from './facts.ts';
import { type Draft, writeDraft } from './write.ts';

/**
 * A drayage.yaml from what a cluster shows. Nodes and machines are facts and are filled in; what shall move is the
 * operator's choice and stands there as an example in comments. The text loads without a problem for any facts.
 */
export function draft(facts: ClusterFacts): string {
  return writeDraft(draftOf(facts));
}

/** The same, before it is text; `init` lets the operator's answers go before it. */
export function draftOf(facts: ClusterFacts): Draft {
  const nodes = named(
    facts.nodes.map((node) => ({ wish: node.name, address: node.address, node })),
    'node',
  );
  const guests = named(
    facts.vms
      .filter(
        (vm, i) =>
          vmidSchema.safeParse(vm.vmid).success && facts.vms.findIndex((v) => v.vmid === vm.vmid) === i,
      )
      .map((vm) => ({ wish: vm.name === '' ? `vm-${vm.vmid}` : vm.name, address: vm.address, vm })),
    'vm',
  );
  const pool = pools(facts)[0];
  const node = nodes.find((n) => n.from.node.name === pool?.node) ?? nodes[0];
  const endpoint = endpointSchema.safeParse(facts.endpoint).data;
  const fingerprint = /^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/.test(facts.fingerprint ?? '')
    ? facts.fingerprint
    : undefined;
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(fingerprint !== undefined && { fingerprint }),
    nodes: nodes.map(({ name, ssh }) => ({ name, ssh })),
    guests: guests.map(({ name, ssh, from }) => ({ name, vmid: from.vm.vmid, ssh })),
    shares: [],
    moves: [],
    mappings: facts.mappings.map(({ id }) => id).filter((id) => mappingId.safeParse(id).success),
    example: exampleOf(
      node?.name ?? 'prom',
      pool?.name ?? 'nvmeprom',
      guests.map((g) => g.name),
    ),
  };
}

function exampleOf(node: string, pool: string, guests: readonly string[]): Pick<Draft, 'shares' | 'moves'> {
  const source = guests[0] ?? 'doc1';
  const target = guests[1] ?? (source === 'doc2' ? 'doc3' : 'doc2');
  return {
    shares: [{ name: 'containers', node, dataset: `${pool}/containers`, owner: '1000:100' }],
    moves: [{ name: source, guest: source, path: '/mnt/docker', share: 'containers', target }],
  };
}

/** Pools that a dataset of drayage can lie in: the first component of every dataset that was seen. */
export function pools(facts: ClusterFacts): { node: string; name: string }[] {
  const found = facts.datasets.map(({ node, name }) => ({ node, name: name.split('/')[0] ?? '' }));
  return found.filter(({ name }) => datasetSchema.safeParse(`${name}/containers`).success);
}

/**
 * Gives every machine a name that drayage accepts and an ssh destination, each of them once:
 * `doc1.lan` becomes `doc1-lan`; an address that ssh could take for an option is not used.
 */
function named<T extends { readonly wish: string; readonly address: string | undefined }>(
  machines: readonly T[],
  fallback: string,
): { name: string; ssh: string; from: T }[] {
  const taken = new Set<string>();
  const once = (wish: string): string => {
    let name = wish;
    for (let n = 2; taken.has(name); n += 1) name = `${wish}-${n}`;
    taken.add(name);
    return name;
  };
  return machines.map((from) => {
    const plain = from.wish.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-+|-+$/g, '');
    const name = once(plain === '' ? fallback : plain);
    const address = `root@${from.address ?? name}`;
    const ssh =
      from.address !== undefined && sshDestination.safeParse(address).success ? address : `root@${name}`;
    return { name, ssh: once(ssh), from };
  });
}
