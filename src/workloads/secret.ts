const secretName =
  /(pass(word|wd|phrase)?|secret|token|credentials?|(api|private|access|secret|encryption|auth)[-_.]?key)$|(^|[-_.])(key|pw)$/i;
const address = /:\/\/[^/@:\s]*:[^/@\s]+@/;

/** Stands where a value was that must not be shown. */
export const hidden = '(hidden)';

/** Does a name such as `DB_PASSWORD` or `--requirepass` announce a secret? */
export function announcesSecret(name: string): boolean {
  return secretName.test(name);
}

/**
 * Arguments without what looks like a secret: the value after `NAME=` or after `--name`, where the name announces one,
 * and addresses with a password.
 */
export function hideSecrets(args: readonly string[]): { readonly args: string[]; readonly found: string[] } {
  const found: string[] = [];
  const shown = args.map((argument, index) => {
    const before = args[index - 1];
    if (
      before?.startsWith('-') &&
      !before.includes('=') &&
      !argument.startsWith('-') &&
      announcesSecret(before)
    ) {
      found.push(before);
      return hidden;
    }
    for (const match of argument.matchAll(/([^\s=,;&?]+)=/g)) {
      if (!announcesSecret(match[1] as string)) continue;
      found.push(match[1] as string);
      return `${argument.slice(0, match.index + match[0].length)}${hidden}`;
    }
    if (address.test(argument)) {
      found.push('an address with a password');
      return hidden;
    }
    return argument;
  });
  return { args: shown, found };
}
