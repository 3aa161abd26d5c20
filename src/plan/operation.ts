import { z } from 'zod';

/** Names in drayage.yaml: a node, a guest, or `controller`. */
const host = z.string();

/** A value that is read from a host at the moment it is needed, so that it never stands in a plan or a journal. */
const secretSource = z.strictObject({
  host,
  /** A read-only command whose stdout is the value. */
  argv: z.array(z.string()),
  /** What the reader sees instead of the value. */
  shownAs: z.string(),
});

/**
 * A look at the world that changes nothing. A step's probe, a guard and a proof are lists of checks; all must hold.
 * - `run`: the command's exit code, and its stdout without the last newline, are what is expected.
 * - `call`: a GET; the value at `at` (keys joined by `.`; empty: the whole answer) equals `equals`, or its text matches
 *   the regular expression `matches`, or it is absent, or it is present whatever it is.
 * - `source`: the source path is there, is a directory, is not empty, and is the same mount and inode as at inspection.
 * - `quiet`: no process of the guest has an open or mapped file below the path, and none of the containers runs.
 * - `compare`: content and metadata of both trees are read and are equal; `changed` reads exactly what the final pass
 *   carried by its list, and everything where that pass had to go over the whole tree.
 * - `evidence`: this controller holds a proof without differences for the move, made from the window of this plan.
 */
export const checkSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('run'),
    host,
    argv: z.array(z.string()),
    expect: z.strictObject({ exitCode: z.int().default(0), stdout: z.string().optional() }),
    /** Seconds to go on looking until it holds; 0 or absent: look once. */
    within: z.number().optional(),
    what: z.string(),
  }),
  z.strictObject({
    kind: z.literal('call'),
    path: z.string(),
    at: z.string(),
    equals: z.json().optional(),
    matches: z.string().optional(),
    absent: z.boolean().optional(),
    present: z.boolean().optional(),
    within: z.number().optional(),
    what: z.string(),
  }),
  z.strictObject({
    kind: z.literal('source'),
    host,
    path: z.string(),
    device: z.string(),
    inode: z.string(),
    what: z.string(),
  }),
  z.strictObject({
    kind: z.literal('quiet'),
    host,
    path: z.string(),
    what: z.string(),
  }),
  z.strictObject({
    kind: z.literal('compare'),
    move: z.string(),
    source: z.strictObject({ host, path: z.string() }),
    target: z.strictObject({ host, path: z.string() }),
    scope: z.enum(['changed', 'full']),
    exclude: z.array(z.string()),
    /** A sample of the files is also read in this guest, through its mount; `live` is the same place on the target host. */
    inside: z.strictObject({ host, path: z.string(), live: z.string() }).optional(),
    what: z.string(),
  }),
  z.strictObject({ kind: z.literal('evidence'), move: z.string(), what: z.string() }),
]);

const common = {
  /** One line for people: what this operation does. */
  what: z.string(),
  /** Looked at again immediately before the operation; one that does not hold refuses it. */
  guards: z.array(checkSchema).optional(),
  /** All hold: the outcome is already there, and nothing is performed. */
  unless: z.array(checkSchema).min(1).optional(),
  /** The answer when the operation's outcome is already there (a unit that is stopped): exit codes that count as done. */
  okExitCodes: z.array(z.int()).optional(),
};

/**
 * One change. Nothing else changes anything.
 * - `run`: a command on a host; `stdin` is literal text, or a value read from another host at the last moment.
 * - `call`: one Proxmox API call; a task it starts is waited for.
 * - `clone`: the API call that clones a template, under the number `newid`, or under one that is free at that moment:
 *   one that somebody else takes in between is not waited for. The number is known after the step.
 * - `write`: one file, written whole and renamed into place; `content` literal, or copied from a file of another host.
 * - `copy`: rsync, run on `host`; the data goes from the source to `host` and never through the controller. A seed is the
 *   whole tree, by tar where the place is empty, then rounds over what has changed; the final pass is what has changed since, or the whole tree again.
 * - `carry-back`: rsync the other way, run on `host`, from its place in the share to the source guest. Only a
 *   rollback has it, when the operator has asked for it by name.
 */
export const operationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('run'),
    host,
    argv: z.array(z.string()),
    stdin: z.union([z.string(), secretSource]).optional(),
    timeoutSeconds: z.number().optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('call'),
    method: z.enum(['POST', 'PUT', 'DELETE']),
    path: z.string(),
    params: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])),
    /** Seconds that the task may take. */
    timeoutSeconds: z.number().optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('clone'),
    /** `/nodes/NODE/qemu/TEMPLATE/clone`. */
    path: z.string(),
    /** Without it, the next free one. */
    newid: z.int().optional(),
    params: z.record(z.string(), z.union([z.string(), z.number()])),
    /** Seconds that the task may take. */
    timeoutSeconds: z.number(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('write'),
    host,
    path: z.string(),
    /** What is new in a file that holds more than that; shown instead of the whole. */
    excerpt: z.string().optional(),
    content: z.union([
      z.string(),
      z.strictObject({ from: z.strictObject({ host, path: z.string() }), sha256: z.string() }),
    ]),
    mode: z.string(),
    owner: z.strictObject({ uid: z.int(), gid: z.int() }).optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('copy'),
    move: z.string(),
    pass: z.enum(['seed', 'final']),
    host,
    source: z.strictObject({ host, path: z.string() }),
    /** `topIsShare`: owner, mode and time of the top belong to the share, not to the move. */
    target: z.strictObject({ path: z.string(), topIsShare: z.boolean() }),
    exclude: z.array(z.string()),
    /** The whole tree in one rsync: a seed without deletions, the final pass with them. */
    argv: z.array(z.string()),
    /** One of several rsync processes of the first copy; its part of the tree comes on stdin. */
    partArgv: z.array(z.string()).optional(),
    /** One of several streams of tar that fill a place which is empty; its part of the tree comes on stdin. */
    streamArgv: z.array(z.string()).optional(),
    /** Exactly the names that come on stdin: what has changed, or was found to differ. */
    listArgv: z.array(z.string()),
    /** Of a seed: most passes over what has changed, the number of entries that ends them, and most processes at once. */
    rounds: z.strictObject({ most: z.int(), settled: z.int(), processes: z.int() }).optional(),
    /** A list of more than this share of all entries is not used: the whole tree is passed over. */
    maxShare: z.number(),
    /** Why the whole tree must be passed over in the window, where that is known beforehand. */
    full: z.string().optional(),
    /** More deletions than this are refused before anything is deleted. */
    maxDelete: z.int(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('carry-back'),
    move: z.string(),
    host,
    /** Prints what is not as the snapshot of the cutover has it; `argv` then takes these names on stdin. Absent: the whole tree. */
    listing: z.array(z.string()).optional(),
    /** Relative to the place, literally: neither sent nor deleted. */
    exclude: z.array(z.string()).optional(),
    /** Of the listing, only what is there: what is gone goes with a pass over the whole tree, which follows. */
    goneLater: z.boolean().optional(),
    argv: z.array(z.string()),
    from: z.strictObject({ path: z.string() }),
    to: z.strictObject({ host, path: z.string() }),
    /** Owner, mode and time of the top belong to the share, not to the move. */
    topIsShare: z.boolean(),
    /** More deletions than this are refused before anything is deleted. */
    maxDelete: z.int(),
    ...common,
  }),
]);

export type Check = z.infer<typeof checkSchema>;
export type Operation = z.infer<typeof operationSchema>;
export type SecretSource = z.infer<typeof secretSource>;
