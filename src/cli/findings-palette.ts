import type { Palette } from '../errors/palette.ts';
import type { Palette as FindingsPalette } from '../inspect/print.ts';

/** The roles of the findings in the colours of the terminal. */
export function findingsPalette(palette: Palette): FindingsPalette {
  return { title: palette.bold, name: palette.bold, faint: palette.dim, warn: palette.warn };
}
