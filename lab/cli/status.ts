import { readFileSync } from 'node:fs';
import { apiPort, knownGuests, type LabPaths, network } from '../room/layout.ts';
import { namespaceOf, processesIn } from '../room/process.ts';
import { findRoom } from '../room/room.ts';

/** A few lines for a person: whether the lab runs, since when, which guests do, and where things lie. */
export function labStatus(paths: LabPaths): string {
  const room = findRoom(paths);
  if (!room) return `No lab runs with the state folder ${paths.root}.\n`;
  const inside = namespaceOf(room.init.pid, 'pid');
  const running = inside === undefined ? [] : processesIn(inside, 'pid').map(commandName);
  const guests = Object.entries(knownGuests).map(
    ([name, { vmid, address }]) =>
      // QEMU runs under the name that its -name option gave it.
      `  ${name}  VM ${vmid}  ${address}  ${running.includes(String(vmid)) ? 'running' : 'stopped'}`,
  );
  return `${[
    `The lab in ${paths.root} runs since ${room.startedAt} (process ${room.init.pid}).`,
    `  prom  node    ${network.hosts.prom}   https://${network.hosts.prom}:${apiPort}, token in ${paths.token}`,
    ...guests,
    `  records of API calls and ssh commands: ${paths.record}`,
    `  configuration for drayage: ${paths.drayageConfig}`,
  ].join('\n')}\n`;
}

function commandName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}
