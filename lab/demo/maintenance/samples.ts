/** One look at the cluster while guests are carried. */
export interface Sample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Entries of the mapping, as the API has them. */
  readonly map: readonly string[];
  /** Nodes whose place has the marker. */
  readonly marked: readonly string[];
}

/** What the looks show. Nothing may be in `wrong`. */
export interface Sampled {
  readonly samples: number;
  /** The longest time between two looks, in milliseconds. */
  readonly longestGapMs: number;
  readonly wrong: readonly string[];
}

/**
 * Holds the looks against what must be true at every moment: the entry of the own node is there, unchanged; an entry
 * that came stays as it is; no two nodes have the marker.
 */
export function judgeSamples(samples: readonly Sample[], own: string): Sampled {
  const wrong = new Set<string>();
  const known = new Set([own]);
  let longestGapMs = 0;
  for (const [index, { at, map, marked }] of samples.entries()) {
    const before = samples[index - 1];
    if (before !== undefined) longestGapMs = Math.max(longestGapMs, at - before.at);
    for (const entry of known) if (!map.includes(entry)) wrong.add(`the mapping was without ${entry}`);
    for (const entry of map) known.add(entry);
    if (marked.length > 1) wrong.add(`${marked.join(' and ')} had the marker at the same time`);
  }
  const nodes = [...known].map((entry) => entry.split(',')[0]);
  if (new Set(nodes).size !== nodes.length) wrong.add(`a node had two entries: ${[...known].join('; ')}`);
  return { samples: samples.length, longestGapMs, wrong: [...wrong] };
}
