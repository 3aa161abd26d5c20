import { expect, test } from 'vitest';
import { runProcess } from '../../../src/ssh/process.ts';

const lines = 'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done';

async function read(script: string, gatherMs?: number) {
  const chunks: Buffer[] = [];
  const end = await runProcess('sh', ['-c', script], {
    onStdout: (chunk) => void chunks.push(chunk),
    ...(gatherMs === undefined ? {} : { gatherMs }),
  });
  return { end, chunks, text: Buffer.concat(chunks).toString() };
}

test('what a command writes line by line is read in few pieces where it may gather, and all of it', async () => {
  // A pause now and then, so that a reader of each line would see them one by one.
  const slow = lines.replace('echo "line $i"', '/bin/echo "line $i"');
  const gathered = await read(slow, 50);
  expect(gathered.end).toMatchObject({ ended: 'exit', exitCode: 0 });
  expect(gathered.text.split('\n').length).toBe(301);
  const single = await read(slow);
  expect(single.text).toBe(gathered.text);
  expect(gathered.chunks.length).toBeLessThan(single.chunks.length / 3);
});

test('the end of a command is not waited for', async () => {
  const begun = performance.now();
  const { end, text } = await read('echo one; sleep 0.2; echo two', 20_000);
  expect(end).toMatchObject({ ended: 'exit', exitCode: 0 });
  expect(text).toBe('one\ntwo\n');
  expect(performance.now() - begun).toBeLessThan(10_000);
});
