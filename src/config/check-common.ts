import type { Config } from './config.ts';
import { nearest, oneOf } from './nearest.ts';
import { type ConfigPath, pathText, quoted, type RawProblem } from './problem.ts';
import type { YamlTree } from './yaml.ts';

export type Section = 'nodes' | 'guests' | 'shares' | 'moves';

/** What the checks look at. */
export interface Checked {
  readonly config: Config;
  readonly tree: YamlTree;
  /** The names that stand in a section of the file, be their entries right or wrong; undefined: not readable. */
  readonly names: (section: Section) => readonly string[] | undefined;
  /** Phases that could not be read are not looked at. */
  readonly phasesReadable: boolean;
  /** Guests that moves name may still have to be made. */
  readonly unmade: boolean;
}

/** "there is no guest "dco1"", with the name that was probably meant. */
export function unknownName(
  section: string,
  name: string,
  known: readonly string[],
  path: ConfigPath,
  tree: YamlTree,
): RawProblem {
  const meant = nearest(name, known);
  const choice =
    meant !== undefined ? `"${meant}"` : known.length > 0 ? oneOf(known.slice(0, 10)) : undefined;
  return {
    offset: tree.valueAt(path),
    what: `${pathText(path)}: there is no ${section.slice(0, -1)} ${quoted(name)}`,
    write: choice ?? `an entry ${quoted(name)} below "${section}"`,
  };
}

/** A problem for each entry whose value an earlier one has. */
export function twice(
  entries: readonly { value: string | number; path: ConfigPath }[],
  write: (other: string) => string,
  tree: YamlTree,
): RawProblem[] {
  const first = new Map<string | number, ConfigPath>();
  const problems: RawProblem[] = [];
  for (const { value, path } of entries) {
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, path);
    else
      problems.push({
        offset: tree.valueAt(path),
        what: `${pathText(path)} is ${typeof value === 'string' ? quoted(value) : value}, the same as ${pathText(earlier)}`,
        write: write(pathText(earlier)),
      });
  }
  return problems;
}
