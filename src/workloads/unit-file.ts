/** A unit file as systemd.syntax(7) has it: sections with keys; a key may come more than once, an empty value clears it. */
export type UnitFile = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** Reads the text of a unit file or a quadlet. Lines that are neither section, key nor comment are passed over, as systemd does. */
export function parseUnitFile(text: string): UnitFile {
  const sections = new Map<string, Map<string, string[]>>();
  let section = new Map<string, string[]>();
  for (const line of joinContinued(text.split('\n'))) {
    const header = /^\[(.+)\]$/.exec(line);
    if (header !== null) {
      const name = header[1] as string;
      section = sections.get(name) ?? new Map<string, string[]>();
      sections.set(name, section);
      continue;
    }
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    section.set(key, value === '' ? [] : [...(section.get(key) ?? []), value]);
  }
  return sections;
}

/** All values of one key, in order. */
export function unitValues(unit: UnitFile, section: string, key: string): readonly string[] {
  return unit.get(section)?.get(key) ?? [];
}

/** Joins lines that end in a backslash; comments between them are dropped. */
function joinContinued(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let open: string | undefined;
  for (const raw of lines) {
    const line = raw.trim();
    if (line.startsWith('#') || line.startsWith(';')) continue;
    const continues = line.endsWith('\\');
    const part = continues ? line.slice(0, -1) : line;
    const whole = open === undefined ? part : `${open} ${part}`.trim();
    if (continues) open = whole;
    else {
      open = undefined;
      joined.push(whole);
    }
  }
  return open === undefined ? joined : [...joined, open];
}
