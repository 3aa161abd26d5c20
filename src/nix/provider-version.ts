import { nixError } from './errors.ts';
import { memberOf, spliced } from './members.ts';
import { scan } from './scan.ts';
import { type NixSource, readSource, sourceOf, whereIs } from './source.ts';
import { type AttributeSet, bare, expressionsOf } from './syntax.ts';
import { nixString } from './write-value.ts';

/** Source addresses of the provider: short, and with the registries of OpenTofu and Terraform. */
const providerSource = /^(registry\.(opentofu|terraform)\.(org|io)\/)?bpg\/proxmox$/;

export interface EditedProvider {
  readonly before: NixSource;
  readonly after: NixSource;
  readonly changed: boolean;
  /** As it was and as it becomes. */
  readonly from: string;
  readonly to: string;
}

/**
 * Changes the version constraint of the provider bpg/proxmox in a Nix file: the `version` beside its `source`, in whatever
 * function the file is. Such a file cannot be evaluated by itself; proven is that one string alone becomes another one.
 * @throws nix/not-editable, nix/syntax, nix/unreadable
 */
export async function editProviderVersion(file: string, constraint: string): Promise<EditedProvider> {
  const before = await readSource(file);
  const found: { set: AttributeSet; source: string }[] = [];
  for (const expression of expressionsOf(before.tree)) {
    if (expression.kind !== 'set') continue;
    const source = textOf(expression, 'source');
    if (source !== undefined && providerSource.test(source.text))
      found.push({ set: expression, source: source.text });
  }
  const [only, another] = found;
  if (only === undefined || another !== undefined)
    throw byHand(
      before,
      another?.set.start ?? 0,
      constraint,
      `${found.length} sets with source = "bpg/proxmox"`,
    );
  const version = textOf(only.set, 'version');
  if (version === undefined)
    throw byHand(before, only.set.start, constraint, 'no plain `version` beside the source of the provider');
  const splice = { start: version.start, end: version.end, text: nixString(constraint) };
  const changed = version.text !== constraint;
  const after = changed ? sourceOf(before.file, spliced(before.text, [splice])) : before;
  if (changed) proveOneToken(before, after, version.start);
  return { before, after, changed, from: version.text, to: constraint };
}

function textOf(set: AttributeSet, name: string): { text: string; start: number; end: number } | undefined {
  const member = memberOf(set, name);
  if (member.is !== 'binding') return undefined;
  const value = bare(member.binding.value);
  return value.kind === 'string' ? { text: value.value, start: value.start, end: value.end } : undefined;
}

function proveOneToken(before: NixSource, after: NixSource, at: number): void {
  const [old, now] = [scan(before.text), scan(after.text)];
  const others = old.filter((token, index) => token.start !== at && token.text !== now[index]?.text);
  if (others.length === 0 && old.length === now.length) return;
  throw nixError('nix/other-difference', {
    seen: 'more than the version of the provider would change',
    where: whereIs(before, others[0]?.start ?? at),
    next: [`change the version in ${before.file} yourself`],
  });
}

function byHand(source: NixSource, offset: number, constraint: string, seen: string): Error {
  return nixError('nix/not-editable', {
    seen,
    where: whereIs(source, offset),
    next: [
      `write this yourself into terraform.required_providers.proxmox:\nversion = ${nixString(constraint)};`,
    ],
  });
}
