import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { DrayageError } from '../../src/errors/error.ts';

const minimal = (share = '', cluster = '{}') => `
cluster: ${cluster}
nodes: { prom: { ssh: root@prom } }
guests:
  doc1: { vmid: 104, ssh: root@doc1 }
  doc2: { vmid: 114, ssh: root@doc2 }
shares:
  containers: { node: prom, dataset: nvmeprom/containers, owner: "1000:100"${share} }
moves:
  docker:
    from: { guest: doc1, path: /mnt/docker }
    to: { share: containers, guest: doc2 }
`;

function good(text: string, env: NodeJS.ProcessEnv = {}, file = '/srv/drayage.yaml'): Config {
  const result = parseConfig(text, file, env);
  if ('problems' in result) throw new ConfigError(result.problems);
  return result.config;
}

function bad(text: string | Uint8Array, env: NodeJS.ProcessEnv = {}) {
  const result = parseConfig(text, 'drayage.yaml', env);
  return 'problems' in result ? result.problems : [];
}

describe('defaults that follow from other keys', () => {
  test('a share without more gets path, pool, mapping and a mount of its own', () => {
    expect(good(minimal()).shares.containers).toEqual({
      name: 'containers',
      node: 'prom',
      dataset: 'nvmeprom/containers',
      pool: 'nvmeprom',
      path: '/nvmeprom/containers',
      mapping: 'containers',
      owner: { uid: 1000, gid: 100 },
      mode: '0755',
      mount: '/mnt/containers',
      cache: 'auto',
      maintenance: {},
    });
  });

  test('a move goes to a directory with the name of its source guest, in the only phase', () => {
    const config = good(minimal());
    expect(config.moves.docker?.to).toEqual({
      share: 'containers',
      guest: 'doc2',
      as: 'doc1',
      path: '/nvmeprom/containers/doc1',
    });
    expect(config.moves.docker?.phase).toBe('main');
    expect(config.phases).toEqual([{ name: 'main', moves: ['docker'] }]);
    expect(config.guests.doc1?.sshFromNode).toBe('root@doc1');
  });

  test('a move that takes the top has the share mounted at its source path', () => {
    const config = good(minimal().replace('guest: doc2 }', 'guest: doc2, as: . }'));
    expect(config.shares.containers?.mount).toBe('/mnt/docker');
    expect(config.moves.docker?.to.path).toBe('/nvmeprom/containers');
  });

  test.each([
    ['"755"', '0755'],
    ['"0755"', '0755'],
    ['"2775"', '2775'],
    ['"02775"', '2775'],
  ])('mode %s is %s', (written, mode) => {
    expect(good(minimal(`, mode: ${written}`)).shares.containers?.mode).toBe(mode);
  });

  test('files are relative to the folder of drayage.yaml, and ~ is the home folder', () => {
    const config = good(minimal('', '{ ca: ca.pem, tokenFile: ~/token }'), { HOME: '/home/abl' });
    expect(config.cluster.ca).toBe('/srv/ca.pem');
    expect(config.cluster.tokenFile).toBe('/home/abl/token');
  });

  test('the file names the endpoint before the environment does', () => {
    const env = { PROXMOX_VE_ENDPOINT: 'https://env:8006/' };
    expect(good(minimal(), env).cluster.endpoint).toBe('https://env:8006');
    expect(good(minimal('', '{ endpoint: "https://file:8006" }'), env).cluster.endpoint).toBe(
      'https://file:8006',
    );
    expect(good(minimal(), { PROXMOX_VE_ENDPOINT: '' }).cluster).not.toHaveProperty('endpoint');
  });

  test('an unquoted 10:10 is an owner: the file is YAML 1.2', () => {
    expect(good(minimal().replace('"1000:100"', '10:10')).shares.containers?.owner).toEqual({
      uid: 10,
      gid: 10,
    });
  });

  test('a guest may be called constructor, and an unknown name finds nothing', () => {
    const config = good(minimal().replaceAll('doc2', 'constructor'));
    expect(config.guests.constructor).toMatchObject({ vmid: 114 });
    expect(config.guests.toString).toBeUndefined();
  });
});

describe('what the samples cannot hold', { timeout: 30_000 }, () => {
  test('a binary file is refused at its first NUL byte', () => {
    expect(bad(Buffer.from('nodes:\n  a\0b'))).toMatchObject(
      [{ line: 2, column: 4, what: /binary/ }].map(matching),
    );
  });

  test('a file that is not UTF-8 is refused at its first wrong byte', () => {
    const bytes = Buffer.concat([Buffer.from('nodes: {}\n# gr'), Buffer.from([0xfc]), Buffer.from('n')]);
    expect(bad(bytes)).toMatchObject([{ line: 2, column: 5, what: /not UTF-8/ }].map(matching));
  });

  test('UTF-16 is named', () => {
    expect(bad(Buffer.from('\ufeffnodes: {}', 'utf16le'))).toMatchObject([{ what: /UTF-16/ }].map(matching));
  });

  test('a file above 1 MiB is refused without being parsed', () => {
    expect(bad('['.repeat(1024 * 1024 + 1))).toMatchObject(
      [{ line: 1, column: 1, what: /1 MiB/ }].map(matching),
    );
  });

  test('an alias bomb ends in a message', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
      .concat(
        [...Array(9).keys()].map((i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
      )
      .join('\n');
    expect(bad(bomb)[0]?.what).toMatch(/aliases of the file multiply/);
  });

  test('a file that is nested without end ends in a message', () => {
    expect(bad(`${'a: {'.repeat(200)}${'}'.repeat(200)}`)[0]?.what).toMatch(
      /nested too deeply|not valid YAML/,
    );
  });

  test.each(['[', '- ', 'a: {'])('the depths of %j are one message, not a crash', (opening) => {
    expect(bad(opening.repeat(50_000)).map(({ what }) => what)).toEqual(['the file is nested too deeply']);
  });

  test('more than a hundred problems are cut, and counted', () => {
    const problems = bad(`nodes:\n${[...Array(150).keys()].map((i) => `  n${i}: {}`).join('\n')}`);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.what).toBe('53 more problems follow');
  });

  test('an endpoint of the environment that is no address is told of', () => {
    expect(bad(minimal(), { PROXMOX_VE_ENDPOINT: 'prom:8006' })).toMatchObject([
      { line: 2, column: 1, what: 'the environment variable PROXMOX_VE_ENDPOINT is "prom:8006"' },
    ]);
  });

  test('neither a token nor a password stands in a message', () => {
    const problems = bad(
      minimal(
        '',
        '{ tokenFile: "root@pam!drayage=very-secret", endpoint: "https://root:very-secret@prom:8006" }',
      ),
    );
    expect(problems).toHaveLength(2);
    expect(JSON.stringify(problems)).not.toContain('very-secret');
  });

  test('a message cannot steer the terminal', () => {
    const problems = bad('"a\\e[31m\\u202eb": 1\n"c\\x9bd": "\\e]0;x"');
    expect(JSON.stringify(problems)).toMatch(/u001b/);
    for (const { what, write } of problems) expect(`${what}${write}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const thrown = (file: string): DrayageError => {
    try {
      loadConfig(file, {});
    } catch (error) {
      if (error instanceof DrayageError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  };

  test('a missing file leads to drayage init', () => {
    expect(thrown(join(folder, 'drayage.yaml'))).toMatchObject({
      code: 'config/missing',
      exit: 2,
      next: ['drayage init', 'drayage --file FILE ...'],
    });
  });

  test('a folder and a pipe are no configuration, and neither is waited for', () => {
    mkdirSync(join(folder, 'd'));
    execFileSync('mkfifo', [join(folder, 'p')]);
    expect(thrown(join(folder, 'd')).code).toBe('config/unreadable');
    expect(thrown(join(folder, 'p')).code).toBe('config/unreadable');
  });

  test('all problems are one error, with its exit code and the first place', () => {
    const file = join(folder, 'drayage.yaml');
    writeFileSync(file, minimal().replace('root@prom', '').replace('104', 'x'));
    const error = thrown(file) as ConfigError;
    expect(error.exit).toBe(2);
    expect(error.problems).toHaveLength(2);
    expect(error.where).toBe(`${file}:3:24`);
    expect(error.seen).toContain(
      `${file}:5:17: guests.doc1.vmid is "x"\n  write: a whole number, without quotes`,
    );
  });

  test('a file is read', () => {
    const file = join(folder, 'drayage.yaml');
    writeFileSync(file, minimal());
    expect(loadConfig(file, {}).file).toBe(file);
  });
});

describe('whatever the file holds', { timeout: 30_000 }, () => {
  const words = fc.constantFrom(
    ...[
      'nodes',
      'guests',
      'shares',
      'moves',
      'phases',
      'cluster',
      'ssh',
      'doc1',
      'from',
      'to',
      'guest',
      'path',
      'as',
    ],
    ...[
      ':',
      ': ',
      '\n',
      '\n  ',
      '\n    ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '&a ',
      '*a',
      '.',
      '/',
      '"',
      "'",
      '|',
      '>',
      '\t',
    ],
    ...[
      '1000:100',
      '104',
      '/mnt/docker',
      '#',
      '!',
      '%',
      '?',
      '<<',
      '__proto__',
      'constructor',
      'null',
      '\u{1f4a3}',
      '\r\n',
    ],
  );
  const text = fc.array(words, { maxLength: 60 }).map((parts) => parts.join(''));
  /** Values of the right names in wrong places, as JSON, which is YAML. */
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>('doc1', '.', '/mnt', 104, null, true, -1, '1000:100', 'nvmeprom/a', ''),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'nodes',
          'guests',
          'shares',
          'moves',
          'phases',
          'cluster',
          'from',
          'to',
          'a',
          'as',
          'owner',
        ),
        tie('value'),
        { maxKeys: 5 },
      ),
    ),
  })).value;

  function holds(input: string | Uint8Array): void {
    const result = parseConfig(input, 'drayage.yaml', {});
    if ('config' in result) return;
    expect(result.problems.length).toBeGreaterThan(0);
    const lines = Buffer.from(input).toString().split('\n');
    for (const { line, column, what, write } of result.problems) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lines.length);
      expect(column).toBeGreaterThanOrEqual(1);
      expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
      expect(what).not.toBe('');
      expect(write).not.toBe('');
      expect(`${what}${write}`).not.toMatch(/[\p{Cc}]|undefined|\[object/u);
    }
  }

  test('any bytes are a configuration or problems inside the file', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), holds), { numRuns: 300 });
  });
  test('so is any text made of the words of YAML and of drayage', () => {
    fc.assert(fc.property(text, holds), { numRuns: 1500 });
  });
  test('so is any tree of values', () => {
    fc.assert(
      fc.property(
        tree.map((value) => JSON.stringify(value, null, 1)),
        holds,
      ),
      { numRuns: 1000 },
    );
  });
  test('a valid file with one stretch replaced is never a crash', () => {
    const file = minimal();
    fc.assert(
      fc.property(fc.nat(file.length), fc.nat(20), text, (at, length, put) =>
        holds(file.slice(0, at) + put + file.slice(at + length)),
      ),
      { numRuns: 1000 },
    );
  });
});

function matching<T extends { what: RegExp }>(expected: T) {
  return { ...expected, what: expect.stringMatching(expected.what) };
}
