import { z } from 'zod';

const credential = z.object({ id: z.string(), secret: z.string() });

/** What the starter hands to the keeper inside the room, as a file that only root reads. */
export const settingsSchema = z.object({
  root: z.string(),
  /** The second node is there too. */
  secondNode: z.boolean(),
  guests: z.array(z.enum(['doc1', 'doc2'])),
  kernel: z.string(),
  initrd: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  /** Private key of the node's root, which root of every guest accepts. */
  nodeKey: z.string(),
  tokens: z.object({ full: credential, audit: credential }),
});
export type RoomSettings = z.infer<typeof settingsSchema>;
