import { knownGuests, secondNode, secondStorage } from './layout.ts';

/** The drayage.yaml of the lab: the written plan's move from doc1 to doc2. Values are paths and names of the lab. */
export function drayageConfigText(lab: {
  endpoint: string;
  fingerprint: string;
  tokenFile: string;
  sshConfig: string;
  secondNode: boolean;
}): string {
  return `# Written by the lab: move what doc1 keeps below /mnt/docker into the share that doc2 mounts.
cluster:
  endpoint: ${lab.endpoint}
  fingerprint: ${lab.fingerprint}
  tokenFile: ${JSON.stringify(lab.tokenFile)}
ssh:
  config: ${JSON.stringify(lab.sshConfig)}

nodes:
  prom: { ssh: root@prom }
${lab.secondNode ? `  ${secondNode}: { ssh: root@${secondNode} }\n` : ''}guests:
  doc1: { vmid: ${knownGuests.doc1.vmid}, ssh: root@doc1 }
  doc2: { vmid: ${knownGuests.doc2.vmid}, ssh: root@doc2 }

shares:
  containers:
    node: prom
    dataset: nvmeprom/containers
    owner: "1000:100"
${lab.secondNode ? `    maintenance:\n      ${secondNode}: { path: ${secondStorage}, mounted: true }\n` : ''}
moves:
  doc1:
    from: { guest: doc1, path: /mnt/docker }
    to: { share: containers, guest: doc2 }
    databases:
      app/app.sqlite: move
`;
}
