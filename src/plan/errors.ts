import type { ErrorCatalogue } from '../errors/error.ts';
import { exitCode } from '../errors/exit-code.ts';
import type { Blocker } from './plan.ts';

const refused = exitCode.refused;

/** Why a plan cannot be applied as the world is now. */
export const planErrors = {
  'plan/share-elsewhere': {
    exit: refused,
    meaning:
      'The share was carried to another node for maintenance, and its place here is sealed. Nothing is prepared, copied or started on it until it is back.',
  },
  'plan/source-missing': {
    exit: refused,
    meaning: 'The source path of the move does not exist on the source guest.',
  },
  'plan/source-unreadable': {
    exit: refused,
    meaning: 'The source path could not be read, so nothing can be said about what would be copied.',
  },
  'plan/source-not-a-directory': {
    exit: refused,
    meaning: 'A move takes what is below a directory; the source path is something else.',
  },
  'plan/source-empty': {
    exit: refused,
    meaning:
      'The source path is an empty directory: a path that was mistyped, or a disk that is not mounted. A pass with deletions from it would empty the share.',
  },
  'plan/source-is-mount': {
    exit: refused,
    meaning:
      'The source path is a mount point of its own. drayage copies it only when the configuration says so, because then it can refuse while nothing is mounted there.',
  },
  'plan/source-is-link': {
    exit: refused,
    meaning:
      'A folder above the source path is a symbolic link. Processes and mounts show the real path, so whether all is quiet could not be seen by the other one.',
  },
  'plan/source-not-mounted': {
    exit: refused,
    meaning:
      'The configuration says that the source path is a mount point, and nothing is mounted there: what is seen is the empty directory below it.',
  },
  'plan/source-file-system': {
    exit: refused,
    meaning: 'The source path lies on a network or in-memory file system: it is not data of this guest.',
  },
  'plan/source-submounts': {
    exit: refused,
    meaning:
      'Other file systems are mounted below the source path, or are subvolumes there. A copy would stop at them, or mix them into the share.',
  },
  'plan/source-has-marker': {
    exit: refused,
    meaning:
      'The source path has a `.drayage` folder at its top: it is, or was, the top of a share. Copied into a share, the marker of the one would stand for the other.',
  },
  'plan/source-unreadable-entries': {
    exit: refused,
    meaning:
      'Some entries below the source path could not be read. A copy without them would look complete and not be.',
  },
  'plan/database-undecided': {
    exit: refused,
    meaning:
      'Databases on virtiofs were slow and failed in practice, and one that is copied while it runs is lost. Each needs your word before anything is moved.',
  },
  'plan/guest-off': {
    exit: refused,
    meaning: 'The guest is not running, so nothing in it can be inspected or prepared.',
  },
  'plan/guest-unreachable': {
    exit: refused,
    meaning: 'The guest runs and does not answer by ssh in the way the configuration describes.',
  },
  'plan/guest-on-another-node': {
    exit: refused,
    meaning:
      'A virtiofs device serves a directory of the node on which the VM runs. The target guest is not on the node of the share.',
  },
  'plan/node-offline': {
    exit: refused,
    meaning: 'The node of the share was not reached, so its storage is not known.',
  },
  'plan/no-quorum': {
    exit: refused,
    meaning: 'The cluster has no quorum: /etc/pve is read-only, and no configuration can be changed.',
  },
  'plan/missing-privilege': {
    exit: refused,
    meaning:
      'The API token may not do what a step of the plan does; Proxmox VE would refuse it half-way through the work.',
  },
  'plan/rsync-refuses': {
    exit: refused,
    meaning:
      'The rsync of this machine was tried with the options of every pass, dry, and refused. rsync 3.2.6 or newer, with ACLs and extended attributes, has them all.',
  },
  'plan/missing-tool': { exit: refused, meaning: 'A program that the plan runs there is not installed.' },
  'plan/no-pool': {
    exit: refused,
    meaning: 'The ZFS pool of the share does not exist on its node, or is not healthy.',
  },
  'plan/no-room': {
    exit: refused,
    meaning: 'The data does not fit: the copy would fill the dataset before it is complete.',
  },
  'plan/too-many-entries': {
    exit: refused,
    meaning:
      "virtiofsd holds one open file for each inode the guest has looked up, at most 1,000,000; then whatever the guest has not looked up before fails with 'Too many open files in system'.",
  },
  'plan/share-occupied': {
    exit: refused,
    meaning:
      'The mount point of the dataset holds files while the dataset does not exist: they would be hidden below it.',
  },
  'plan/share-not-mounted': {
    exit: refused,
    meaning: 'The dataset exists and is not mounted at the path of the share.',
  },
  'plan/share-without-acls': {
    exit: refused,
    meaning:
      'The source has ACLs and the dataset has acltype=off: setting an ACL on it fails with "Operation not supported".',
  },
  'plan/foreign-marker': { exit: refused, meaning: 'The dataset carries the marker of another share.' },
  'plan/place-occupied': {
    exit: refused,
    meaning: 'The place of the move in the share holds data that drayage did not bring there.',
  },
  'plan/target-path-occupied': {
    exit: refused,
    meaning:
      'The path at which the workloads look for their data holds files of the target guest itself: the mount would hide them.',
  },
  'plan/mapping-elsewhere': {
    exit: refused,
    meaning:
      'The directory mapping already points this node at another path; guests that use it would lose their data at the next start.',
  },
  'plan/memory-hotplug': {
    exit: refused,
    meaning: 'Memory hotplug does not work in combination with virtio-fs: the VM would not start.',
  },
  'plan/memory-unset': {
    exit: refused,
    meaning:
      'Without a plain number for `memory`, the memory backend that virtiofs needs cannot be made and the VM does not start.',
  },
  'plan/user-differs': {
    exit: refused,
    meaning:
      'Files are owned by numbers. A user whose numbers or subordinate ranges differ on the target cannot read its own data there.',
  },
  'plan/cannot-carry': {
    exit: refused,
    meaning: 'The workload cannot be made again from its definition alone.',
  },
  'plan/handed-over': {
    exit: refused,
    meaning:
      'The target guest was allowed to write here, and then the release was taken away by hand. What it wrote is not on the source: copying again would discard it, releasing again would discard what the source wrote since.',
  },
  'plan/workload-in-two-moves': {
    exit: refused,
    meaning:
      'A workload that uses the paths of two moves cannot be stopped, fenced and released by each of them alone.',
  },
  'plan/nixos-carry': {
    exit: refused,
    meaning:
      'A NixOS guest is described by its configuration; definitions that drayage would carry there would be lost at the next rebuild, or could not be written at all.',
  },
  'plan/podman-too-old': {
    exit: refused,
    meaning:
      'Restart policies of existing containers can be changed since podman 5.1 (`podman update --restart`); without it a container cannot be fenced.',
  },
  'plan/docker': {
    exit: refused,
    meaning:
      'Stopping this docker container takes it away for good, or something makes a new one at once: it cannot be fenced and given back.',
  },
  'plan/owned-restart-policy': {
    exit: refused,
    meaning:
      'The container belongs to a unit and has a restart policy of its own: podman-restart.service would start it at the next boot, past the fence of the unit.',
  },
  'plan/unknown-starter': {
    exit: refused,
    meaning:
      'A unit, a script of it or a cron job starts containers with podman, docker or compose, and it cannot be told which, or they move. It might start a workload again during the window, or afterwards: two writers.',
  },
  'plan/bind-source-missing': {
    exit: refused,
    meaning:
      'The workload binds a path that no move brings along and that does not exist on the target guest: it would fail to start there, after the release.',
  },
  'plan/fence-without-record': {
    exit: refused,
    meaning:
      'Units are fenced by drayage, and this drayage knows of no window: one was begun from another folder or machine, or its record is lost. What ran before it, and with which restart policies, is not known here.',
  },
  'plan/not-seen': {
    exit: refused,
    meaning: 'Something that the plan depends on could not be seen with the access that drayage has.',
  },
} as const satisfies ErrorCatalogue;

/** A blocker of the plan, with the meaning from the catalogue. */
export function blocker(
  code: keyof typeof planErrors,
  facts: {
    seen: string;
    next: readonly string[];
    move?: string;
    /** Where the error behind it says more than the catalogue. */
    meaning?: string | undefined;
  },
): Blocker {
  return {
    code,
    ...(facts.move === undefined ? {} : { move: facts.move }),
    seen: facts.seen,
    meaning: facts.meaning ?? planErrors[code].meaning,
    next: [...facts.next],
  };
}
