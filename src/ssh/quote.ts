const safe = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * One argument as a word of a POSIX shell. Works on any text without NUL, whatever its encoding.
 * Quotes and backslashes stand in double quotes, all else in single quotes: fish, which reads a backslash inside
 * single quotes differently, understands the same words.
 * @throws RangeError for a NUL: no argument of a program can hold one.
 */
export function quoteArgument(argument: string): string {
  if (argument.includes('\0')) throw new RangeError('an argument cannot hold a NUL byte');
  if (safe.test(argument)) return argument;
  if (argument === '') return "''";
  return argument.replaceAll(/(['\\]+)|([^'\\]+)/g, (_, special: string | undefined, plain: string) =>
    special === undefined ? `'${plain}'` : `"${special.replaceAll('\\', '\\\\')}"`,
  );
}

/** A word after the first may hold `=` without being an assignment; at its start, zsh would expand it. */
const safeLater = /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=-]*$/;

/** A whole command as one line for a POSIX shell. */
export function quoteArgv(argv: readonly string[]): string {
  return argv
    .map((argument, index) => (index > 0 && safeLater.test(argument) ? argument : quoteArgument(argument)))
    .join(' ');
}
