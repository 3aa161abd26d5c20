/** Names of all extended attributes below a path, without values: `getfattr` walks without following links. */
export function attributesArgv(path: string): string[] {
  return [
    'env',
    'LC_ALL=C',
    'getfattr',
    '--recursive',
    '--physical',
    '--no-dereference',
    '--one-file-system',
    '--absolute-names',
    '--match=-',
    '--',
    path,
  ];
}

/** Counts entries with ACLs and with other extended attributes, from chunks of `attributesArgv`'s output. */
export class AttributeCount {
  /** Entries with an ACL beyond mode bits, or a default ACL. */
  acls = 0;
  /** Entries with any other attribute. SELinux labels are not counted: every file has one where they are in use. */
  xattrs = 0;
  readonly #skipped: readonly string[];
  #rest = '';
  #skip = false;
  #acl = false;
  #xattr = false;

  /** @param pruned absolute paths whose entries are not counted. */
  constructor(pruned: readonly string[]) {
    this.#skipped = pruned.map((path) => Buffer.from(path).toString('latin1'));
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

  #line(line: string): void {
    if (line.startsWith('# file: ')) {
      this.#close();
      const path = unescapeName(line.slice('# file: '.length));
      this.#skip = this.#skipped.some((folder) => path === folder || path.startsWith(`${folder}/`));
    } else if (/^system\.posix_acl_(access|default)$/.test(line)) this.#acl = true;
    else if (line !== '' && line !== 'security.selinux') this.#xattr = true;
  }

  #close(): void {
    if (!this.#skip) {
      this.acls += Number(this.#acl);
      this.xattrs += Number(this.#xattr);
    }
    this.#acl = false;
    this.#xattr = false;
  }
}

/** getfattr writes line breaks, backslashes and the like as three octal digits. */
function unescapeName(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
