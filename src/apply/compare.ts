import type { Check } from '../plan/operation.ts';
import type { Host } from '../ssh/host.ts';
import type { TreesCompared } from '../verify/compare-trees.ts';
import { commonDigest } from '../verify/digest.ts';
import type { MoveReport } from '../verify/report.ts';
import { pickSample, readSample, stillUnchanged } from '../verify/sample.ts';
import type { Answer } from './check.ts';
import { setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

/** Files that are also read in the target guest, through its mount. */
const sampleSize = 200;

/** The proof that source and target are one. A full one without differences is kept as evidence, with both manifests. */
export async function compareCheck(
  check: Extract<Check, { kind: 'compare' }>,
  world: World,
  step: string,
): Promise<Answer> {
  const source = world.hosts(check.source.host);
  const target = world.hosts(check.target.host);
  const marker = `${check.target.path}/.drayage/share.json`;
  const topIsShare = (await target.run(['test', '-e', marker])).exitCode === 0;
  const algorithm = await commonDigest([
    source,
    target,
    ...(check.inside === undefined ? [] : [world.hosts(check.inside.host)]),
  ]);
  const result = await world.compare(
    {
      source: { host: source, path: check.source.path, exclude: check.exclude },
      target: {
        host: target,
        path: check.target.path,
        exclude: topIsShare ? [...check.exclude, '.drayage'] : check.exclude,
      },
    },
    {
      topIsShare,
      folder: world.runPath,
      names: {
        source: `manifest-${check.move}-source.jsonl.gz`,
        target: `manifest-${check.move}-target.jsonl.gz`,
      },
      scratch: world.runPath,
      algorithm,
      signal: world.stop,
      progress: (progress) => world.sink({ type: 'progress', step, what: check.what, ...progress }),
    },
  );
  const sample =
    check.inside === undefined || result.differences > 0
      ? undefined
      : await lookInside(check.inside, target, result, world);
  const report: MoveReport = {
    move: check.move,
    scope: 'full',
    algorithm,
    tops: result.tops,
    ...result.counts,
    attributesCompared: result.attributesCompared,
    sockets: result.sockets,
    differences: result.differences,
    first: result.first,
    source: check.source,
    target: check.target,
    ...(sample === undefined ? {} : { inside: sample }),
  };
  world.compared(report);
  if (result.differences > 0) {
    const some = result.first
      .slice(0, 10)
      .map(({ path, what, source: left, target: right }) => `${path}: ${what}: ${left} | ${right}`);
    const more = result.differences - some.length;
    return {
      holds: false,
      seen: `${result.differences} differences between ${source.name}:${check.source.path} and ${target.name}:${check.target.path}:\n${some.join('\n')}${more > 0 ? `\n... and ${more} more` : ''}`,
    };
  }
  if (sample !== undefined && sample.differing.length > 0) {
    return {
      holds: false,
      seen: `${sample.host} reads ${sample.differing.length} of ${sample.files} files differently through ${sample.path}: ${sample.differing.slice(0, 10).join(', ')}`,
    };
  }
  if (check.scope === 'full') await keepEvidence(check.move, report, world);
  return { holds: true, seen: `${report.entries} entries, ${report.filesRead} files read on both sides` };
}

type Inside = NonNullable<Extract<Check, { kind: 'compare' }>['inside']>;

/** What the guest reads through virtiofs, of a sample that the workloads have not written to since. */
async function lookInside(inside: Inside, target: Host, compared: TreesCompared, world: World) {
  const picked = await pickSample(compared.target.file, sampleSize);
  const sample = await stillUnchanged(target, inside.live, picked);
  const differing = await readSample(world.hosts(inside.host), inside.path, compared.algorithm, sample);
  return { host: inside.host, path: inside.path, files: sample.length, differing };
}

async function keepEvidence(move: string, report: MoveReport, world: World): Promise<void> {
  const marks = world.marks.get().moves[move];
  if (marks === undefined) return;
  const { entries, files, bytes } = report;
  await setMoveMarks(world.marks, move, {
    ...marks,
    evidence: {
      run: world.runName,
      plan: world.planId,
      at: new Date(world.now()).toISOString(),
      entries,
      files,
      bytes,
    },
  });
}
