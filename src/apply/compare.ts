import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Check } from '../plan/operation.ts';
import type { Difference } from '../verify/compare-entry.ts';
import type { DigestAlgorithm } from '../verify/digest.ts';
import { readManifestHeader } from '../verify/manifest-file.ts';
import { listed, type MoveReport } from '../verify/report.ts';
import { pickSample } from '../verify/sample.ts';
import type { Answer } from './check.ts';
import { syncTree } from './clock.ts';
import { sidesOf, telling } from './copy-parts.ts';
import { applyError } from './errors.ts';
import { isThere } from './file.ts';
import type { FinalPass } from './final-pass.ts';
import { lookInside } from './inside.ts';
import { setMoveMarks } from './marks.ts';
import type { World } from './world.ts';

type Compare = Extract<Check, { kind: 'compare' }>;
type Sides = ReturnType<typeof sidesOf>;

/** The proof that source and target are one. A full one without differences is kept as evidence, with both manifests. */
export async function compareCheck(check: Compare, world: World, step: string): Promise<Answer> {
  const node = world.hosts(check.target.host);
  const marker = `${check.target.path}/.drayage/share.json`;
  const topIsShare = (await node.run(['test', '-e', marker])).exitCode === 0;
  const sides = sidesOf({ ...check, target: { ...check.target, topIsShare } }, world);
  const found = await look(check, sides, topIsShare, world, step);
  const inside =
    check.inside === undefined || found.report.differences > 0 || found.target === undefined
      ? undefined
      : await lookInside(check.inside, node, found.target, found.report.algorithm, world);
  const report = inside === undefined ? found.report : { ...found.report, inside: inside.report };
  world.compared(report);
  const wrong = differing(report, sides) ?? inside?.wrong;
  if (wrong !== undefined) return { holds: false, seen: wrong };
  if (report.scope === 'full' && check.scope === 'full' && !ofAWayBack(step))
    await keepEvidence(check.move, report, world);
  return { holds: true, seen: `${report.entries} entries, ${report.filesRead} files read on both sides` };
}

interface Found {
  readonly report: MoveReport & { readonly algorithm: DigestAlgorithm };
  /** Manifest of the target, where a whole one was made. */
  readonly target?: string;
}

/**
 * In the window exactly what the final pass carried by name; everything, where this run made no final pass. After it
 * everything, or a sample where the operator asked for one.
 */
function look(check: Compare, sides: Sides, topIsShare: boolean, world: World, step: string): Promise<Found> {
  const final = check.scope === 'changed' ? world.finals.get(check.move) : undefined;
  if (final !== undefined) {
    // Readers are for one comparison.
    const { readers: _opened, ...rest } = final;
    world.finals.set(check.move, rest);
    return byList(check, sides, topIsShare, final, world, step);
  }
  return check.scope === 'full' && world.sample !== undefined
    ? sampled(check, sides, topIsShare, world.sample, world, step)
    : everything(check, sides, topIsShare, world, step);
}

/** Files picked from the manifest of the last full proof, spread over the tree, read again on both sides. */
async function sampled(
  check: Compare,
  sides: Sides,
  topIsShare: boolean,
  count: number,
  world: World,
  step: string,
): Promise<Found> {
  const { move } = check;
  const evidence = world.marks.get().moves[move]?.evidence;
  const target = join(dirname(world.runPath), evidence?.run ?? '', manifestName(check, 'target'));
  const header = (await isThere(target)) ? await readManifestHeader(target) : undefined;
  if (header?.path !== check.target.path || header.host !== check.target.host) {
    throw applyError('apply/needs', {
      seen: `a sample of ${move} is picked from its last full proof, and none is kept`,
      next: [`drayage verify --move ${move}   # reads everything`],
    });
  }
  const { algorithm } = header;
  const files = await pickSample(target, count);
  const listed = files.map(({ path }) => path);
  const found = await byList(check, sides, topIsShare, { listed, inodes: new Map() }, world, step, algorithm);
  return { report: { ...found.report, scope: 'sample' }, target };
}

async function byList(
  check: Compare,
  sides: Sides,
  topIsShare: boolean,
  final: FinalPass,
  world: World,
  step: string,
  known?: DigestAlgorithm,
): Promise<Found> {
  const { readers } = final;
  const algorithm =
    known ?? readers?.algorithm ?? (await world.digest([sides.source.host, sides.target.host]));
  const tell = telling(world, step, check.what);
  const result = await world.listed(sides, final.listed, {
    algorithm,
    topIsShare,
    inodes: final.inodes,
    readers,
    signal: world.stop,
    progress: (files) => tell({ files, bytes: { done: 0 } }),
  });
  const { differences, entries, filesRead, bytesRead, attributesCompared } = result;
  const counts = { entries, files: filesRead, bytes: bytesRead, filesRead, bytesRead };
  return {
    report: {
      ...common(check, world, differences),
      ...counts,
      scope: 'changed',
      algorithm,
      attributesCompared,
      sockets: [],
      differences: differences.length,
    },
  };
}

/** Manifests of both sides are left in the run's folder. */
async function everything(
  check: Compare,
  sides: Sides,
  topIsShare: boolean,
  world: World,
  step: string,
): Promise<Found> {
  const { move } = check;
  // What is proven to be there shall still be there after a power cut: both sides are a way on, or back.
  if (check.scope === 'full')
    await Promise.all([sides.source, sides.target].map(({ host, path }) => syncTree(host, path, world.stop)));
  const scratch = join(world.runPath, `sorting-${move}`);
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  // The guest reads a sample of the same files, with the same tool.
  const readers = check.inside === undefined ? [] : [world.hosts(check.inside.host)];
  const algorithm = await world.digest([sides.source.host, sides.target.host, ...readers]);
  try {
    const result = await world.compare(sides, {
      topIsShare,
      folder: world.runPath,
      names: { source: manifestName(check, 'source'), target: manifestName(check, 'target') },
      scratch,
      algorithm,
      signal: world.stop,
      progress: telling(world, step, check.what),
    });
    return {
      report: {
        ...common(check, world, result.first),
        ...result.counts,
        scope: 'full',
        algorithm: result.algorithm,
        attributesCompared: result.attributesCompared,
        sockets: result.sockets,
        tops: result.tops,
        differences: result.differences,
      },
      target: result.target.file,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** In the folder of the run. */
function manifestName({ move, scope }: Compare, side: 'source' | 'target'): string {
  return `manifest-${move}-${scope === 'full' ? '' : 'window-'}${side}.jsonl.gz`;
}

function common(check: Compare, world: World, differences: readonly Difference[]) {
  const passed = world.marks.get().moves[check.move]?.final;
  return {
    move: check.move,
    first: differences.slice(0, listed),
    source: check.source,
    target: check.target,
    ...(passed === undefined ? {} : { pass: passed }),
  };
}

/** What is not the same on both sides, in a few lines; undefined: nothing. */
function differing(report: MoveReport, sides: Sides): string | undefined {
  if (report.differences === 0) return undefined;
  const { source, target } = sides;
  const some = report.first
    .slice(0, 10)
    .map(({ path, what, source: left, target: right }) => `${path}: ${what}: ${left} | ${right}`);
  const more = report.differences - some.length;
  return `${report.differences} differences between ${source.host.name}:${source.path} and ${target.host.name}:${target.path}:\n${some.join('\n')}${more > 0 ? `\n... and ${more} more` : ''}`;
}

/** What a way back compares says nothing about the target's data. */
function ofAWayBack(step: string): boolean {
  return /^(source-read|carry-back) /.test(step);
}

async function keepEvidence(move: string, report: MoveReport, world: World): Promise<void> {
  // A controller that has taken over has made no copy of its own.
  const marks = world.marks.get().moves[move] ?? { pair: '', seeded: false };
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
