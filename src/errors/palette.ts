import { styleText } from 'node:util';

/** What a word is, not which colour it has: a renderer without colour is the same with every function the identity. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

const same = (text: string): string => text;

export const plainPalette: Palette = { bold: same, dim: same, good: same, warn: same, bad: same };

// validateStream: false, because whether to colour is decided by the caller (a terminal, NO_COLOR).
const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
  styleText(format, text, { validateStream: false });

export const colourPalette: Palette = {
  bold: paint('bold'),
  dim: paint('dim'),
  good: paint('green'),
  warn: paint('yellow'),
  bad: paint('red'),
};
