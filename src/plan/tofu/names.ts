import { tofuError } from '../../tofu/errors.ts';

/** Text as a template of OpenTofu that stands for exactly this text: `${` and `%{` would begin something (syntax/json). */
export function literal(text: string): string {
  return text.replace(/([$%])\{/g, '$1$1{');
}

/**
 * Name of a resource: letters, digits, `_` and `-`, not beginning with a digit or `-` (syntax/configuration, "Identifiers").
 * What is something else in the name of a host becomes `_`.
 */
export function resourceName(host: string): string {
  const name = host.replace(/[^A-Za-z0-9_-]/g, '_');
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}

/** `pve-configid`, which is also the tag that a guest mounts. @throws tofu/mapping-id */
export function checkMappingId(id: string, where: string): void {
  const bytes = Buffer.byteLength(id);
  if (/^[a-zA-Z][a-zA-Z0-9_-]+$/.test(id) && bytes <= 36) return;
  throw tofuError('tofu/mapping-id', {
    seen: `${where}: the mapping ${JSON.stringify(id)}${bytes > 36 ? ` has ${bytes} bytes` : ''}`,
    next: [`write a shorter id of letters and digits in ${where}`, 'pvesh get /cluster/mapping/dir'],
  });
}

/** An attribute as `ignore_changes` takes it: a name, with an index or a name below it. */
export const attributePath = /^[a-z][a-z0-9_]*(\[\d+\]|\.[a-z][a-z0-9_]*)*$/;
