/** A reason why a file must not be committed; the secret itself is not in it. */
export interface Found {
  readonly path: string;
  /** From 1; absent: the file as a whole. */
  readonly line?: number;
  readonly what: string;
}

const names: readonly (readonly [RegExp, string])[] = [
  [/(^|\/)\.drayage(\/|$)/, "drayage's own records"],
  [/(^|\/)\.terraform(\/|$)/, 'the working folder of OpenTofu'],
  [/\.tfstate(\.|$)|\.tfstate\.lock\.info$/, 'the state of OpenTofu, which holds secrets in clear'],
  [/(^|\/)tfplan$|\.tfplan$/, 'a plan file of OpenTofu, which holds secrets in clear'],
  [/(^|\/)id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/, 'the name of a private ssh key'],
  [/(^|\/)\.pve_token$/, 'the name of a token file'],
];

/** Each matches within one line. */
const contents: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----/, 'a private key'],
  // A secret of Proxmox VE is a UUID.
  [
    /[A-Za-z0-9._-]+@[A-Za-z][\w.-]*![A-Za-z][\w.-]*=[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/,
    'an API token of Proxmox VE',
  ],
  [/AGE-SECRET-KEY-1[0-9A-Z]{20,}/, 'a secret key of age'],
];

/** @param values secrets that are known: the token of the environment, those of token files */
export function secretsIn(path: string, content: Buffer, values: readonly string[]): Found[] {
  const byName = names.flatMap(([pattern, what]) => (pattern.test(path) ? [{ path, what }] : []));
  const text = content.toString('latin1');
  if (byName.length === 0 && isPlanFile(content))
    return [{ path, what: 'a plan file of OpenTofu, which holds secrets in clear' }];
  if (byName.length === 0 && isState(text))
    return [{ path, what: 'the state of OpenTofu, which holds secrets in clear' }];
  const known = values.map((value) => Buffer.from(value, 'utf8').toString('latin1'));
  const byContent = text.split('\n').flatMap((line, index) => {
    const found =
      contents.find(([pattern]) => pattern.test(line))?.[1] ??
      (known.some((value) => line.includes(value)) ? 'the token that drayage itself uses' : undefined);
    return found === undefined ? [] : [{ path, line: index + 1, what: found }];
  });
  return [...byName, ...byContent];
}

/** A zip archive (PKZIP APPNOTE 4.3.7) whose first entries name a plan. */
function isPlanFile(content: Buffer): boolean {
  return content.subarray(0, 4).equals(Buffer.from('PK\x03\x04')) && content.includes('tfplan');
}

function isState(text: string): boolean {
  if (!text.trimStart().startsWith('{') || !text.includes('"lineage"')) return false;
  try {
    const state = JSON.parse(text) as Record<string, unknown>;
    return typeof state.lineage === 'string' && typeof state.serial === 'number';
  } catch {
    return false;
  }
}
