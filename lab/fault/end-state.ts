/** What a migration has left behind, as named sections of lines: each line is one fact. */
export type Facts = Readonly<Record<string, readonly string[]>>;

/** Paths below the source and the share that the services write all the time. */
const alive = [
  'writer/log.txt',
  'app/state',
  'web/heartbeat',
  'notes/books/last-sync',
  'housekeeping/reports/usage.log',
];

/** Folders whose own time moves with them. */
const livelyFolders = new Set(
  alive.flatMap((path) => path.split('/').map((_, index, all) => all.slice(0, index).join('/'))),
);

/** One line for each entry: path, TAB, then type, mode, owner, size, time, links, target of a link. */
export const listingFormat = '%P\\t%y %m %U:%G %s %T@ %n %l\\n';

/** An entry's line without what is free to differ: nothing of a file that lives, not the time of its folder. */
function settled(line: string): string[] {
  const [path = '', facts = ''] = line.split('\t');
  if (alive.includes(path)) return [];
  if (!livelyFolders.has(path)) return [line];
  const [type, mode, owner] = facts.split(' ');
  return [`${path}\t${type} ${mode} ${owner}`];
}

/** A listing that can be compared with that of another side, or of another run. */
export const settledListing = (text: string): string[] => lines(text).flatMap(settled).sort();

/** The same of two file systems: how large a directory is, and how many links it has, is each one's own business. */
export const portableListing = (text: string): string[] =>
  settledListing(text).map((line) => line.replace(/(\td \S+ \S+) \S+ (\S+) \S+/, '$1 $2'));

/** `sha256sum` lines, without the files that live. */
export const settledDigests = (text: string): string[] =>
  lines(text)
    .filter((line) => !alive.includes(line.slice(line.indexOf('./') + 2)))
    .sort();

const lines = (text: string) => text.split('\n').filter(Boolean);

/** What observe.sh prints, by section. */
export function sections(text: string, prefix: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  let current: string[] = [];
  for (const line of lines(text)) {
    if (line.startsWith('## ')) {
      current = [];
      found[`${prefix} ${line.slice(3)}`] = current;
    } else current.push(line);
  }
  return found;
}

/** Names and times that are others in each run: the same fact must be the same line. */
export function normalise(facts: Facts): Facts {
  return Object.fromEntries(
    Object.entries(facts).map(([section, all]) => [section, all.map(normaliseLine).sort()]),
  );
}

function normaliseLine(line: string): string {
  return line
    .replaceAll(/\b\d{8}T\d{6}Z-[0-9a-f]{12}(-\d+)?\b/g, '<run>')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\b/g, '<time>')
    .replaceAll(/("digest":)"[0-9a-f]{40,}"/g, '$1"<digest>"');
}

/** What one end has and the other has not, long lines as what is around their first difference; empty when they are equal. */
export function differences(expected: Facts, found: Facts): string[] {
  const [wanted, seen] = [normalise(expected), normalise(found)];
  return [...new Set([...Object.keys(wanted), ...Object.keys(seen)])].sort().flatMap((section) => {
    const lacking = missing(wanted[section], seen[section]);
    const extra = missing(seen[section], wanted[section]);
    return [
      ...lacking.map((line) => `${section}: missing: ${aroundDifference(line, extra)}`),
      ...extra.map((line) => `${section}: too much: ${aroundDifference(line, lacking)}`),
    ];
  });
}

/** Characters of a line that are shown as they are; then of its beginning, before the difference and from it on. */
const shown = { whole: 240, beginning: 60, before: 60, from: 120 };

/** A line that is too long to be read, as its beginning and what is around the first place where the most similar one differs. */
function aroundDifference(line: string, others: readonly string[]): string {
  if (line.length <= shown.whole) return line;
  const at = Math.max(0, ...others.map((other) => samePart(line, other)));
  const from = Math.max(shown.beginning, at - shown.before);
  const to = Math.max(at, from) + shown.from;
  return [
    line.slice(0, shown.beginning),
    from > shown.beginning ? ` [... ${from - shown.beginning} characters] ` : '',
    line.slice(from, to),
    line.length > to ? ` [... ${line.length - to} characters]` : '',
  ].join('');
}

/** How many characters two lines have in common at their beginning. */
function samePart(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}

function missing(wanted: readonly string[] = [], seen: readonly string[] = []): string[] {
  const left = new Map<string, number>();
  for (const line of seen) left.set(line, (left.get(line) ?? 0) + 1);
  return wanted.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
