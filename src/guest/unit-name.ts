/**
 * The name of the mount unit of a path, as `systemd-escape --path --suffix=mount` gives it (systemd.unit(5), "String
 * escaping for inclusion in unit names"): slashes become `-`, every byte but letters, digits, `:`, `_` and `.` becomes
 * `\xHH`, and a leading `.` too.
 * @param path absolute, without a slash at the end
 */
export function mountUnitName(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '');
  if (trimmed === '') return '-.mount';
  let name = '';
  for (const [index, byte] of new TextEncoder().encode(trimmed).entries()) {
    const character = String.fromCharCode(byte);
    if (character === '/') name += '-';
    else if (/[A-Za-z0-9:_.]/.test(character) && !(index === 0 && character === '.')) name += character;
    else name += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${name}.mount`;
}
