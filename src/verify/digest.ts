import type { Host } from '../ssh/host.ts';

/** How contents are compared; part of each manifest. In the order in which they are preferred: by speed. */
export type DigestAlgorithm = 'xxh128' | 'blake3' | 'sha256';

interface Tool {
  readonly argv: readonly string[];
  /** Digits of a digest. */
  readonly digits: number;
  /** The algorithm's digest of nothing: a tool that says something else is not the tool. */
  readonly ofNothing: string;
}

/** b3sum maps files into memory by default, and is killed (SIGBUS) when one becomes shorter meanwhile. */
const tools: Readonly<Record<DigestAlgorithm, Tool>> = {
  xxh128: { argv: ['xxhsum', '-H128'], digits: 32, ofNothing: '99aa06d3014798d86001c324468d497f' },
  blake3: {
    argv: ['b3sum', '--no-mmap'],
    digits: 64,
    ofNothing: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
  },
  sha256: {
    argv: ['sha256sum'],
    digits: 64,
    ofNothing: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  },
};

const algorithms = Object.keys(tools) as DigestAlgorithm[];

/** The command that prints digests of the files named after it; of its stdin when there are none. */
export function digestTool(algorithm: DigestAlgorithm): readonly string[] {
  return tools[algorithm].argv;
}

async function known(host: Host): Promise<Set<DigestAlgorithm>> {
  const script = algorithms.map((name) => `${tools[name].argv.join(' ')} </dev/null 2>/dev/null; echo`);
  const { stdout } = await host.run(['sh', '-c', script.join('\n')]);
  const said = stdout.toString('latin1');
  return new Set(algorithms.filter((name) => said.includes(tools[name].ofNothing)));
}

/** The fastest algorithm whose tool every one of these machines has. coreutils' sha256sum is there without being asked. */
export async function commonDigest(hosts: readonly Host[]): Promise<DigestAlgorithm> {
  const each = await Promise.all(hosts.map(known));
  return algorithms.find((name) => each.every((has) => has.has(name))) ?? 'sha256';
}

/** As coreutils, b3sum and newer versions of xxhsum escape a name; the line then begins with a backslash. */
function unescaped(name: string): string {
  return name.replace(/\\([\\nr])/g, (_all, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\',
  );
}

/** b3sum shows each byte that is not UTF-8 as U+FFFD. */
function lossy(name: string): string {
  return Buffer.from(Buffer.from(name, 'latin1').toString('utf8'), 'utf8').toString('latin1');
}

/**
 * Takes what a digest tool prints for files that were named to it in a known order: `./` and their relative names, or
 * an absolute one as it is. The order tells which name is meant, whatever the tool makes of it: xxhsum 0.8.1 prints a
 * newline as it is, later versions and the others escape it, b3sum cannot show bytes that are not UTF-8.
 */
export function digestParser<T extends { readonly name: string }>(
  algorithm: DigestAlgorithm,
  on: {
    readonly digest: (of: T, digest: string) => void;
    /** The tool said nothing for this file: it could not be read. */
    readonly skipped: (of: T) => void;
  },
) {
  const { digits } = tools[algorithm];
  const start = new RegExp(`^\\\\?[0-9a-f]{${digits}} [ *]`);
  let queue: T[] = [];
  let head = 0;
  let rest = '';
  const unknown: string[] = [];

  /** Where the line ends that names `name`, or undefined: it does not. -1: not all of it has come. */
  function matched(name: string, text: string, at: number, end: number): number | undefined {
    const given = name.startsWith('/') ? name : `./${name}`;
    const escaped = text[at] === '\\';
    const from = at + digits + 2 + Number(escaped);
    if (escaped) {
      const shown = unescaped(text.slice(from, end));
      return shown === given || shown === lossy(given) ? end : undefined;
    }
    if (end - from === given.length && text.startsWith(given, from)) return end;
    if (given.includes('\n')) {
      if (text.startsWith(`${given}\n`, from)) return from + given.length;
      return `${given}\n`.startsWith(text.slice(from)) ? -1 : undefined;
    }
    return text.slice(from, end) === lossy(given) ? end : undefined;
  }

  /** The usual line, for the file whose turn it is, without a look at the others. */
  function isNext(name: string | undefined, text: string, at: number, end: number): boolean {
    const from = at + digits + 4;
    return end - from === name?.length && text.startsWith('  ./', from - 4) && text.startsWith(name, from);
  }

  function take(text: string, at: number, end: number): number {
    if (!start.test(text.slice(at, at + digits + 3))) {
      unknown.push(text.slice(at, end));
      return end;
    }
    if (isNext(queue[head]?.name, text, at, end)) {
      on.digest(queue[head++] as T, text.slice(at, at + digits));
      return end;
    }
    for (let index = head; index < queue.length; index += 1) {
      const to = matched((queue[index] as T).name, text, at, end);
      if (to === undefined) continue;
      if (to === -1) return -1;
      while (head < index) on.skipped(queue[head++] as T);
      const from = text[at] === '\\' ? at + 1 : at;
      on.digest(queue[head++] as T, text.slice(from, from + digits));
      return to;
    }
    unknown.push(text.slice(at, end));
    return end;
  }

  return {
    expect(files: readonly T[]): void {
      queue = head === queue.length ? [...files] : [...queue.slice(head), ...files];
      head = 0;
    },
    push(chunk: Buffer | string): void {
      const text = rest + (typeof chunk === 'string' ? chunk : chunk.toString('latin1'));
      let at = 0;
      for (let end = text.indexOf('\n', at); end !== -1; end = text.indexOf('\n', at)) {
        const to = take(text, at, end);
        if (to === -1) break;
        at = to + 1;
      }
      rest = text.slice(at);
    },
    /** No more comes: what was not named is skipped. @returns what could not be understood; empty: all was. */
    end(): readonly string[] {
      if (rest !== '') unknown.push(rest);
      while (head < queue.length) on.skipped(queue[head++] as T);
      return unknown;
    },
    unknown: unknown as readonly string[],
  };
}
