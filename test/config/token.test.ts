import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseToken, readToken } from '../../src/config/token.ts';
import { DrayageError } from '../../src/errors/error.ts';

const token = 'root@pam!drayage=a-secret';

const config = (cluster: Config['cluster']): Config => ({
  file: 'drayage.yaml',
  cluster,
  ssh: {},
  nodes: {},
  wishes: {},
  guests: {},
  shares: {},
  moves: {},
  phases: [],
  finalize: { soakDays: 7 },
});

function thrown(action: () => unknown): DrayageError {
  try {
    action();
  } catch (error) {
    if (error instanceof DrayageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('readToken', () => {
  let folder: string;
  let tokenFile: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-token-'));
    tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'root@pam!file=a-secret\n', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('the environment goes before the file', () => {
    expect(readToken(config({ tokenFile }), { PROXMOX_VE_API_TOKEN: token }).id).toBe('root@pam!drayage');
    expect(readToken(config({ tokenFile }), { PROXMOX_VE_API_TOKEN: '' }).id).toBe('root@pam!file');
  });

  test('a token is never sent to another cluster than that of its environment', () => {
    const env = { PROXMOX_VE_API_TOKEN: token, PROXMOX_VE_ENDPOINT: 'https://b:8006' };
    const endpoint = 'https://a:8006';
    expect(readToken(config({ endpoint, tokenFile }), env).id).toBe('root@pam!file');
    expect(thrown(() => readToken(config({ endpoint }), env)).code).toBe('token/other-cluster');
    expect(readToken(config({ endpoint: 'https://b:8006' }), env).id).toBe('root@pam!drayage');
  });

  test('without any token the error says how to make one', () => {
    const error = thrown(() => readToken(config({}), {}));
    expect(error.code).toBe('token/missing');
    expect(error.exit).toBe(2);
    expect(error.next[0]).toContain('pveum user token add');
  });

  test('a file that others can read is refused, with the chmod to type', () => {
    chmodSync(tokenFile, 0o640);
    const error = thrown(() => readToken(config({ tokenFile }), {}));
    expect(error).toMatchObject({ code: 'token/exposed', next: [`chmod 0600 ${tokenFile}`] });
    expect(error.seen).toContain('mode 0640');
  });

  test('a file that is only readable is fine, and so is a link to it', () => {
    chmodSync(tokenFile, 0o400);
    const link = join(folder, 'link');
    symlinkSync(tokenFile, link);
    expect(readToken(config({ tokenFile: link }), {}).id).toBe('root@pam!file');
  });

  test('a missing file and a folder are named', () => {
    expect(thrown(() => readToken(config({ tokenFile: join(folder, 'no') }), {})).code).toBe(
      'token/unreadable',
    );
    expect(thrown(() => readToken(config({ tokenFile: folder }), {})).code).toBe('token/unreadable');
  });
});

describe('an API token', () => {
  test('its secret shows in the header and nowhere else', () => {
    const read = parseToken(` ${token}\n`, 'test');
    expect(read.header()).toBe('PVEAPIToken=root@pam!drayage=a-secret');
    for (const shown of [JSON.stringify({ read }), inspect({ read }, { showHidden: true }), `${read}`])
      expect(shown).not.toContain('a-secret');
  });

  test.each([
    ['', 'it is empty'],
    ['root@pam!drayage', 'no "=" before the secret'],
    ['root@pam=secret', 'no "!" before the name'],
    ['root!drayage=secret', 'no "@" before the realm'],
    ['root@pam!a b=secret', 'white space'],
    ['PVEAPIToken=root@pam!drayage=secret', 'name of a header'],
    ['@pam!drayage=secret', 'do not have the form'],
  ])('%j is refused', (text, why) => {
    expect(thrown(() => parseToken(text, 'the file')).seen).toContain(why);
  });

  test('no error holds the text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, unit: 'grapheme-ascii' }), (text) => {
        if (/^\s|\s$/.test(text)) return;
        try {
          parseToken(text, 'it');
        } catch (error) {
          expect(inspect(error, { depth: 5 })).not.toContain(text);
        }
      }),
    );
  });
});
