import { type Checked, type Section, twice, unknownName } from './check-common.ts';
import { checkPhases } from './check-phases.ts';
import { checkPlaces } from './check-places.ts';
import { checkShares } from './check-shares.ts';
import { valueAt } from './explain.ts';
import { type ConfigPath, quoted, type RawProblem } from './problem.ts';
import { endpoint } from './schema.ts';

/** Everything that is wrong between the keys of a file whose single keys are right. Pure. */
export function check(checked: Checked): RawProblem[] {
  return [
    ...checkEndpoint(checked),
    ...checkReferences(checked),
    ...checkDoubles(checked),
    ...checkShares(checked),
    ...checkPlaces(checked),
    ...checkDatabases(checked),
    ...checkPhases(checked),
  ];
}

/** The schema has seen the file's own endpoint, but not the one of the environment. */
function checkEndpoint({ config, tree }: Checked): RawProblem[] {
  const address = config.cluster.endpoint;
  if (address === undefined || tree.has(['cluster', 'endpoint'])) return [];
  const result = endpoint.safeParse(address);
  if (result.success) return [];
  return [
    {
      offset: tree.keyAt(['cluster']),
      what: `the environment variable PROXMOX_VE_ENDPOINT is ${quoted(address)}`,
      write: result.error.issues[0]?.message ?? 'an https address',
    },
  ];
}

/** Read from the file itself, so that an entry with another mistake in it still has its references checked. */
function checkReferences({ tree, names }: Checked): RawProblem[] {
  const problems: RawProblem[] = [];
  const refer = (section: Section, path: ConfigPath) => {
    const name = valueAt(tree.value, path);
    const known = names(section);
    if (typeof name !== 'string' || known === undefined || known.includes(name)) return;
    problems.push(unknownName(section, name, known, path, tree));
  };
  for (const share of names('shares') ?? []) refer('nodes', ['shares', share, 'node']);
  for (const move of names('moves') ?? []) {
    refer('guests', ['moves', move, 'from', 'guest']);
    refer('shares', ['moves', move, 'to', 'share']);
    refer('guests', ['moves', move, 'to', 'guest']);
  }
  return problems;
}

/** Two names for one machine would hide that a move has the same machine at both ends. */
function checkDoubles({ config, tree }: Checked): RawProblem[] {
  const guests = Object.values(config.guests);
  return [
    ...twice(
      guests.map((guest) => ({ value: guest.vmid, path: ['guests', guest.name, 'vmid'] })),
      (other) => `the vmid of each machine; ${other} has this one`,
      tree,
    ),
    ...twice(
      guests.map((guest) => ({ value: guest.ssh, path: ['guests', guest.name, 'ssh'] })),
      (other) => `the address of each machine; ${other} has this one`,
      tree,
    ),
    ...twice(
      Object.values(config.nodes).map((node) => ({ value: node.ssh, path: ['nodes', node.name, 'ssh'] })),
      (other) => `the address of each machine; ${other} has this one`,
      tree,
    ),
  ];
}

/** `move` says copy, `exclude` says do not. */
function checkDatabases({ config, tree }: Checked): RawProblem[] {
  return Object.values(config.moves).flatMap((move) =>
    Object.entries(move.databases)
      .filter(([, choice]) => choice === 'move')
      .flatMap(([database]) => {
        const excluded = move.exclude.find((path) => database === path || database.startsWith(`${path}/`));
        if (excluded === undefined) return [];
        return [
          {
            offset: tree.keyAt(['moves', move.name, 'databases', database]),
            what: `the database ${quoted(database)} shall move, and exclude has ${quoted(excluded)}`,
            write: '"leave" for the database, or take it out of exclude',
          },
        ];
      }),
  );
}
