/** A metric of the text format of Prometheus, as a strict reader sees it. */
export interface Metric {
  readonly help: string;
  readonly type: string;
  readonly samples: { readonly labels: Record<string, string>; readonly value: number }[];
}

/**
 * Reads the text format, version 0.0.4, and refuses what a scraper or the textfile collector would: a family whose lines
 * are apart, a sample before HELP and TYPE, a series twice, a timestamp, an unescaped label, a missing line feed at the end.
 */
export function parseExposition(text: string): Map<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const metrics = new Map<string, Metric>();
  let help: { name: string; text: string } | undefined;
  let current: string | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (metrics.has(name)) throw new Error(`${name} begins twice`);
      if (kind === 'HELP') {
        if (/\\(?![\\n])/.test(rest)) throw new Error(`not escaped: ${line}`);
        help = { name, text: rest };
        continue;
      }
      if (help?.name !== name) throw new Error(`TYPE without its HELP: ${line}`);
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`no type: ${line}`);
      metrics.set(name, { help: help.text, type: rest, samples: [] });
      current = name;
      continue;
    }
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|[+-]Inf)$/s.exec(line);
    if (sample === null) throw new Error(`not a sample: ${JSON.stringify(line)}`);
    const [, name, labels = '', value] = sample as unknown as [string, string, string | undefined, string];
    if (name !== current) throw new Error(`${name} is not where its family is`);
    const read = parseLabels(labels);
    const { samples } = metrics.get(name) as Metric;
    const key = JSON.stringify(Object.entries(read).sort());
    if (samples.some((other) => JSON.stringify(Object.entries(other.labels).sort()) === key))
      throw new Error(`twice: ${line}`);
    samples.push({ labels: read, value: Number(value) });
  }
  return metrics;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^\\"\n]|\\[\\"n])*)"(,|$)/y;
  while (pair.lastIndex < text.length) {
    const found = pair.exec(text);
    if (found === null) throw new Error(`not labels: ${text}`);
    const [, name, value] = found as unknown as [string, string, string];
    if (name in labels) throw new Error(`label twice: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_all, character) => (character === 'n' ? '\n' : character));
  }
  return labels;
}
