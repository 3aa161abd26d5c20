import { posix } from 'node:path';
import type { DatabaseFindings } from './source-findings.ts';
import { ownCopy } from './tally.ts';

/**
 * Recognises databases in a tree, one entry at a time: those that have a directory by the names of files in it, those that
 * are one file by its first bytes. Keeps only the marks. Paths are byte strings (latin1), relative.
 */
export class DatabaseMarks {
  /** Marks by the directory of the database. */
  readonly #marks = new Map<string, Set<string>>();
  readonly #sqlite = new Map<string, { walMode: boolean; journal: string | undefined }>();
  readonly #lmdb = new Set<string>();
  /** Files whose first bytes are worth reading, and what lies beside them: `-wal`. */
  #candidates = new Map<string, string | undefined>();

  /**
   * @param type letter of find's %y.
   * @param size bytes.
   */
  see(path: string, type: string, size: number): void {
    const cut = path.lastIndexOf('/');
    const name = path.slice(cut + 1);
    if (type === 'd') {
      if (name === 'wal' || name === 'chunks_head') this.#mark(folderOf(path), `${name}/`);
      else if (tablespace.test(name)) this.#mark(path, 'PG_N_N/');
    } else if (type === 'f') {
      this.#seeFile(path, name, size);
    }
  }

  /** How many files wait for a look at their first bytes. */
  get waiting(): number {
    return this.#candidates.size;
  }

  /** Those files; `header` takes what was read. A file comes again when a journal of it shows up later. */
  takeCandidates(): Map<string, string | undefined> {
    const taken = this.#candidates;
    this.#candidates = new Map();
    return taken;
  }

  /**
   * @param journal of `takeCandidates`.
   * @param bytes the first `headerBytes` of the file, byte string; fewer where it is shorter.
   */
  header(path: string, journal: string | undefined, bytes: string): void {
    if (bytes.startsWith('SQLite format 3\0')) {
      const before = this.#sqlite.get(path)?.journal;
      // sqlite.org/fileformat.html 1.3.3: the file's version number for writing is 2 in WAL mode.
      this.#sqlite.set(path, { walMode: bytes[18] === '\x02', journal: strongest(before, journal) });
    } else if (/^(REDIS\d{4}|VALKEY\d{3})/.test(bytes)) {
      this.#mark(redisFolder(path), posix.basename(path));
    } else if (bytes.slice(16, 20) === lmdbMagic) {
      this.#lmdb.add(path);
    }
  }

  /** Takes back all that lies below a folder (with a slash at its end; empty: everything). */
  forget(prefix: string): void {
    const inside = (path: string) => `${path}/`.startsWith(prefix);
    for (const map of [this.#marks, this.#sqlite, this.#candidates])
      for (const path of map.keys()) if (inside(path)) map.delete(path);
    for (const path of this.#lmdb) if (inside(path)) this.#lmdb.delete(path);
  }

  /** By path. */
  found(show: (path: string) => string): DatabaseFindings[] {
    const databases: DatabaseFindings[] = [];
    const elastic = new Map<string, string>();
    const influx = new Set<string>();
    for (const [folder, marks] of this.#marks) {
      if (isLucene(marks)) {
        const node = elasticNode(folder);
        if (node !== undefined) {
          elastic.set(node, 'indices/*/*/index/segments_N');
          continue;
        }
      }
      for (const { kind, mark } of kindsOf(marks)) {
        if (kind === 'InfluxDB') influx.add(folder);
        databases.push({ kind, path: show(folder), mark });
      }
    }
    for (const [node, mark] of elastic)
      databases.push({ kind: 'Elasticsearch or OpenSearch (Lucene)', path: show(node), mark });
    for (const path of this.#lmdb) {
      const own = posix.basename(path) === 'data.mdb';
      databases.push({ kind: 'LMDB', path: show(own ? folderOf(path) : path), mark: posix.basename(path) });
    }
    for (const [path, { walMode, journal }] of this.#sqlite) {
      // Part of InfluxDB 2: decided with it.
      if (posix.basename(path) === 'influxd.sqlite' && influx.has(folderOf(path))) continue;
      const beside = journal === undefined ? '' : `, ${show(posix.basename(path))}${journal}`;
      databases.push({
        kind: walMode || journal === '-wal' || journal === '-shm' ? 'SQLite (WAL)' : 'SQLite',
        path: show(path),
        mark: `SQLite format 3${beside}`,
      });
    }
    return databases.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.kind < b.kind ? -1 : 1));
  }

  #seeFile(path: string, name: string, size: number): void {
    const folder = () => folderOf(path);
    if (fileMarks.has(name)) this.#mark(folder(), name);
    else if (name === 'pg_control' && posix.basename(folder()) === 'global')
      this.#mark(folderOf(folder()), 'global/pg_control');
    else if (/^segments_[0-9a-z]+$/.test(name)) this.#mark(folder(), 'segments_N');
    else if (/^_[0-9a-z]+\.si$/.test(name)) this.#mark(folder(), '_N.si');
    else if (name === 'meta.db' && posix.basename(folder()) === 'meta')
      this.#mark(folderOf(folder()), 'meta/meta.db');
    else if (name.endsWith('.aof.manifest')) this.#mark(redisFolder(path), name);
    else if (name.endsWith('.tsm')) {
      const root = tsmFile.exec(path)?.[1];
      if (root !== undefined) this.#mark(root.replace(/\/$/, '') || '.', 'data/*/*/*/*.tsm');
    }
    const journal = /^(.+)(-wal|-shm|-journal|\.mdb-lock)$/.exec(path);
    if (journal !== null) {
      const [, stem, kind] = journal as unknown as [string, string, string];
      if (kind === '.mdb-lock') this.#candidate(`${stem}.mdb`);
      else this.#candidate(stem, kind);
    }
    if (size >= smallest && candidateName.test(name)) this.#candidate(path);
  }

  #candidate(path: string, journal?: string): void {
    const before = this.#candidates.get(path);
    this.#candidates.set(ownCopy(path), strongest(before, journal));
  }

  #mark(folder: string, mark: string): void {
    const marks = this.#marks.get(folder);
    if (marks !== undefined) marks.add(ownCopy(mark));
    else this.#marks.set(ownCopy(folder), new Set([ownCopy(mark)]));
  }
}

/** How much of a file tells: SQLite's WAL mode is byte 18, LMDB's magic bytes 16 to 19. */
export const headerBytes = 20;

/** No database in one file is shorter: an empty Redis snapshot has 88 bytes, one page of SQLite at least 512. */
const smallest = 64;

const candidateName = /\.(db|db3|sqlite|sqlite3|sqlitedb|s3db|sl3|gpkg|rdb|mdb)$/i;

/** MDB_MAGIC 0xBEEFC0DE in the machine's own order, behind the header of a page (mdb.c). */
const lmdbMagic = '\xde\xc0\xef\xbe';

/** Directory of a tablespace outside of its cluster: `PG_16_202307071`, major version and catalogue version. */
const tablespace = /^PG_\d+(\.\d+)?_\d{9}$/;

/** InfluxDB 1: `data/DB/POLICY/SHARD/N-N.tsm`; 2: the same below `engine/`. */
const tsmFile = /^(|.*?\/)(?:engine\/)?data\/[^/]+\/[^/]+\/\d+\/\d{9,}-\d{9,}\.tsm$/;

const fileMarks = new Set([
  'PG_VERSION',
  'aria_log_control',
  'mysql.ibd',
  'auto.cnf',
  'ibdata1',
  'WiredTiger',
  'WiredTiger.wt',
  'WiredTiger.turtle',
  'mongod.lock',
  'appendonly.aof',
  'influxd.bolt',
  'write.lock',
]);

/** What a directory with these marks is. Half a mark is nothing. */
function kindsOf(marks: ReadonlySet<string>): { kind: string; mark: string }[] {
  const has = (...names: string[]) => names.every((name) => marks.has(name));
  const found: { kind: string; mark: string }[] = [];
  const add = (kind: string, ...names: string[]) =>
    found.push({ kind, mark: names.filter((name) => marks.has(name)).join(', ') });
  if (has('PG_VERSION', 'global/pg_control')) add('PostgreSQL', 'PG_VERSION', 'global/pg_control');
  if (has('PG_N_N/')) found.push({ kind: 'PostgreSQL tablespace', mark: 'PG_N_N/' });
  // Aria is MariaDB's own engine; the tablespace `mysql` holds the dictionary of MySQL 8, auto.cnf the UUID of MySQL 5.6 and later.
  if (has('aria_log_control')) add('MariaDB', 'aria_log_control', 'ibdata1');
  else if (has('ibdata1') && (has('mysql.ibd') || has('auto.cnf')))
    add('MySQL', 'mysql.ibd', 'auto.cnf', 'ibdata1');
  else if (has('mysql.ibd', 'auto.cnf')) add('MySQL', 'mysql.ibd', 'auto.cnf');
  else if (has('ibdata1')) add('MySQL or MariaDB', 'ibdata1');
  if (has('WiredTiger') && (has('WiredTiger.wt') || has('WiredTiger.turtle')))
    add('MongoDB (WiredTiger)', 'WiredTiger', 'WiredTiger.wt', 'mongod.lock');
  const redis = [...marks].filter((mark) => /\.rdb$|\.aof\.manifest$|^appendonly\.aof$/i.test(mark)).sort();
  if (redis.length > 0) add('Redis', ...redis.slice(0, 3));
  if (has('wal/', 'chunks_head/')) add('Prometheus TSDB', 'wal/', 'chunks_head/');
  if (has('data/*/*/*/*.tsm') || has('influxd.bolt') || has('meta/meta.db', 'wal/'))
    add('InfluxDB', 'data/*/*/*/*.tsm', 'influxd.bolt', 'meta/meta.db');
  if (isLucene(marks)) add('Lucene index', 'segments_N', 'write.lock');
  return found;
}

/** The commit alone may be anybody's file; the writer's lock stays beside it, or a segment's own description. */
function isLucene(marks: ReadonlySet<string>): boolean {
  return marks.has('segments_N') && (marks.has('write.lock') || marks.has('_N.si'));
}

/** The data directory of a node has an index in each shard, and one for the state of the cluster: one finding for the node. */
function elasticNode(folder: string): string | undefined {
  const match = /^(|.*?\/)(?:nodes\/\d+\/)?(?:indices\/[^/]+\/\d+\/index|_state)$/.exec(folder);
  return match === null ? undefined : (match[1] as string).replace(/\/$/, '') || '.';
}

/** The server's directory: since version 7 the parts of the append-only file lie in one of their own. */
function redisFolder(path: string): string {
  const folder = folderOf(path);
  return posix.basename(folder) === 'appendonlydir' ? folderOf(folder) : folder;
}

/** A log that is there says more than its index, and that more than a journal of the other mode. */
function strongest(a: string | undefined, b: string | undefined): string | undefined {
  return ['-wal', '-shm', '-journal'].find((kind) => kind === a || kind === b);
}

function folderOf(path: string): string {
  return posix.dirname(path);
}
