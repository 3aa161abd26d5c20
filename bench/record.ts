/**
 * Puts results into docs/performance.md: `node bench/record.ts FILE...`, each with what a bench printed with `--json`.
 * A result replaces the one of its bench; all else stays as it is.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BenchResult, markdown } from './result.ts';

const document = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

/** @throws when the document has no place for this bench */
export function replaceResult(text: string, result: BenchResult): string {
  const [begin, end] = [`<!-- result: ${result.bench} -->`, '<!-- end -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`There is no ${begin} ... ${end}.`);
  return `${text.slice(0, from)}${begin}\n\n${markdown(result)}\n\n${text.slice(to)}`;
}

/** npm prints lines of its own before the one that a bench prints. */
export function lastJson(output: string): BenchResult {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line) as BenchResult;
}

if (import.meta.main) {
  let text = readFileSync(document, 'utf8');
  for (const file of process.argv.slice(2)) text = replaceResult(text, lastJson(readFileSync(file, 'utf8')));
  writeFileSync(document, text);
}
