/** What a drafted drayage.yaml says. Values are those of the schema; the writer adds comments and quotes. */
export interface Draft {
  readonly endpoint?: string;
  readonly fingerprint?: string;
  readonly nodes: readonly { readonly name: string; readonly ssh: string }[];
  readonly guests: readonly { readonly name: string; readonly vmid: number; readonly ssh: string }[];
  readonly shares: readonly {
    readonly name: string;
    readonly node: string;
    readonly dataset: string;
    readonly owner: string;
  }[];
  readonly moves: readonly {
    readonly name: string;
    readonly guest: string;
    readonly path: string;
    readonly share: string;
    readonly target: string;
    readonly as?: string;
  }[];
  /** Ids of the directory mappings that the cluster has. */
  readonly mappings?: readonly string[];
  /** The share and the move stand in the file as comments, to be filled in. */
  readonly example?: Pick<Draft, 'shares' | 'moves'>;
}

/** The schema that `drayage init` lays beside drayage.yaml: editors find it there without a network. */
export const schemaFile = 'drayage.schema.json';

/** The text of a drayage.yaml. */
export function writeDraft(draft: Draft): string {
  return `${[
    `# yaml-language-server: $schema=./${schemaFile}`,
    '# What drayage moves, from where to where. Every key is explained in docs/configuration.md.',
    '# Next: drayage inspect, then drayage plan. Neither changes anything.',
    '',
    ...clusterLines(draft),
    '',
    '# Proxmox VE hosts, reached by ssh as root.',
    ...section('nodes', draft.nodes.flatMap(nodeLines)),
    '',
    '# Virtual machines: those that have the data now, and those that shall mount the share.',
    '# A guest that refuses root over ssh: add `sudo: true`.',
    ...section('guests', draft.guests.flatMap(guestLines)),
    '',
    '# A ZFS dataset on a node + a directory mapping + a mount path in the guests.',
    '# owner: numeric user and group of its top. Nothing below the top is changed.',
    ...(draft.mappings && draft.mappings.length > 0
      ? [`# Mapping ids that the cluster has already: ${draft.mappings.join(', ')}`]
      : []),
    ...section('shares', draft.shares.flatMap(shareLines), draft.example?.shares.flatMap(shareLines)),
    '',
    '# What moves: a path on a source guest, with the containers that use it, to a target guest.',
    '# `as` is the place inside the share (default: the name of the source guest); `as: .` takes its top.',
    ...section('moves', draft.moves.flatMap(moveLines), draft.example?.moves.flatMap(moveLines)),
  ].join('\n')}\n`;
}

function clusterLines(draft: Draft): string[] {
  const known = [
    ...(draft.endpoint === undefined ? [] : [`  endpoint: ${scalar(draft.endpoint)}`]),
    ...(draft.fingerprint === undefined ? [] : [`  fingerprint: ${scalar(draft.fingerprint)}`]),
  ];
  const open = [
    ...(draft.endpoint === undefined
      ? ['endpoint: https://192.168.1.12:8006  # default: PROXMOX_VE_ENDPOINT']
      : []),
    ...(draft.fingerprint === undefined
      ? ['fingerprint: SHA-256 of the certificate (pvenode cert info), unless a trusted CA signed it']
      : []),
    'tokenFile: ~/.config/drayage/token',
  ];
  return [
    '# The API token never stands in this file: export PROXMOX_VE_API_TOKEN, or name a file (mode 0600) by tokenFile.',
    // A section whose keys are all comments would have no value.
    known.length > 0 ? 'cluster:' : '# cluster:',
    ...known,
    ...open.map((line) => (known.length > 0 ? `  # ${line}` : `#   ${line}`)),
  ];
}

/** An empty section is `{}` with its example as comments below it. */
function section(name: string, lines: readonly string[], example: readonly string[] = []): string[] {
  if (lines.length > 0) return [`${name}:`, ...lines];
  return example.length === 0
    ? [`${name}: {}`]
    : [
        `${name}: {}`,
        '# For example (the line above then ends at its colon):',
        ...example.map((line) => `#${line}`),
      ];
}

function nodeLines(node: Draft['nodes'][number]): string[] {
  return [`  ${scalar(node.name)}:`, `    ssh: ${scalar(node.ssh)}`];
}

function guestLines(guest: Draft['guests'][number]): string[] {
  return [`  ${scalar(guest.name)}:`, `    vmid: ${guest.vmid}`, `    ssh: ${scalar(guest.ssh)}`];
}

function shareLines(share: Draft['shares'][number]): string[] {
  return [
    `  ${scalar(share.name)}:`,
    `    node: ${scalar(share.node)}`,
    `    dataset: ${scalar(share.dataset)}  # made when it does not exist`,
    `    owner: ${JSON.stringify(share.owner)}`,
  ];
}

function moveLines(move: Draft['moves'][number]): string[] {
  return [
    `  ${scalar(move.name)}:`,
    '    from:',
    `      guest: ${scalar(move.guest)}`,
    `      path: ${scalar(move.path)}`,
    '    to:',
    `      share: ${scalar(move.share)}`,
    `      guest: ${scalar(move.target)}`,
    ...(move.as === undefined ? [] : [`      as: ${scalar(move.as)}`]),
  ];
}

/** Words that some YAML reader takes for something else than text. */
const notPlain = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** A value on one line; in quotes wherever any version of YAML could read something else. */
function scalar(text: string): string {
  return /^([A-Za-z/][A-Za-z0-9@/_.-]*|https:\/\/[A-Za-z0-9.:-]*[A-Za-z0-9])$/.test(text) &&
    !notPlain.test(text)
    ? text
    : JSON.stringify(text);
}
