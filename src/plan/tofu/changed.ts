/** An attribute that differs, by its path. Values are there only where they are harmless and not flagged as sensitive. */
export interface ChangedAttribute {
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

interface Sides {
  readonly before?: unknown;
  readonly after?: unknown;
  readonly after_unknown?: unknown;
  readonly before_sensitive?: unknown;
  readonly after_sensitive?: unknown;
}

/**
 * Attributes whose values are shown. All others are named only: a plan holds passwords and keys in clear, and a provider may
 * forget to flag one.
 */
const shown = new Set([
  'bios',
  'cpu',
  'delete_unreferenced_disks_on_destroy',
  'disk',
  'machine',
  'map',
  'memory',
  'name',
  'node_name',
  'on_boot',
  'protection',
  'purge_on_destroy',
  'reboot_after_update',
  'started',
  'tags',
  'virtiofs',
  'vm_id',
]);

/** Every attribute that differs between the two sides, in the order of their names. */
export function changedAttributes(change: Sides): ChangedAttribute[] {
  const found: ChangedAttribute[] = [];
  compare(
    [],
    change.before,
    change.after,
    change.after_unknown,
    [change.before_sensitive, change.after_sensitive],
    found,
  );
  return found;
}

type Path = readonly (string | number)[];

function compare(
  path: Path,
  before: unknown,
  after: unknown,
  unknown: unknown,
  sensitive: readonly unknown[],
  found: ChangedAttribute[],
): void {
  const hidden = sensitive.some((flag) => flag === true);
  if (unknown === true) {
    found.push({ path: pathText(path), ...shownAs(path, hidden, before), after: '(known after apply)' });
    return;
  }
  if (!hidden && isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after), ...trueKeys(unknown)])];
    for (const key of Array.isArray(before) ? keys : keys.sort())
      compare(
        [...path, Array.isArray(before) ? Number(key) : key],
        at(before, key),
        at(after, key),
        at(unknown, key),
        sensitive.map((flag) => at(flag, key)),
        found,
      );
    return;
  }
  if (same(before, after)) return;
  const anyHidden = hidden || sensitive.some(holdsTrue);
  const shownAfter = shownAs(path, anyHidden, after).before;
  found.push({
    path: pathText(path),
    ...shownAs(path, anyHidden, before),
    ...(shownAfter === undefined ? {} : { after: shownAfter }),
  });
}

function shownAs(path: Path, hidden: boolean, value: unknown): { before?: string } {
  if (hidden || !shown.has(String(path[0]))) return {};
  return { before: JSON.stringify(value) ?? 'null' };
}

const isTree = (value: unknown): value is object => value !== null && typeof value === 'object';
const at = (tree: unknown, key: string): unknown =>
  isTree(tree) ? (tree as Record<string, unknown>)[key] : tree === true ? true : undefined;
const holdsTrue = (value: unknown): boolean =>
  value === true || (isTree(value) && Object.values(value).some(holdsTrue));
const trueKeys = (unknown: unknown): string[] =>
  isTree(unknown) && !Array.isArray(unknown)
    ? Object.keys(unknown).filter((key) => holdsTrue(at(unknown, key)))
    : [];

/** Absent, null and an empty list are one thing to the provider. */
function same(a: unknown, b: unknown): boolean {
  const nothing = (value: unknown) =>
    value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return (nothing(a) && nothing(b)) || JSON.stringify(a) === JSON.stringify(b);
}

function pathText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}
