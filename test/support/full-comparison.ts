import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Difference } from '../../src/verify/compare-entry.ts';
import {
  compareTrees,
  type Sides,
  type TreesCompared,
  type TreesOptions,
} from '../../src/verify/compare-trees.ts';

/** Everything of both trees read and compared. Its manifests are gone afterwards. @returns the differences, too */
export async function fullComparison(
  sides: Sides,
  options: Partial<TreesOptions> = {},
): Promise<TreesCompared & { list: readonly Difference[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-compare-'));
  try {
    const names = { source: 'source.jsonl.gz', target: 'target.jsonl.gz' };
    const result = await compareTrees(sides, {
      topIsShare: false,
      folder,
      names,
      scratch: folder,
      ...options,
    });
    return { ...result, list: result.first };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
