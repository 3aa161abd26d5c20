import type { Answer } from '../guest/probe.ts';
import type { Host } from '../ssh/host.ts';
import type { NotSeen } from './findings.ts';
import { keyOf, type Manager } from './guest-workloads.ts';

/** What is asked of a user whose manager does not run; nothing of the others. */
export function asleepQuestions(manager: Manager): (readonly [string, readonly string[]])[] {
  if (manager.answers || manager.user === undefined) return [];
  const { home, storePath } = manager.user;
  return [
    [keyOf(manager, 'own-units'), ownUnitsArgv(home)],
    ...(storePath === undefined
      ? []
      : [[keyOf(manager, 'own-containers'), ownContainersArgv(storePath)] as const]),
  ];
}

/** Services and timers that a user has of his own: one is enough. */
function ownUnitsArgv(home: string): string[] {
  const folders = [`${home}/.config/systemd/user`, `${home}/.local/share/systemd/user`];
  const either = ['(', '-name', '*.service', '-o', '-name', '*.timer', ')'];
  return ['find', '-L', ...folders, '-maxdepth', '1', ...either, '-printf', '%p\\n', '-quit'];
}

/** containers/storage lists its containers in `<driver>-containers/containers.json`; with none it is empty, or `[]`. */
function ownContainersArgv(store: string): string[] {
  const list = ['-mindepth', '2', '-maxdepth', '2', '-path', '*-containers/containers.json', '-size', '+2c'];
  return ['find', '-L', store, ...list, '-printf', '%p\\n', '-quit'];
}

/**
 * A user whose manager does not run: nothing of his runs, and his quadlets are seen by their files. What else he has
 * would start at his next login, and cannot be looked at.
 */
export function asleep(host: Host, manager: Manager, answers: Readonly<Record<string, Answer>>): NotSeen[] {
  const { user } = manager;
  if (manager.answers || user === undefined) return [];
  const own = ['own-units', 'own-containers']
    .map((question) => answers[keyOf(manager, question)]?.stdout.trim() ?? '')
    .filter(Boolean);
  if (own.length === 0) return [];
  return [
    {
      subject: `guest ${host.name}`,
      what: `containers and units of user ${user.name}`,
      seen: `/run/user/${user.uid} has no systemd: the user's manager does not run, and there is ${own.join(' and ')}`,
      next: `loginctl enable-linger ${user.name}   # on ${host.name}: his manager runs and can be asked; disable-linger afterwards`,
    },
  ];
}
