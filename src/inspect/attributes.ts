/** Names of all extended attributes below a path, without values: `getfattr` walks without following links. */
export function attributesArgv(path: string): string[] {
  return [
    'env',
    // From inside: getfattr opens by whole names, and a name may be as long as the kernel takes.
    `--chdir=${path}`,
    'LC_ALL=C',
    'getfattr',
    '--recursive',
    '--physical',
    '--no-dereference',
    '--one-file-system',
    '--absolute-names',
    '--match=-',
    '--',
    '.',
  ];
}

/** Counts entries by their attributes, from chunks of `attributesArgv`'s output. */
export class AttributeCount {
  /** Entries with an ACL beyond mode bits, or a default ACL. */
  acls = 0;
  /** Entries with file capabilities. */
  capabilities = 0;
  /** Entries with any other attribute that counts. */
  xattrs = 0;
  readonly #skipped: readonly string[];
  #rest = '';
  #skip = false;
  #kinds = new Set<Kind>();

  /** @param pruned relative paths whose entries are not counted. */
  constructor(pruned: readonly string[]) {
    this.#skipped = pruned.map((path) => `./${Buffer.from(path).toString('latin1')}`);
  }

  add(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#line(line);
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#close();
  }

  /** Takes out what another count has seen. */
  subtract(other: AttributeCount): void {
    this.acls -= other.acls;
    this.capabilities -= other.capabilities;
    this.xattrs -= other.xattrs;
  }

  #line(line: string): void {
    if (line.startsWith('# file: ')) {
      this.#close();
      const path = unescapeName(line.slice('# file: '.length));
      this.#skip = this.#skipped.some((folder) => path === folder || path.startsWith(`${folder}/`));
    } else if (line !== '') {
      const kind = kindOf(line);
      if (kind !== undefined) this.#kinds.add(kind);
    }
  }

  #close(): void {
    if (!this.#skip) for (const kind of this.#kinds) this[kind] += 1;
    this.#kinds.clear();
  }
}

type Kind = 'acls' | 'capabilities' | 'xattrs';

/**
 * undefined: not counted. Every file has an SELinux label where they are in use; XFS shows each ACL to root a second time
 * as trusted.SGI_ACL_FILE or trusted.SGI_ACL_DEFAULT; `btrfs.` are settings of that file system, which no other one takes.
 */
function kindOf(attribute: string): Kind | undefined {
  if (/^system\.posix_acl_(access|default)$/.test(attribute)) return 'acls';
  if (attribute === 'security.capability') return 'capabilities';
  if (/^(security\.selinux|trusted\.SGI_ACL_(FILE|DEFAULT)|btrfs\..*)$/.test(attribute)) return undefined;
  return 'xattrs';
}

/** getfattr writes line breaks, backslashes and the like as three octal digits. */
function unescapeName(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
