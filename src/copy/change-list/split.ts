import { hasAncestorIn, parentOf } from './names.ts';

/** Of fewer directories, a second walk is not worth its process. */
const fewest = 8;
/** Each is a pattern that one walk compares every directory with. */
const most = 24;
/** Deeper ones are only counted. */
const deepest = 6;
/** The same for every shell, locale and pattern: printable ASCII but `*?[\]`. */
const plain = /^[!-)+->@-Z^-~]{1,200}$/;

/**
 * Directories that have about half of all directories at and below them: what a second walk takes over from the first.
 * None of them lies below another. Empty, where the tree is small or has no such directories.
 * @param directories names, '' the top; with all that are above them
 * @param exclude what no walk enters
 */
export function halfOf(directories: Iterable<string>, exclude: readonly string[]): string[] {
  const { weights, children } = weigh(directories);
  const of = (name: string) => weights.get(name) ?? 0;
  const out = new Set(exclude);
  const canBeTaken = (name: string) => plain.test(name) && !out.has(name) && !hasAncestorIn(name, out);
  const all = (children.get('') ?? []).reduce((sum, name) => sum + of(name), 0);
  if (all < fewest) return [];
  const least = all / 64;
  const taken: string[] = [];
  let wanted = all / 2;
  // Of those that are too heavy to be taken in whole, down into the heaviest.
  for (let at: string | undefined = ''; at !== undefined && wanted >= least; ) {
    let next: string | undefined;
    for (const name of [...(children.get(at) ?? [])].sort((one, other) => of(other) - of(one))) {
      if (of(name) > wanted) next ??= name;
      else if (of(name) >= least && taken.length < most && canBeTaken(name)) {
        taken.push(name);
        wanted -= of(name);
      }
    }
    at = next;
  }
  return taken;
}

/** How many directories are at and below each, and which are in which. */
function weigh(directories: Iterable<string>) {
  const weights = new Map<string, number>();
  const children = new Map<string, string[]>();
  const count = (name: string) => {
    const before = weights.get(name);
    weights.set(name, (before ?? 0) + 1);
    if (before !== undefined) return;
    const siblings = children.get(parentOf(name));
    if (siblings === undefined) children.set(parentOf(name), [name]);
    else siblings.push(name);
  };
  for (const name of directories) {
    if (name === '') continue;
    let end = name.indexOf('/');
    for (let depth = 1; end !== -1 && depth < deepest; depth += 1) {
      count(name.slice(0, end));
      end = name.indexOf('/', end + 1);
    }
    count(end === -1 ? name : name.slice(0, end));
  }
  return { weights, children };
}
