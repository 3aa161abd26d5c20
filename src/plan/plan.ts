import { z } from 'zod';
import { checkSchema, operationSchema } from './operation.ts';

export const stages = ['prepare', 'seed', 'cutover', 'prove', 'finalize'] as const;
export const stageSchema = z.enum(stages);
export type Stage = z.infer<typeof stageSchema>;

export const stepSchema = z.strictObject({
  /** Stable and readable: `dataset containers`, `final-pass docker`. */
  id: z.string(),
  phase: z.string(),
  /** Absent for steps that serve a share rather than one move. */
  move: z.string().optional(),
  stage: stageSchema,
  title: z.string(),
  why: z.string(),
  /** Ids of the steps that must be in place first. */
  needs: z.array(z.string()),
  /** All hold: the step is in place and its operations are not performed. Empty: the step is always performed. */
  probe: z.array(checkSchema),
  operations: z.array(operationSchema),
  /** All must hold after the operations. */
  proof: z.array(checkSchema),
  /** What takes the step back, in this order. Empty where nothing needs to be undone. */
  undo: z.array(operationSchema),
  /** What only the operator can do (a NixOS configuration): the text to follow. The step has no operations then. */
  byHand: z.string().optional(),
  /** What cannot be taken back, or can only at a price, in one sentence. */
  irreversible: z.string().optional(),
});
export type Step = z.infer<typeof stepSchema>;

/** What a step is made from: it needs, looks for, does, proves and takes back nothing. */
export const emptyStep = (): Pick<Step, 'needs' | 'probe' | 'operations' | 'proof' | 'undo'> => ({
  needs: [],
  probe: [],
  operations: [],
  proof: [],
  undo: [],
});

/** Something that keeps the plan, or the phase, from being applied. */
export const blockerSchema = z.strictObject({
  code: z.string(),
  move: z.string().optional(),
  seen: z.string(),
  meaning: z.string(),
  next: z.array(z.string()),
});
export type Blocker = z.infer<typeof blockerSchema>;

export const phasePlanSchema = z.strictObject({
  name: z.string(),
  moves: z.array(z.string()),
  /** The phase that must be proven first. */
  after: z.string().optional(),
});

export const planSchema = z.strictObject({
  format: z.literal(1),
  /** First 12 hex digits of the SHA-256 over everything below except `estimates`: the same plan has the same id. */
  id: z.string(),
  drayage: z.string(),
  phases: z.array(phasePlanSchema),
  steps: z.array(stepSchema),
  blockers: z.array(blockerSchema),
  /** What the operator should know and need not act on. */
  notes: z.array(z.string()),
  /** Numbers that move while the source is in use; not part of the id. Bytes, entries, seconds. */
  estimates: z.record(
    z.string(),
    z.strictObject({
      entries: z.number(),
      bytes: z.number(),
      seedSeconds: z.number(),
      windowSeconds: z.number(),
      workloads: z.int(),
      /** Guests that are stopped and started in the window; absent: none. */
      guests: z.int().optional(),
      /** What the window is made of, in seconds, in this order. */
      window: z.strictObject({
        stop: z.number(),
        copy: z.number(),
        release: z.number(),
        start: z.number(),
      }),
    }),
  ),
});
export type Plan = z.infer<typeof planSchema>;
