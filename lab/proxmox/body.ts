/** Decoding of queries and bodies with the server's own traps (pve-http-server, AnyEvent.pm). */
import { ApiError } from './api-error.ts';
import type { Raw, RawParams } from './params.ts';

/**
 * Decodes a form or a query. Splits on `&` and `;`, and takes only what stands between the first and the
 * second `=` as the value: an unescaped `=` cuts the value off. A repeated key becomes a list.
 */
export function decodeForm(encoded: string): RawParams {
  const found: RawParams = {};
  for (const pair of encoded.split(/[&;]/)) {
    if (pair === '') continue;
    const [key = '', value = ''] = pair.split('=').map(decodePart);
    if (key === '') continue;
    const before = found[key];
    found[key] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return found;
}

function decodePart(part: string): string {
  const spaced = part.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

/**
 * Decodes a request's body by its content type.
 * @throws ApiError 506 for another content type, 501 for JSON that cannot be read
 */
export function decodeBody(contentType: string | undefined, body: Buffer): RawParams {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/x-www-form-urlencoded') return decodeForm(body.toString('utf8'));
  if (type !== 'application/json') throw new ApiError(506, `upload 'Content-Type '${type}' not implemented`);
  if (body.length === 0) return {};
  let decoded: unknown;
  try {
    decoded = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new ApiError(501, `malformed JSON string: ${(error as Error).message}`);
  }
  if (decoded === null || typeof decoded !== 'object' || Array.isArray(decoded))
    throw new ApiError(501, 'malformed JSON string: not an object');
  return Object.fromEntries(Object.entries(decoded).map(([key, value]) => [key, value as Raw]));
}
