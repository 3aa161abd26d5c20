/** The record of requests: one JSON line for each, never a secret. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RawParams } from './params.ts';

export interface RequestRecord {
  /** ISO 8601. */
  time: string;
  method: string;
  /** Below /api2/json, as it was sent, without the query. */
  path: string;
  /** Of query and body, decoded but not yet verified. */
  params: RawParams;
  /** Null for a request that was not authenticated. */
  tokenid: string | null;
  /** 0 when the connection was closed without an answer. */
  status: number;
}

const secret = /^(password|cipassword|otp|tfa-challenge)$/;

export function recordRequest(file: string, record: RequestRecord): void {
  mkdirSync(dirname(file), { recursive: true });
  const params = Object.fromEntries(
    Object.entries(record.params).map(([key, value]) => [key, secret.test(key) ? '(hidden)' : value]),
  );
  appendFileSync(file, `${JSON.stringify({ ...record, params })}\n`);
}
