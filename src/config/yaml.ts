import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type ConfigPath, pathText, printable, quoted, type RawProblem } from './problem.ts';

/** Where one key or list entry stands: offsets of its key, and of its value (the same for entries of a list). */
interface Place {
  readonly key: number;
  readonly value: number;
  /** A plain scalar as it was typed: `0755`. */
  readonly source?: string;
}

/** Plain data of a YAML file, and where each part of it stands. */
export class YamlTree {
  readonly value: unknown;
  private readonly places: ReadonlyMap<string, Place>;

  constructor(value: unknown, places: ReadonlyMap<string, Place>) {
    this.value = value;
    this.places = places;
  }

  /** Offset of the key; of the nearest parent that exists when it is missing. */
  keyAt(path: ConfigPath): number {
    return this.nearest(path)?.key ?? 0;
  }

  /** Offset of the value; of the nearest parent's key when it is missing. */
  valueAt(path: ConfigPath): number {
    const exact = this.places.get(id(path));
    return exact ? exact.value : this.keyAt(path);
  }

  has(path: ConfigPath): boolean {
    return this.places.has(id(path));
  }

  sourceAt(path: ConfigPath): string | undefined {
    return this.places.get(id(path))?.source;
  }

  private nearest(path: ConfigPath): Place | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.places.get(id(path.slice(0, length)));
      if (place) return place;
    }
    return undefined;
  }
}

const id = (path: ConfigPath) => JSON.stringify(path);

/** Deeper than any drayage.yaml, and far from the end of the stack. */
const deepest = 20;
/** Nodes after aliases are followed: an alias bomb ends here. */
const mostNodes = 50_000;

/**
 * Reads YAML 1.2 (so `10:10` is text and `no` is text) into plain data.
 * Every object has no prototype, so that `constructor` is a name like any other.
 */
export function readYaml(text: string): { tree: YamlTree } | { problems: RawProblem[] } {
  let document: ReturnType<typeof parseDocument>;
  try {
    // Duplicate keys are found below: the library compares every pair of keys.
    document = parseDocument(text, {
      version: '1.2',
      prettyErrors: false,
      uniqueKeys: false,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problems: [tooDeep(0)] };
  }
  // The library's own end of the stack, as V8 words it, arrives as an error of the file.
  const overflow = document.errors.find((error) => /stack overflow|call stack/i.test(error.message));
  if (overflow) return { problems: [tooDeep(overflow.pos[0])] };
  // A file that is no YAML at all has an error for each of its characters.
  if (document.errors.length > 0) return { problems: document.errors.slice(0, 1000).map(syntaxProblem) };
  if (document.directives?.yaml.version !== '1.2')
    return {
      problems: [
        {
          offset: 0,
          what: 'the file asks for another YAML version, in which 10:10 is a number and `no` is false',
          write: 'no %YAML line: drayage.yaml is YAML 1.2',
        },
      ],
    };
  const reader = new Reader();
  const value = document.contents ? reader.read(document.contents, []) : null;
  if (reader.problems.length > 0) return { problems: reader.problems };
  return { tree: new YamlTree(value, reader.places) };
}

class Reader {
  readonly problems: RawProblem[] = [];
  readonly places = new Map<string, Place>();
  private readonly anchors = new Map<string, Node>();
  private readonly open = new Set<Node>();
  private nodes = 0;

  /** `aliasAt`: what an alias brings in stands, for messages, where the alias stands. */
  read(node: Node, path: ConfigPath, aliasAt?: number): unknown {
    const offset = aliasAt ?? offsetOf(node);
    this.nodes += 1;
    if (this.nodes > mostNodes)
      return this.refuse(offset, 'the aliases of the file multiply without end', 'the values themselves');
    if (path.length > deepest) {
      this.problems.push(tooDeep(offset));
      return null;
    }
    if (isAlias(node)) return this.follow(node.source, path, offset);
    if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str')
      return this.refuse(
        offset,
        `${pathText(path)} has a YAML tag`,
        'the value without the word that begins with "!"',
      );
    if ('anchor' in node && typeof node.anchor === 'string') this.anchors.set(node.anchor, node);
    if (isScalar(node)) return scalarValue(node);
    this.open.add(node);
    const value = isMap(node)
      ? this.readMap(node as YAMLMap<Node, Node | null>, path, aliasAt)
      : isSeq(node)
        ? node.items.map((item, i) => this.readEntry(item as Node, [...path, i], aliasAt))
        : null;
    this.open.delete(node);
    return value;
  }

  private readEntry(node: Node, path: ConfigPath, aliasAt?: number): unknown {
    const offset = aliasAt ?? offsetOf(node);
    this.place(path, { key: offset, value: offset }, node);
    return this.read(node, path, aliasAt);
  }

  private readMap(map: YAMLMap<Node, Node | null>, path: ConfigPath, aliasAt?: number): unknown {
    const value: Record<string, unknown> = Object.create(null);
    const seen = new Map<string, number>();
    for (const pair of map.items) {
      const keyOffset = aliasAt ?? offsetOf(pair.key);
      if (!isScalar(pair.key) || pair.key.value === null) {
        this.refuse(keyOffset, `a key in ${pathText(path)} is not a word`, 'a plain word before the ":"');
        continue;
      }
      // As typed: the key 0100 stays 0100.
      const key =
        typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value));
      const keyPath = [...path, key];
      if (key === '<<') {
        this.refuse(
          keyOffset,
          'merge keys ("<<") belong to YAML 1.1',
          'the keys themselves, or an alias for the whole value',
        );
        continue;
      }
      if (seen.has(key)) {
        this.refuse(
          keyOffset,
          `${pathText(keyPath)} stands twice: the second would silently replace the first`,
          `${quoted(key)} once, with the keys of both below it, or another name`,
        );
        continue;
      }
      seen.set(key, keyOffset);
      this.place(
        keyPath,
        { key: keyOffset, value: aliasAt ?? (pair.value ? offsetOf(pair.value) : keyOffset) },
        pair.value,
      );
      value[key] = pair.value ? this.read(pair.value, keyPath, aliasAt) : null;
    }
    return value;
  }

  private place(path: ConfigPath, place: Place, node: Node | null): void {
    const source = isScalar(node) && typeof node.source === 'string' ? { source: node.source } : {};
    this.places.set(id(path), { ...place, ...source });
  }

  private follow(anchor: string, path: ConfigPath, offset: number): unknown {
    const target = this.anchors.get(anchor);
    if (!target)
      return this.refuse(
        offset,
        `nothing above is marked &${anchor}`,
        `&${anchor} before the value, above this line`,
      );
    if (this.open.has(target))
      return this.refuse(offset, `*${anchor} stands inside the value that it repeats`, 'the value itself');
    return this.read(target, path, offset);
  }

  private refuse(offset: number, what: string, write: string): null {
    this.problems.push({ offset, what, write });
    return null;
  }
}

function scalarValue(node: Scalar): unknown {
  return node.tag === 'tag:yaml.org,2002:str' ? String(node.source ?? node.value) : node.value;
}

function offsetOf(node: Node): number {
  return (node as ParsedNode).range?.[0] ?? 0;
}

const tooDeep = (offset: number): RawProblem => ({
  offset,
  what: 'the file is nested too deeply',
  write: 'at most the levels that docs/configuration.md shows',
});

const advice: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'spaces instead of tabs at the start of the line',
  MULTIPLE_DOCS: 'one document: remove the "---" and what follows, or put it into a file of its own',
  BAD_SCALAR_START: 'the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'the value in quotes if it holds ": ", or the inner key on a line of its own',
  MISSING_CHAR: 'the missing character',
  BAD_INDENT: 'the same number of spaces before keys that belong together',
  MULTILINE_IMPLICIT_KEY: 'a ":" and a value after the key',
};

function syntaxProblem(error: YAMLError): RawProblem {
  return {
    offset: error.pos[0],
    what: `not valid YAML: ${printable(error.message.replaceAll('; please use YAML.parseAllDocuments()', '')).slice(0, 200)}`,
    write: advice[error.code] ?? 'valid YAML: keys and values as in docs/configuration.md',
  };
}
