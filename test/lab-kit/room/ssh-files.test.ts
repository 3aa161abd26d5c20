import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bareKey, knownHostsText, recordCommandScript, sshConfigText } from '../../../lab/room/ssh-files.ts';

test('every host of the lab is known by name and by address', () => {
  const text = knownHostsText('ssh-ed25519 AAAAC3 drayage-lab\n');
  expect(text).toContain('prom,10.77.0.1 ssh-ed25519 AAAAC3\n');
  expect(text).toContain('doc2,10.77.0.12 ssh-ed25519 AAAAC3\n');
});

test('a text that is no public key is refused', () => {
  expect(() => bareKey('oops')).toThrow('not a public key');
});

test('ssh to the lab trusts the lab and nobody else', () => {
  const text = sshConfigText({ knownHosts: '/lab dir/known_hosts', identity: '/cache/key' });
  expect(text).toContain('Host doc1\n  HostName 10.77.0.11\n');
  expect(text).toContain('StrictHostKeyChecking yes');
  expect(text).toContain('UserKnownHostsFile "/lab dir/known_hosts"');
});

test('a recorded command is kept byte for byte, and is run as it was sent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-record-'));
  try {
    const [script, record] = [join(folder, 'script'), join(folder, 'record')];
    writeFileSync(script, recordCommandScript(record));
    const word = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 20 })
      .filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(word, (text) => {
        writeFileSync(record, '');
        const command = `printf %s '${text.replaceAll("'", `'\\''`)}'`;
        const output = execFileSync('bash', [script], {
          env: {
            ...process.env,
            SSH_ORIGINAL_COMMAND: command,
            SSH_CONNECTION: '10.77.0.1 1 10.77.0.11 22',
            SHELL: '/bin/bash',
            USER: 'root',
          },
        });
        expect(output).toEqual(Buffer.from(text));
        const line = JSON.parse(readFileSync(record, 'utf8'));
        expect(Buffer.from(line.command, 'base64')).toEqual(Buffer.from(command));
        expect(line).toMatchObject({ user: 'root', from: '10.77.0.1' });
      }),
      { numRuns: 20 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
