import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listRuns, stateFolder } from '../../src/apply/run-folder.ts';
import { findingsPalette } from '../../src/cli/findings-palette.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { plainPalette } from '../../src/errors/palette.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { printFindings } from '../../src/inspect/print.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { planAsMarkdown } from '../../src/plan/render/markdown.ts';
import { planAsText } from '../../src/plan/render/text.ts';
import { bytes, count, type Standing } from '../../src/plan/render/words.ts';
import type { Report } from '../../src/verify/report.ts';
import { type Lab, labPaths, startLab } from '../index.ts';
import { defaultLabFolder } from '../room/layout.ts';
import { removeState } from '../room/prepare.ts';
import { progressLine } from '../room/progress.ts';
import { findRoom } from '../room/room.ts';
import { planted } from '../services/install.ts';
import { containersText, runningContainers } from './containers.ts';
import { here, runDrayage } from './drayage.ts';
import { planOutline, stepInFull } from './outline.ts';
import { type DemoReport, demoReport, shortcomings, writerOverMove } from './report.ts';
import { clock, type Screen } from './screen.ts';
import { whereToLook } from './where-to-look.ts';

/** Downtime, in seconds, that the demo accepts without being asked; emulated guests need most of a minute. */
const acceptedWindow = 300;

export interface DemoOptions {
  /** Leave the lab running. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

interface Stage {
  readonly lab: Lab;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** Folder for what the demo writes beside the report. */
  readonly folder: string;
  readonly seconds: Record<string, number>;
}

/** Runs all acts and ends the lab again. @returns whether the migration was good; rejects when the signal is aborted */
export async function runDemo(screen: Screen, { keep, signal }: DemoOptions): Promise<boolean> {
  const paths = labPaths(defaultLabFolder());
  const folder = join(paths.root, 'demo');
  const reportFile = join(paths.root, 'report.json');
  const start = performance.now();
  for (const old of [folder, reportFile]) rmSync(old, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const seconds: Record<string, number> = {};
  screen.print(introduction);
  const lab = await timed(seconds, 'lab', () => bootLab(screen, keep, signal)).catch((error) => {
    // After Ctrl-C nothing is worth keeping; after a failure, what is there may tell why.
    if (signal.aborted && findRoom(paths) === undefined) removeState(paths, 'all-but-evidence');
    throw error;
  });
  let good = false;
  try {
    const report = await acts({ lab, screen, signal, folder, seconds });
    if (report !== undefined) {
      seconds.total = (performance.now() - start) / 1000;
      const whole: DemoReport = {
        ...report,
        seconds: { ...report.seconds, total: Math.round(seconds.total) },
      };
      writeFileSync(reportFile, `${JSON.stringify(whole, undefined, 2)}\n`);
      const wrong = shortcomings(whole);
      good = wrong.length === 0;
      screen.act(...(good ? proven : notProven));
      screen.print(
        good ? resultText(whole, screen) : wrong.map((text) => screen.palette.bad(text)).join('\n'),
      );
    }
    return good;
  } finally {
    if (!keep || signal.aborted) {
      screen.wait('ending the lab');
      await lab.down();
      removeState(paths, 'all-but-evidence');
      screen.rest();
    }
    if (!signal.aborted) screen.print(whereToLook(here(paths.root), { keep, good }));
  }
}

const introduction = `drayage moves the data of running containers from the disk of one virtual machine into a dataset of the Proxmox VE
node, and the containers to a second machine that mounts it. This demo does so with real virtual machines, real ssh,
rsync, podman and virtiofs. The Proxmox VE API and the zfs command are emulated. Nothing outside .lab/ is touched.`;

const proven: [string, string] = ['The result', 'Measured by the demo, and written to report.json.'];
const notProven: [string, string] = ['The result', 'This is not as it must be:'];

async function timed<T>(seconds: Record<string, number>, name: string, act: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await act();
  } finally {
    seconds[name] = (performance.now() - start) / 1000;
  }
}

async function bootLab(screen: Screen, keep: boolean, signal: AbortSignal): Promise<Lab> {
  screen.act(
    'A lab',
    'A node, prom, with storage, ssh and the API. Two guests: doc1, where containers run on data below /mnt/docker, and\n' +
      'doc2, which is empty. The first run also builds the guests; that takes some minutes and is kept.',
  );
  const lab = await startLab({
    tied: !keep,
    signal,
    say: (event) => {
      const line = progressLine(event);
      if (event.kind === 'end' && line !== undefined) screen.print(`  ${line}`);
      if (event.kind === 'begin') screen.wait(event.text);
    },
  });
  screen.rest();
  return lab;
}

/** The acts after the boot. undefined: drayage did not come to its end, and has said why. */
async function acts(stage: Stage): Promise<DemoReport | undefined> {
  const { lab, screen, seconds } = stage;
  screen.act(
    'Where we start',
    'Four containers run on doc1, one of them of a user without privileges. None runs on doc2.',
  );
  const before = await containersOnBoth(stage);

  screen.act('drayage inspect', 'What is there. It only looks.');
  const findings = await timed(seconds, 'inspect', () => asked<Findings>(stage, ['--json', 'inspect']));
  if (findings === undefined) return undefined;
  const config = loadConfig(lab.paths.drayageConfig, process.env);
  screen.print(typed(screen, 'drayage inspect'));
  screen.print(printFindings(findings, config, findingsPalette(screen.palette)));

  screen.act('drayage plan', 'What would be done, step by step, with every command. Nothing is done yet.');
  const planFile = join(stage.folder, 'evening.plan');
  const planned = await timed(seconds, 'plan', () =>
    asked<{ plan: Plan; standing: Record<string, 'in-place' | 'to-do' | 'unknown'> }>(stage, [
      '--json',
      'plan',
      '--out',
      planFile,
    ]),
  );
  if (planned === undefined) return undefined;
  showPlan(stage, planned.plan, new Map(Object.entries(planned.standing)), config);

  screen.act(
    'drayage apply',
    'Now it is done. First it looks again; the containers go on running until the window opens. The window is the\n' +
      'downtime: the containers stop on doc1, what changed is copied and compared, and they start on doc2. After it,\n' +
      'every file is compared.',
  );
  const apply = ['apply', here(planFile), '--window', String(acceptedWindow)];
  screen.print(typed(screen, `drayage ${apply.join(' ')}`));
  const applied = await timed(seconds, 'apply', () => runDrayage(lab.paths, apply, 'screen', stage.signal));
  const drayage = await lastReport(lab.paths.drayageConfig);
  if (drayage === undefined || applied.exitCode !== 0) {
    screen.print(screen.palette.bad(`drayage apply ended with exit code ${applied.exitCode}.`));
    return undefined;
  }

  screen.act(
    'Where we are',
    'The same containers run on doc2, on the same paths. On doc1 nothing runs, and a fence keeps it so.',
  );
  const after = await containersOnBoth(stage);
  screen.wait('reading the log of the container writer on both guests');
  const [source, target] = await Promise.all([writerLog(lab, 'doc1'), writerLog(lab, 'doc2')]);
  screen.rest();
  return demoReport({
    drayage,
    containers: { before: before.doc1.names, target: after.doc2.names, source: after.doc1.names },
    writer: writerOverMove(source, target),
    seconds,
  });
}

async function containersOnBoth({ lab, screen }: Stage) {
  screen.wait('asking podman on both guests');
  const [doc1, doc2] = await Promise.all([runningContainers(lab, 'doc1'), runningContainers(lab, 'doc2')]);
  for (const found of [doc1, doc2]) screen.print(`${containersText(found, screen.palette.dim)}\n`);
  return { doc1, doc2 };
}

/** A command of drayage whose JSON is shown by drayage's own printers. undefined: it failed, and has said why. */
async function asked<T>(stage: Stage, args: readonly string[]): Promise<T | undefined> {
  const { screen } = stage;
  screen.wait('drayage looks at the cluster, the node, both guests and the data');
  const { exitCode, stdout, stderr } = await runDrayage(stage.lab.paths, args, 'captured', stage.signal);
  screen.rest();
  if (exitCode === 0) return JSON.parse(stdout) as T;
  screen.print(
    `${stderr}${screen.palette.bad(`drayage ${args.join(' ')} ended with exit code ${exitCode}.`)}`,
  );
  return undefined;
}

const typed = ({ palette }: Screen, command: string) => `${palette.dim('$')} ${palette.bold(command)}\n`;

/** The step of the written plan that is shown in full: the last copy. */
const shownInFull = 'Last copy';

function showPlan({ screen, folder }: Stage, plan: Plan, standing: Standing, config: Config): void {
  const { palette } = screen;
  const [text, markdown] = [join(folder, 'plan.txt'), join(folder, 'PLAN.md')];
  const plain = planAsText(plan, config, standing, plainPalette);
  writeFileSync(text, plain);
  writeFileSync(markdown, planAsMarkdown(plan, config, standing));
  screen.print(typed(screen, `drayage plan --out ${here(join(folder, 'evening.plan'))}`));
  screen.print(`${planOutline(plan, palette)}\n`);
  const example = plan.steps.findIndex((step) => step.title.startsWith(shownInFull)) + 1;
  const whole = stepInFull(plain, example, planAsText(plan, config, standing, palette));
  if (whole !== undefined) screen.print(`One of them as the plan prints it:\n\n${whole}\n`);
  screen.print(`All of them: ${here(text)}. As a runbook to review and commit: ${here(markdown)}`);
}

/** What drayage reported of its last run; undefined when that run compared nothing. */
async function lastReport(configFile: string): Promise<Report | undefined> {
  const run = (await listRuns(configFile)).at(-1);
  if (run === undefined) return undefined;
  const file = join(stateFolder(configFile), 'runs', run, 'report.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
}

async function writerLog(lab: Lab, guest: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await lab.ssh(guest, ['cat', planted.writerLog]);
  if (exitCode !== 0) throw new Error(`${planted.writerLog} on ${guest}: ${stderr.toString()}`);
  return stdout;
}

function resultText(report: DemoReport, { palette }: Screen): string {
  const { containers, writer } = report;
  return [
    `  Differences   ${palette.good('none')} among ${count(report.entries, 'entry', 'entries')}: content, owners, modes, times, ACLs, hard links`,
    `  Data          ${count(report.files, 'file')}, ${bytes(report.bytes)}`,
    `  Downtime      ${report.windowSeconds?.toFixed(1)} s, projected ${report.expectedWindowSeconds?.toFixed(0)} s`,
    `  Containers    ${containers.running} of ${containers.expected} run on doc2, none on doc1`,
    `  The writer    ${count(writer.linesBefore, 'line')} on doc1, ${count(writer.linesAfter, 'more line')} on doc2 so far: none lost, none twice`,
    `  The demo      ${clock(report.seconds.total ?? 0)}`,
  ].join('\n');
}
