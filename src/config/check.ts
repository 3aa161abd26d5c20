import { type Checked, type Section, twice, unknownName } from './check-common.ts';
import { checkPhases } from './check-phases.ts';
import { checkPlaces } from './check-places.ts';
import { checkShares } from './check-shares.ts';
import { missing, valueAt } from './explain.ts';
import { schemaAt } from './json-schema.ts';
import { nearest } from './nearest.ts';
import { type ConfigPath, pathText, quoted, type RawProblem } from './problem.ts';
import { defaultProviderVersion, readProviderPin } from './provider-version.ts';
import { endpoint } from './schema.ts';

/** Everything that is wrong between the keys of a file whose single keys are right. Pure. */
export function check(checked: Checked): RawProblem[] {
  return [
    ...checkEndpoint(checked),
    ...checkNotify(checked),
    ...checkProvider(checked),
    ...checkGuests(checked),
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

/** What the environment holds may be secret: it is not shown. */
function checkNotify({ config, tree }: Checked): RawProblem[] {
  const { notify } = config;
  if (notify === undefined) return [];
  const inFile = tree.has(['notify', 'url']);
  const problem = (what: string, write: string) => [
    { offset: inFile ? tree.valueAt(['notify', 'url']) : tree.keyAt(['notify']), what, write },
  ];
  const name = inFile ? 'notify.url' : 'the environment variable DRAYAGE_NOTIFY_URL';
  if (notify.url === '')
    return problem(
      'notify has no url, and DRAYAGE_NOTIFY_URL is not set',
      'url: with the address that takes the messages',
    );
  const url = URL.canParse(notify.url) ? new URL(notify.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return problem(
      `${name} is not an address that drayage can post to`,
      'an http or https address without a user',
    );
  if (notify.kind === 'ntfy' && !/^\/[-_A-Za-z0-9]{1,64}$/.test(url.pathname))
    return problem(
      `${name} names no topic of ntfy`,
      'the server and one topic of letters, digits, "-" and "_", such as "https://ntfy.example.com/drayage"',
    );
  return [];
}

function checkProvider({ config, tree }: Checked): RawProblem[] {
  if (config.tofu === undefined) return [];
  const dialect = readProviderPin(config.tofu.provider);
  if ('dialect' in dialect) return [];
  return [
    {
      offset: tree.valueAt(['tofu', 'provider']),
      what: `tofu.provider is ${quoted(config.tofu.provider)}, which ${dialect.problem}`,
      write: `"${defaultProviderVersion}", or "~> 0.93.0" for the patches of one minor version`,
    },
  ];
}

const guestKeys = Object.keys(schemaAt(['guests', 'any'])?.properties ?? {});

/** A guest that is still to be made may be without its number and address, as long as nothing needs them. */
function checkGuests({ tree, names, unmade }: Checked): RawProblem[] {
  // A key that was only misspelt is not missing as well.
  const misspelt = (guest: string, key: string) =>
    Object.keys(valueAt(tree.value, ['guests', guest]) ?? {}).some(
      (other) => !guestKeys.includes(other) && nearest(other, [key]) !== undefined,
    );
  const lacks = (guest: string) =>
    (['vmid', 'ssh'] as const).filter((key) => !tree.has(['guests', guest, key]) && !misspelt(guest, key));
  const users = (guest: string) =>
    (names('moves') ?? []).filter((move) =>
      (['from', 'to'] as const).some((end) => valueAt(tree.value, ['moves', move, end, 'guest']) === guest),
    );
  return (names('guests') ?? []).flatMap((guest) => {
    if (!tree.has(['guests', guest, 'create']))
      return lacks(guest).map((key) => missing(['guests', guest, key], tree));
    const [move] = users(guest);
    if (unmade || move === undefined) return [];
    return lacks(guest).map((key) => ({
      offset: tree.keyAt(['guests', guest]),
      what: `${pathText(['guests', guest, key])} is missing, and the move ${quoted(move)} needs it`,
      write: `nothing by hand: drayage guest ${key === 'vmid' ? 'new' : 'integrate'} ${guest}   (enters it)`,
    }));
  });
}

/** Read from the file itself, so that an entry with another mistake in it still has its references checked. */
function checkReferences({ config, tree, names }: Checked): RawProblem[] {
  const problems: RawProblem[] = [];
  const refer = (section: Section, path: ConfigPath) => {
    const name = valueAt(tree.value, path);
    const known = names(section);
    if (typeof name !== 'string' || known === undefined || known.includes(name)) return;
    problems.push(unknownName(section, name, known, path, tree));
  };
  for (const share of names('shares') ?? []) {
    refer('nodes', ['shares', share, 'node']);
    for (const place of Object.values(config.shares[share]?.maintenance ?? {}))
      for (const index of place.without.keys())
        refer('guests', ['shares', share, 'maintenance', place.node, 'without', index]);
  }
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
