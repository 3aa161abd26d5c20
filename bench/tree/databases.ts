import type { Growing } from './growing.ts';

const page = 8192;
const mebibyte = 1024 ** 2;

/** Files that a running database writes to, relative to the tree's top, by how it writes. */
export interface DatabaseFiles {
  /** Written in place, page by page. */
  readonly paged: readonly string[];
  /** Written at the end. */
  readonly appended: readonly string[];
}

/** Owners as the images of these databases have them: postgres, mysql, an application's own user, nobody. */
const owners = { postgres: 999, mariadb: 1001, sqlite: 1000, prometheus: 65534 } as const;

/**
 * Four database directories with the names, sizes and owners that the databases themselves make, below `db/`; contents
 * are random but for headers that tell what a file is. `bytes` is shared out among them.
 */
export function fillDatabases(tree: Growing, size: { entries: number; bytes: number }): DatabaseFiles {
  const paged: string[] = [];
  const appended: string[] = [];
  const writers = { paged, appended };
  const relations = Math.max(8, Math.min(300, Math.floor(size.entries / 100)));
  fillPostgres(tree, writers, size.bytes * 0.35, relations);
  fillMariadb(tree, writers, size.bytes * 0.3, relations);
  fillSqlite(tree, writers, size.bytes * 0.1);
  fillPrometheus(tree, writers, size.bytes * 0.25, Math.max(2, Math.min(20, relations / 4)));
  return writers;
}

interface Writers {
  readonly paged: string[];
  readonly appended: string[];
}

/** A power of two of mebibytes, as segments are, that fits `parts` times into `bytes`. */
function segment(bytes: number, parts: number, most: number): number {
  let size = mebibyte;
  while (size * 2 * parts <= bytes && size < most) size *= 2;
  return size;
}

/** postgresql.org, "Database File Layout": base/<oid>/<filenode>[_fsm|_vm], global/pg_control of 8 KiB, segments of WAL. */
function fillPostgres(tree: Growing, writers: Writers, bytes: number, relations: number): void {
  const top = 'db/postgres';
  tree.owner = { uid: owners.postgres, gid: owners.postgres };
  tree.text(`${top}/PG_VERSION`, '16\n');
  for (const name of ['postgresql.conf', 'pg_hba.conf', 'pg_ident.conf', 'postmaster.opts'])
    tree.random(`${top}/${name}`, 3000);
  tree.random(`${top}/global/pg_control`, page);
  tree.random(`${top}/pg_xact/0000`, page);
  tree.random(`${top}/pg_multixact/members/0000`, page);
  tree.random(`${top}/pg_multixact/offsets/0000`, page);
  const wal = segment(bytes / 3, 4, 16 * mebibyte);
  for (let index = 1; index <= 4; index += 1)
    tree.random(`${top}/pg_wal/${`1${index.toString(16).padStart(8, '0')}`.padStart(24, '0')}`, wal);
  writers.paged.push(`${top}/pg_wal/${'100000004'.padStart(24, '0')}`, `${top}/global/pg_control`);
  // Three databases of catalogs, and one with the tables of an application.
  for (const oid of ['1', '4', '5', '16384']) {
    tree.text(`${top}/base/${oid}/PG_VERSION`, '16\n');
    tree.random(`${top}/base/${oid}/pg_filenode.map`, 524);
    for (let index = 0; index < relations; index += 1) {
      const path = `${top}/base/${oid}/${2600 + index}`;
      const large = oid === '16384' && index < 4;
      tree.random(path, large ? Math.floor(bytes / 8 / page) * page : (index % 5) * page);
      if (large && index < 2) writers.paged.push(path);
      if (index % 4 === 0) tree.random(`${path}_fsm`, 3 * page);
      if (index % 4 === 0) tree.random(`${path}_vm`, page);
    }
  }
}

/** mariadb.com, "InnoDB System Tablespaces" and "Aria Storage Engine": ibdata1, ib_logfile0, undo, one .ibd for each table. */
function fillMariadb(tree: Growing, writers: Writers, bytes: number, tables: number): void {
  const top = 'db/mariadb';
  tree.owner = { uid: owners.mariadb, gid: owners.mariadb };
  tree.random(`${top}/ibdata1`, segment(bytes / 4, 1, 8 * mebibyte));
  tree.random(`${top}/ib_logfile0`, segment(bytes / 4, 1, 16 * mebibyte));
  tree.random(`${top}/ib_buffer_pool`, 4000);
  tree.random(`${top}/aria_log_control`, 52);
  tree.random(`${top}/aria_log.00000001`, 16 * 1024);
  writers.paged.push(`${top}/ibdata1`, `${top}/ib_logfile0`);
  for (let index = 0; index < tables; index += 1) {
    const table = `${top}/nextcloud/oc_table${index}`;
    tree.random(`${table}.frm`, 1200);
    tree.random(`${table}.ibd`, 96 * 1024);
    if (index < 3) writers.paged.push(`${table}.ibd`);
    for (const kind of ['frm', 'MAD', 'MAI']) tree.random(`${top}/mysql/table${index}.${kind}`, page);
  }
}

/** sqlite.org/fileformat.html: the header string, pages of 4 KiB, WAL mode for reading and writing; beside it the write-ahead log and its index of 32 KiB. */
function fillSqlite(tree: Growing, writers: Writers, bytes: number): void {
  const path = 'db/vaultwarden/db.sqlite3';
  tree.owner = { uid: owners.sqlite, gid: 100 };
  tree.random(
    path,
    Math.max(page, Math.floor((bytes * 0.8) / 4096) * 4096),
    'SQLite format 3\0\x10\x00\x02\x02',
  );
  tree.random(`${path}-wal`, Math.floor((bytes * 0.2) / 4120) * 4120 + 32);
  tree.random(`${path}-shm`, 32 * 1024);
  tree.random('db/vaultwarden/rsa_key.pem', 1700);
  writers.paged.push(`${path}-shm`);
  writers.appended.push(`${path}-wal`);
}

/** prometheus.io, "On-disk layout": blocks named by ULIDs, chunks_head, and segments of the WAL. */
function fillPrometheus(tree: Growing, writers: Writers, bytes: number, blocks: number): void {
  const top = 'db/prometheus';
  tree.owner = { uid: owners.prometheus, gid: owners.prometheus };
  tree.random(`${top}/queries.active`, 20_001);
  tree.random(`${top}/lock`, 0);
  for (let index = 0; index < blocks; index += 1) {
    const block = `${top}/01J${String(index).padStart(23, 'A0B1C2D3E4F5G6H7J8K9M0N')}`;
    tree.random(`${block}/chunks/000001`, Math.floor((bytes * 0.6) / blocks));
    tree.random(`${block}/index`, Math.floor((bytes * 0.1) / blocks));
    tree.random(`${block}/meta.json`, 700);
    tree.random(`${block}/tombstones`, 9);
  }
  tree.random(`${top}/chunks_head/000041`, Math.floor(bytes * 0.1));
  tree.random(`${top}/wal/checkpoint.00000118/00000000`, Math.floor(bytes * 0.02));
  for (let index = 119; index <= 122; index += 1)
    tree.random(`${top}/wal/${String(index).padStart(8, '0')}`, Math.floor(bytes * 0.045));
  writers.appended.push(`${top}/wal/00000122`, `${top}/chunks_head/000041`);
}
