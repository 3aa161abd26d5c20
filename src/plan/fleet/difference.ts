/** Lines around a change that are shown with it. */
const around = 3;

/** One line of a difference. */
export interface DifferentLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/**
 * What changes between two texts, as one hunk with the lines around it: from the first line that differs to the last.
 * @returns `from`: number of the first line shown, from 1; nothing when the texts are the same
 */
export function differenceOf(
  before: string,
  after: string,
): { readonly from: number; readonly lines: readonly DifferentLine[] } | undefined {
  if (before === after) return undefined;
  const [old, now] = [before.split('\n'), after.split('\n')];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const first = Math.max(0, head - around);
  const signed = (sign: DifferentLine['sign'], lines: readonly string[]) =>
    lines.map((text) => ({ sign, text: text.replace(/\r$/, '') }));
  return {
    from: first + 1,
    lines: [
      ...signed(' ', old.slice(first, head)),
      ...signed('-', old.slice(head, old.length - tail)),
      ...signed('+', now.slice(head, now.length - tail)),
      ...signed(' ', old.slice(old.length - tail, old.length - tail + around)),
    ],
  };
}
