/**
 * Makes docs/demo.svg, the picture in README.md, from a real run of the demo under a terminal.
 * usage: node scripts/record-demo.ts [RECORDING]   with the name of an output of script(1), no demo is run
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { picture } from '../lab/demo/picture.ts';
import { scenes } from '../lab/demo/scenes.ts';
import { terminalLines } from '../lab/demo/terminal-text.ts';

const target = new URL('../docs/demo.svg', import.meta.url);

async function record(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-recording-'));
  try {
    const file = join(folder, 'demo');
    const command = 'stty columns 116 rows 50; exec node lab/demo/main.ts';
    await execa('script', ['--quiet', '--flush', '--return', '--command', command, file], {
      stdio: 'inherit',
    });
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const given = process.argv[2];
const recorded = given === undefined ? await record() : readFileSync(given, 'utf8');
// script(1) frames what it records by a line of its own before and after.
const output = recorded.replace(/^Script started[^\n]*\n/, '').replace(/\r?\nScript done[^\n]*\n$/, '\n');
writeFileSync(
  target,
  picture(scenes(terminalLines(output)), 'The end of the plan, the migration, and its proof'),
);
