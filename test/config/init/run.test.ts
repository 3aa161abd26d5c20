import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askDraft } from '../../../src/config/init/ask.ts';
import { type ClusterFacts, noFacts } from '../../../src/config/init/facts.ts';
import { runInit } from '../../../src/config/init/run.ts';
import { writeDraft } from '../../../src/config/init/write.ts';
import { loadConfig, parseConfig } from '../../../src/config/load.ts';

/** A user who types these lines and then ends the input. */
function typing(...lines: string[]) {
  const talk: string[] = [];
  return {
    talk,
    ask: async (question: string) => {
      talk.push(question);
      return lines.shift();
    },
    write: (text: string) => void talk.push(text),
  };
}

const mission = [
  '',
  'prom',
  'root@192.168.1.12',
  'doc1',
  '104',
  '',
  '',
  'doc2',
  '114',
  '',
  'nvmeprom/containers',
  '1000:100',
];

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-init-'));
  file = join(folder, 'drayage.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('drayage init by asking', { timeout: 30_000 }, () => {
  test('twelve answers are a file that loads', async () => {
    const io = typing(...mission);
    expect(await runInit({ file, force: false }, io)).toEqual([file, join(folder, 'drayage.schema.json')]);
    const config = loadConfig(file, {});
    expect(config.moves.doc1).toMatchObject({
      from: { guest: 'doc1', path: '/mnt/docker' },
      to: { share: 'containers', guest: 'doc2', as: 'doc1' },
    });
    expect(config.guests.doc2).toMatchObject({ vmid: 114, ssh: 'root@doc2' });
    expect(JSON.parse(readFileSync(join(folder, 'drayage.schema.json'), 'utf8')).title).toBe('drayage.yaml');
  });

  test('an answer that the file may not hold is asked for again, with what to write', async () => {
    const answers = [...mission];
    answers.splice(4, 1, '7', 'abc', '104');
    const io = typing(...answers);
    await runInit({ file, force: false }, io);
    expect(io.talk.join('')).toContain('not accepted; write a number from 100 to 999999999');
  });

  test('the target is another machine than the source', async () => {
    const answers = [...mission];
    answers.splice(7, 1, 'doc1', 'doc2');
    answers.splice(9, 1, '104', '114');
    const io = typing(...answers);
    await runInit({ file, force: false }, io);
    expect(io.talk.filter((line) => line.includes('another one than that of the source guest'))).toHaveLength(
      2,
    );
  });

  test('what the cluster shows is offered', async () => {
    const facts: ClusterFacts = {
      endpoint: 'https://prom:8006',
      nodes: [{ name: 'prom', address: '10.0.0.1' }],
      vms: [
        { vmid: 104, name: 'doc1', node: 'prom', address: '10.0.0.4' },
        { vmid: 114, name: 'doc2', node: 'prom' },
      ],
      datasets: [{ node: 'prom', name: 'nvmeprom' }],
      mappings: [],
    };
    const io = typing('', '', '', 'doc1', '', '', '', 'doc2', '', '', '', '1000:100');
    await runInit({ file, force: false, facts }, io);
    expect(loadConfig(file, {})).toMatchObject({
      cluster: { endpoint: 'https://prom:8006' },
      guests: { doc1: { vmid: 104, ssh: 'root@10.0.0.4' }, doc2: { vmid: 114 } },
      shares: { containers: { dataset: 'nvmeprom/containers' } },
    });
  });

  test('an input that ends leaves nothing behind', async () => {
    await expect(runInit({ file, force: false }, typing('', 'prom'))).rejects.toMatchObject({
      code: 'config/no-answer',
      exit: 2,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('whatever is answered, the result loads without a problem', async () => {
    const answer = fc.constantFrom(
      ...[
        '',
        'prom',
        'doc1',
        'doc2',
        'true',
        '104',
        '114',
        'root@a',
        'root@b',
        '/',
        '/mnt',
        '/etc',
        '/mnt/docker',
      ],
      ...[
        '/mnt/containers',
        '/mnt/containers/a',
        '/srv',
        'tank/containers',
        'tank/x',
        'var/lib',
        'tank/..',
        '0:0',
      ],
      ...['1000:100', 'https://a:8006', 'http://a', '#', '- a', "a'b", '"'],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 30, maxLength: 90 }), async (lines) => {
        const io = typing(...lines);
        const drafted = await askDraft(io.ask, io.write, noFacts).catch((error) => {
          expect(error.code).toBe('config/no-answer');
        });
        if (!drafted) return;
        const result = parseConfig(writeDraft(drafted), 'drayage.yaml', {});
        expect('problems' in result ? result.problems : []).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('drayage init without a terminal', () => {
  test('writes a file with examples, and says what comes next', async () => {
    const talk: string[] = [];
    await runInit({ file, force: false }, { write: (text) => talk.push(text) });
    expect(loadConfig(file, {}).moves).toEqual({});
    expect(talk.join('')).toContain('drayage inspect');
  });

  test('never writes over a file, and asks nothing before it says so', async () => {
    writeFileSync(file, 'mine');
    const io = typing(...mission);
    await expect(runInit({ file, force: false }, io)).rejects.toMatchObject({
      code: 'config/exists',
      exit: 2,
    });
    expect(io.talk).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'drayage.schema.json'))).toBe(false);
  });

  test('writes over it with --force', async () => {
    writeFileSync(file, 'mine');
    await runInit({ file, force: true }, { write: () => undefined });
    expect(loadConfig(file, {}).moves).toEqual({});
    expect(readdirSync(folder).sort()).toEqual(['drayage.schema.json', 'drayage.yaml']);
  });

  test('a folder that cannot be made is an error with a way out', async () => {
    writeFileSync(join(folder, 'plain'), '');
    await expect(
      runInit({ file: join(folder, 'plain/drayage.yaml'), force: false }, { write: () => undefined }),
    ).rejects.toMatchObject({ code: 'config/not-writable' });
  });
});
