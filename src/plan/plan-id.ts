import { createHash } from 'node:crypto';
import type { Plan } from './plan.ts';

/** Object keys in one order, so that equal plans give equal text. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}

/** SHA-256, in hex, of a value's canonical JSON. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(value)))
    .digest('hex');
}

/** The plan's id: 12 hex digits over everything that would be done. Estimates move with the data and do not count. */
export function planId(plan: Omit<Plan, 'id' | 'estimates'>): string {
  return digestOf({ ...plan, estimates: undefined, id: undefined }).slice(0, 12);
}

/** A UUID that depends only on its seed (RFC 9562, version 8), so that the same world gives the same plan. */
export function stableUuid(seed: string): string {
  const hex = createHash('sha256').update(`drayage share ${seed}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex[16] as string, 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
