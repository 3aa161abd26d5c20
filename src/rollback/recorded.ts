import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Marks } from '../apply/marks.ts';
import { readPlan } from '../apply/recorded-plans.ts';
import { listRuns, stateFolder } from '../apply/run-folder.ts';
import type { Findings } from '../inspect/findings.ts';
import type { MoveFacts } from '../plan/way-back/facts.ts';
import { rollbackError } from './errors.ts';

type Recorded = NonNullable<MoveFacts['recorded']>;

/** By move: what the run that saw its workloads before the window knew. A run whose folder is gone knows nothing. */
export async function readCutovers(configFile: string, marks: Marks): Promise<Map<string, Recorded>> {
  const runs = await listRuns(configFile);
  const found = new Map<string, Recorded>();
  for (const [move, run] of Object.entries(marks.cutovers)) {
    if (!runs.includes(run)) continue;
    const folder = join(stateFolder(configFile), 'runs', run);
    const plan = await readPlan(join(folder, 'plan.json'));
    found.set(move, { plan, findings: await readFindings(join(folder, 'findings.json')) });
  }
  return found;
}

async function readFindings(file: string): Promise<Findings> {
  try {
    const findings = JSON.parse(await readFile(file, 'utf8')) as Findings;
    if (findings.format === 1) return findings;
    throw new Error(`format ${String(findings.format)}`);
  } catch (cause) {
    throw rollbackError('rollback/not-seen', {
      seen: `${file}: ${(cause as Error).message}`,
      where: `${file}:1:1`,
      next: ['go back by hand: docs/recovery.md, "After the release"'],
      cause,
    });
  }
}
