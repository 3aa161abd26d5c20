/** One entry that a pass names: `--out-format=%i %l %n`. */
export interface Item {
  /** The eleven characters of `--itemize-changes`, or `*deleting`. */
  readonly change: string;
  readonly length: number;
  /** Relative to the top; bytes as latin1, so that any name survives. A directory ends with `/`. */
  readonly name: string;
}

/** One `--info=progress2` line: the whole transfer so far. */
export interface Progress {
  readonly bytes: number;
  readonly bytesPerSecond?: number;
  /** Entries not looked at yet, and entries known; `complete` when the file list is. */
  readonly entries?: { readonly left: number; readonly known: number; readonly complete: boolean };
}

export interface OutputSink {
  item(item: Item): void;
  progress(progress: Progress): void;
  /** A directory that was to go and stays, because what is excluded lies in it; named as an item. */
  kept(name: string): void;
  /** A line that is none of these. */
  unknown(line: string): void;
}

/** rsync prints a byte it finds unprintable as `\#ooo`, and a backslash before `#ooo` as `\#134`. */
export function unescapeName(text: string): string {
  return text.replace(/\\#([0-3][0-7]{2})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

const itemLine = /^(\*deleting {2}|[<>ch.*][fdLDS][.+? a-zA-Z]{9}) (\d+) (.*)$/s;
const progressLine =
  /^\s*([\d,]+)\s+\d+%\s+([\d.]+)([kMGT]?)B\/s\s+[\d:]+\s*(?:\(xfr#\d+, (ir|to)-chk=(\d+)\/(\d+)\))?\s*$/;
const keptLine = /^cannot delete non-empty directory: (.*)$/s;
/** rsync's receiver ends no progress line; the generator's next line, `*deleting` above all, may stand right behind it. */
const progressThenMore =
  /^(\s*[\d,]+\s+\d+%\s+[\d.]+[kMGT]?B\/s\s+[\d:]+(?:\s+\(xfr#\d+, (?:ir|to)-chk=\d+\/\d+\))?)\s*([*<>ch.].*)$/s;
const factor: Readonly<Record<string, number>> = { '': 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

export function parseLine(line: string, sink: OutputSink): void {
  if (line === '') return;
  const item = itemLine.exec(line);
  if (item !== null) {
    sink.item({
      change: (item[1] as string).trimEnd(),
      length: Number(item[2]),
      name: unescapeName(item[3] as string),
    });
    return;
  }
  const kept = keptLine.exec(line);
  if (kept !== null) {
    sink.kept(unescapeName(kept[1] as string));
    return;
  }
  const progress = progressLine.exec(line);
  if (progress === null) {
    const both = progressThenMore.exec(line);
    const more = both?.[2] ?? '';
    if (both !== null && (itemLine.test(more) || keptLine.test(more))) {
      parseLine(both[1] as string, sink);
      parseLine(more, sink);
    } else sink.unknown(line);
    return;
  }
  const [, bytes, speed, unit, phase, left, known] = progress;
  sink.progress({
    bytes: Number((bytes as string).replaceAll(',', '')),
    bytesPerSecond: Number(speed) * (factor[unit as string] as number),
    ...(phase === undefined
      ? {}
      : { entries: { left: Number(left), known: Number(known), complete: phase === 'to' } }),
  });
}

/** Takes rsync's stdout in chunks; keeps only the line at hand. Progress lines end with a carriage return. */
export function outputParser(sink: OutputSink): { push(chunk: Buffer): void; end(): void } {
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + chunk.toString('latin1')).split(/[\r\n]/);
      rest = lines.pop() as string;
      for (const line of lines) parseLine(line, sink);
    },
    end() {
      parseLine(rest, sink);
      rest = '';
    },
  };
}

/** What rsync's stderr says, sorted. Lines of ssh and of the remote shell are `other`. */
export interface StderrFindings {
  /** Files that went away while the source was in use. */
  readonly vanished: readonly string[];
  /** Files that changed under rsync's hands; a later pass carries them. */
  readonly changing: readonly string[];
  /** Every other file that could not be carried, in rsync's words. */
  readonly errors: readonly string[];
  readonly other: readonly string[];
}

const summary = /^rsync (error|warning): |^rsync: connection unexpectedly closed/;
/** ENODATA is what rsync reports for a file that became shorter while it was read. */
const changed =
  /failed verification -- update (discarded|retained|put into partial-dir)|read errors mapping .*: No data available \(61\)|^WARNING: .* failed verification/;

/** A name of a list is also gone when what was a directory above it is none any more. */
const vanishing =
  /^(rsync: \[\w+\] )?(file|directory) has vanished: |^rsync: \[sender\] link_stat .* failed: Not a directory \(20\)$/;

export function parseStderr(stderr: string): StderrFindings {
  const vanished: string[] = [];
  const changing: string[] = [];
  const errors: string[] = [];
  const other: string[] = [];
  for (const line of stderr.split('\n')) {
    if (line === '' || summary.test(line)) continue;
    if (vanishing.test(line)) vanished.push(line);
    else if (changed.test(line)) changing.push(line);
    else if (/^rsync: /.test(line) || /^IO error encountered|^cannot delete/.test(line)) errors.push(line);
    else other.push(line);
  }
  return { vanished, changing, errors, other };
}
