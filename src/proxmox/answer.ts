import type { z } from 'zod';
import { proxmoxError } from './errors.ts';

/** An answer in the shape that the API documents. @throws proxmox/unexpected naming what is not as documented */
export function parseAnswer<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw proxmoxError('proxmox/unexpected', {
    seen: `GET ${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as documented'}`,
    next: [`pvesh get ${path.split('?')[0]} --output-format json`],
  });
}
