/** The directory that a name is in; the top is ''. */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/** The directories above a name, nearest first; the top ('') is not among them. */
export function* ancestors(name: string): Generator<string> {
  for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) yield name.slice(0, at);
}

export function hasAncestorIn(
  name: string,
  names: { readonly size: number; has(name: string): boolean },
): boolean {
  if (names.size === 0) return false;
  for (const above of ancestors(name)) if (names.has(above)) return true;
  return false;
}
