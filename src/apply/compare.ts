import { join } from 'node:path';
import type { Check } from '../plan/operation.ts';
import type { Host } from '../ssh/host.ts';
import type { Scope } from '../verify/compare-trees.ts';
import type { Manifest } from '../verify/manifest.ts';
import { writeManifest } from '../verify/manifest-file.ts';
import { listed, type MoveReport } from '../verify/report.ts';
import { pickSample, readSample, stillUnchanged } from '../verify/sample.ts';
import type { Answer } from './check.ts';
import { readClock, sameClock } from './clock.ts';
import { setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

/** Timestamps of files lag behind the clock by a tick, and clocks are read in whole seconds: more is listed for nothing. */
const marginSeconds = 5;
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
  const scope = check.scope === 'full' ? ({ kind: 'full' } as const) : await changedScope(check, world);
  const result = await world.compare(
    {
      source: { host: source, path: check.source.path, exclude: check.exclude },
      target: {
        host: target,
        path: check.target.path,
        exclude: topIsShare ? [...check.exclude, '.drayage'] : check.exclude,
      },
    },
    scope,
    {
      topIsShare,
      signal: world.stop,
      progress: (progress) => world.sink({ type: 'progress', step, what: check.what, ...progress }),
    },
  );
  const sample =
    check.inside === undefined || result.differences.length > 0
      ? undefined
      : await lookInside(check.inside, target, result.target, world);
  const report: MoveReport = {
    move: check.move,
    scope: scope.kind,
    ...result.counts,
    attributesCompared: result.attributesCompared,
    sockets: result.sockets.slice(0, listed),
    differences: result.differences.length,
    first: result.differences.slice(0, listed),
    source: check.source,
    target: check.target,
    ...(sample === undefined ? {} : { inside: sample }),
  };
  world.compared(report);
  if (scope.kind === 'full') {
    await writeManifest(result.source, join(world.runPath, `manifest-${check.move}-source.jsonl.gz`));
    await writeManifest(result.target, join(world.runPath, `manifest-${check.move}-target.jsonl.gz`));
  }
  if (result.differences.length > 0) {
    const some = result.differences
      .slice(0, 10)
      .map(({ path, what, source: left, target: right }) => `${path}: ${what}: ${left} | ${right}`);
    const more = result.differences.length - some.length;
    return {
      holds: false,
      seen: `${result.differences.length} differences between ${source.name}:${check.source.path} and ${target.name}:${check.target.path}:\n${some.join('\n')}${more > 0 ? `\n... and ${more} more` : ''}`,
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
async function lookInside(inside: Inside, target: Host, manifest: Manifest, world: World) {
  const sample = await stillUnchanged(target, inside.live, manifest, pickSample(manifest, sampleSize));
  const differing = await readSample(world.hosts(inside.host), inside.path, manifest, sample);
  return { host: inside.host, path: inside.path, files: sample.length, differing };
}

/** Without marks that can be trusted, everything is read. */
async function changedScope(check: Extract<Check, { kind: 'compare' }>, world: World): Promise<Scope> {
  const marks = world.marks.get().moves[check.move];
  if (marks?.targetSince === undefined) return { kind: 'full' };
  const now = await readClock(world.hosts(check.source.host));
  if (!sameClock(marks.sourceSince, now)) {
    world.sink({
      type: 'message',
      level: 'warning',
      text: `The clock of ${check.source.host} was set, or it was booted, since the first copy: every file is read.`,
    });
    return { kind: 'full' };
  }
  return {
    kind: 'changed',
    sourceSince: marks.sourceSince.seconds - marginSeconds,
    targetSince: marks.targetSince - marginSeconds,
  };
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
