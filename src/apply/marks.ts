import { z } from 'zod';
import { operationSchema } from '../plan/operation.ts';
import { applyError } from './errors.ts';
import { readIfThere, writeWhole } from './file.ts';

/** A machine's clock, as readClock of clock.ts reads it. */
const clockSchema = z.strictObject({ seconds: z.int(), uptime: z.number(), bootId: z.string() });

/** What an earlier version kept beside these is left aside: it says nothing about how this one copies. */
const moveMarksSchema = z.object({
  /** Source, target and what stays behind: marks of another pair say nothing. */
  pair: z.string(),
  /** A pass over the whole tree has ended. */
  seeded: z.boolean().default(false),
  /**
   * Source and target are one, except for what is `pending` and what has changed since. Both files are in `folder` of
   * the move's folder of `.drayage/copies`.
   */
  baseline: z
    .strictObject({
      /** By the source's clock, taken before a sync and before the look at the tree. */
      since: clockSchema,
      folder: z.string(),
      directories: z.string(),
      pending: z.string(),
      /** Of the whole tree. */
      entries: z.int(),
    })
    .optional(),
  /** The last pass over what had changed: seconds from its look to the end of its comparison, and how many entries. */
  round: z.strictObject({ seconds: z.number(), listed: z.int() }).optional(),
  /** How the final pass went. */
  final: z
    .strictObject({
      how: z.enum(['change-list', 'full-pass']),
      because: z.string().optional(),
      listed: z.int().optional(),
      changed: z.int(),
      deleted: z.int(),
      bytes: z.number(),
      seconds: z.number(),
    })
    .optional(),
  /** The last full comparison without differences, made after the last pass. */
  evidence: z
    .strictObject({
      run: z.string(),
      plan: z.string(),
      at: z.string(),
      entries: z.int(),
      files: z.int(),
      bytes: z.number(),
    })
    .optional(),
});

const windowSchema = z.strictObject({
  phase: z.string(),
  plan: z.string(),
  run: z.string(),
  /** ISO time of the controller. */
  openedAt: z.string(),
  /** Seconds that were projected when the operator was asked. */
  expectedSeconds: z.number().optional(),
  /** ISO time at which the first workload was told to stop; absent: all still run. */
  downSince: z.string().optional(),
  /** Steps that began in this window, in order, with what takes them back. */
  begun: z.array(
    z.strictObject({ step: z.string(), move: z.string().optional(), undo: z.array(operationSchema) }),
  ),
  /** Moves whose release has begun: nothing of theirs is taken back. */
  released: z.array(z.string()),
});

const marksSchema = z.strictObject({
  format: z.literal(1),
  moves: z.record(z.string(), moveMarksSchema),
  /**
   * By move: the run whose plan knows the workloads as they ran before the window. Once they are stopped, a look at the
   * source cannot tell any more what ran there.
   */
  cutovers: z.record(z.string(), z.string()).default({}),
  /** Workloads are down, or were when the last run ended. */
  window: windowSchema.optional(),
});

export type MoveMarks = z.infer<typeof moveMarksSchema>;
export type BaselineMarks = NonNullable<MoveMarks['baseline']>;
export type FinalMarks = NonNullable<MoveMarks['final']>;
export type OpenWindow = z.infer<typeof windowSchema>;
export type Marks = z.infer<typeof marksSchema>;

/** What must outlive a run: what is known equal of each move, the kept proof, and a window that is still open. */
export interface MarksStore {
  get(): Marks;
  /** Resolves when it is on disk. */
  set(marks: Marks): Promise<void>;
}

export const noMarks: Marks = { format: 1, moves: {}, cutovers: {} };

/** @throws apply/state-unreadable */
export async function openMarks(file: string): Promise<MarksStore> {
  const text = await readIfThere(file);
  let marks = text === undefined ? noMarks : parse(file, text);
  return {
    get: () => marks,
    async set(next) {
      await writeWhole(file, `${JSON.stringify(next, undefined, 2)}\n`);
      marks = next;
    },
  };
}

function parse(file: string, text: string): Marks {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const read = marksSchema.safeParse(value);
  if (read.success) return read.data;
  throw applyError('apply/state-unreadable', {
    seen: `${file}: ${read.error.issues[0]?.message ?? 'not JSON'}`,
    where: `${file}:1:1`,
    next: [`mv ${file} ${file}.damaged   # the next proof then reads every file`, 'drayage status'],
  });
}

export async function setMoveMarks(store: MarksStore, move: string, marks: MoveMarks): Promise<void> {
  const all = store.get();
  await store.set({ ...all, moves: { ...all.moves, [move]: marks } });
}

export async function setWindow(store: MarksStore, window: OpenWindow | undefined): Promise<void> {
  const { window: _before, ...rest } = store.get();
  await store.set(window === undefined ? rest : { ...rest, window });
}
