import type { Config, ShareConfig } from '../../config/config.ts';
import { packageOf } from '../../guest/tools.ts';
import type { Findings } from '../../inspect/findings.ts';
import { blocker } from '../errors.ts';
import type { Blocker } from '../plan.ts';
import { sshTo } from './ssh-to.ts';

/** What is wrong with a share: its node, its dataset, its mapping. */
export function shareBlockers(config: Config, findings: Findings, share: ShareConfig): Blocker[] {
  const found: Blocker[] = [];
  const node = findings.nodes[share.node];
  const ssh = sshTo(config, config.nodes[share.node]?.ssh ?? share.node);
  if (findings.cluster.quorate === false) {
    found.push(
      blocker('plan/no-quorum', { seen: 'the cluster says quorate: 0', next: [`${ssh} pvecm status`] }),
    );
  }
  for (const { subject, what, seen, next } of findings.cluster.missingPrivileges ?? []) {
    found.push(
      blocker('plan/missing-privilege', {
        seen: `${subject}: ${seen} (for ${what})`,
        next: next.split('; '),
      }),
    );
  }
  if (node === undefined) {
    const why = findings.notSeen.find((entry) => entry.subject === `node ${share.node}`);
    return [
      ...found,
      blocker('plan/node-offline', {
        seen: why?.seen ?? `node ${share.node} was not inspected`,
        meaning: why?.meaning,
        next: why === undefined ? [`${ssh} true`] : [why.next, ...(why.more ?? [])],
      }),
    ];
  }
  const away = findings.shares[share.name]?.elsewhere;
  if (away !== undefined)
    found.push(
      blocker('plan/share-elsewhere', {
        seen: `${share.path} on ${share.node} has no marker: ${away}`,
        next: ['drayage maintenance leave'],
      }),
    );
  for (const tool of node.missingTools) {
    found.push(
      blocker('plan/missing-tool', {
        seen: `${tool} on ${share.node}`,
        next: [`${ssh} apt-get install ${packageOf(tool)}`],
      }),
    );
  }
  if (!node.virtiofsd) {
    found.push(
      blocker('plan/missing-tool', {
        seen: `/usr/libexec/virtiofsd on ${share.node}`,
        next: [`${ssh} apt-get install virtiofsd`],
      }),
    );
  }
  const pool = node.pools.find((candidate) => candidate.name === share.pool);
  if (pool === undefined || pool.health !== 'ONLINE') {
    found.push(
      blocker('plan/no-pool', {
        seen:
          pool === undefined
            ? `no pool ${share.pool} on ${share.node}; there is ${node.pools.map((other) => other.name).join(', ') || 'none'}`
            : `pool ${share.pool} is ${pool.health}`,
        next: [`${ssh} zpool status`, `correct shares.${share.name}.dataset in ${config.file}`],
      }),
    );
  }
  for (const { subject, what, seen, meaning, next, more } of findings.notSeen) {
    if (subject === `share ${share.name}`)
      found.push(
        blocker('plan/not-seen', {
          seen: `${subject}, ${what}: ${seen}`,
          meaning,
          next: [next, ...(more ?? [])],
        }),
      );
  }
  found.push(...datasetBlockers(findings, share, ssh));
  const mapping = findings.cluster.mappings.find((candidate) => candidate.id === share.mapping);
  const entry = mapping?.entries.find((candidate) => candidate.node === node.hostname);
  if (entry !== undefined && entry.path !== share.path) {
    found.push(
      blocker('plan/mapping-elsewhere', {
        seen: `mapping ${share.mapping} points ${entry.node} at ${entry.path}, the share is ${share.path}`,
        next: [
          `choose another id: shares.${share.name}.mapping in ${config.file}`,
          `${ssh} pvesh get /cluster/mapping/dir/${share.mapping}`,
        ],
      }),
    );
  }
  return found;
}

function datasetBlockers(findings: Findings, share: ShareConfig, ssh: string): Blocker[] {
  const found: Blocker[] = [];
  const state = findings.shares[share.name];
  const dataset = state?.dataset;
  if (dataset === undefined) {
    if (state?.occupied === true) {
      found.push(
        blocker('plan/share-occupied', {
          seen: `${share.path} on ${share.node} is not empty and ${share.dataset} does not exist`,
          next: [`${ssh} ls -la ${share.path}`],
        }),
      );
    }
    return found;
  }
  if (!dataset.mounted || dataset.mountpoint !== share.path) {
    found.push(
      blocker('plan/share-not-mounted', {
        seen: `${share.dataset}: mounted ${dataset.mounted ? 'yes' : 'no'}, mountpoint ${dataset.mountpoint}; the share is ${share.path}`,
        next: [`${ssh} zfs mount ${share.dataset}`, `${ssh} zfs get mountpoint,canmount ${share.dataset}`],
      }),
    );
  }
  if (state?.marker !== undefined && state.marker.share !== share.name) {
    found.push(
      blocker('plan/foreign-marker', {
        seen: `${share.path}/.drayage/share.json is of share ${state.marker.share}`,
        next: [`correct shares.${share.name}.dataset`, `or name the share ${state.marker.share}`],
      }),
    );
  }
  return found;
}
