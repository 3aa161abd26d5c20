/**
 * A name of any bytes as text: UTF-8 as it is, except control characters and backslashes; other bytes as `\xHH`.
 * Two different names never look the same.
 */
export function showName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  const whole = Buffer.from(text, 'utf8').equals(bytes);
  if (whole) return text.replaceAll(/[\\\p{Cc}]/gu, (character) => Buffer.from(character).reduce(hex, ''));
  return [...bytes]
    .map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : hex('', byte)))
    .join('');
}

function hex(before: string, byte: number): string {
  return `${before}\\x${byte.toString(16).padStart(2, '0')}`;
}
