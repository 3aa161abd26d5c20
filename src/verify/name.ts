function hex(character: string, encoding: 'utf8' | 'latin1'): string {
  return [...Buffer.from(character, encoding)]
    .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

/**
 * Names are kept as latin1 strings, one character per byte, so that any byte survives. This is how people see them:
 * UTF-8 where the whole name is UTF-8, `\xHH` for control characters and, in any other name, for each byte above 7F.
 */
export function printableName(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes)
    ? text.replace(/\p{Cc}/gu, (character) => hex(character, 'utf8'))
    : name.replace(/\p{Cc}|[\u0080-\u00ff]/gu, (character) => hex(character, 'latin1'));
}
