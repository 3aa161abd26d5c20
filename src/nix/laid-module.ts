import { createHash } from 'node:crypto';

/** Name of the module in the folder of a host. */
export const moduleFile = 'drayage.nix';

const mark = '# Kept by `drayage guest integrate` as long as nobody changes it: sha256 ';

/** The text of a module with a first line by which a later run knows that nobody has changed it. */
export function stampedModule(text: string): string {
  return `${mark}${createHash('sha256').update(text).digest('hex')}\n${text}`;
}

/** Whether drayage has laid this text, and nobody has changed it since. */
export function isAsLaid(text: string): boolean {
  return text === stampedModule(text.slice(text.indexOf('\n') + 1));
}

/** Whether units of a move are kept from starting by it. */
export const hasConditions = (text: string): boolean => text.includes('AssertPathExists');
