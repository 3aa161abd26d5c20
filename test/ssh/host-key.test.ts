import { expect, it } from 'vitest';
import { fingerprintOf, parseHostKey } from '../../src/ssh/host-key.ts';

const line = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS';

it('a public key is its type and its text, whatever comes after', () => {
  expect(parseHostKey(`${line} root@doc2\n`)).toEqual({ type: 'ssh-ed25519', key: line.split(' ')[1] });
  expect(parseHostKey('-----BEGIN OPENSSH PRIVATE KEY-----')).toBeUndefined();
  expect(parseHostKey('')).toBeUndefined();
});

it('its fingerprint is what ssh-keygen -l shows', () => {
  // ssh-keygen -lf of the line above.
  expect(fingerprintOf(parseHostKey(line) as { type: string; key: string })).toBe(
    'SHA256:qH8baHrA5X0qCBovKCZyM02Q7TFtK4GMqVgOo4TZJAE',
  );
});
