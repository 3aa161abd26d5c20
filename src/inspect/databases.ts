import { posix } from 'node:path';
import type { DatabaseFindings } from './findings.ts';

/** Recognises databases by the names of their files, one entry at a time; keeps only the marks. Names are byte strings (latin1). */
export class DatabaseMarks {
  readonly #marks = new Map<string, Set<string>>();
  /** Files that may be SQLite: their first bytes tell. */
  readonly sqliteCandidates = new Set<string>();
  readonly #journals = new Map<string, string>();

  /**
   * @param path relative to the source, byte string.
   * @param type letter of find's %y.
   * @param size bytes.
   */
  see(path: string, type: string, size: number): void {
    const name = posix.basename(path);
    const folder = posix.dirname(path);
    if (type === 'd') {
      if (name === 'wal' || name === 'chunks_head' || name === 'appendonlydir')
        this.#mark(folder, `${name}/`);
      return;
    }
    if (type !== 'f') return;
    if (name === 'pg_control' && posix.basename(folder) === 'global')
      this.#mark(posix.dirname(folder), 'global/pg_control');
    else if (fileMarks.has(name)) this.#mark(folder, name);
    else if (/^segments_[0-9a-z]+$/.test(name)) this.#mark(folder, 'segments_N');
    const journal = /^(.+)-(wal|shm|journal)$/.exec(path);
    if (journal !== null) this.#journals.set(journal[1] as string, `-${journal[2]}`);
    if (size >= sqlitePage && /\.(db|db3|sqlite|sqlite3|s3db|sl3)$/i.test(name))
      this.sqliteCandidates.add(path);
  }

  /** Files whose first bytes are worth reading, with those that have a journal beside them. */
  candidates(): string[] {
    return [...new Set([...this.sqliteCandidates, ...this.#journals.keys()])].sort();
  }

  /** @param sqlite those of `candidates()` that begin with SQLite's header. */
  found(sqlite: ReadonlySet<string>, show: (path: string) => string): DatabaseFindings[] {
    const databases: DatabaseFindings[] = [];
    const lucene = new Set<string>();
    for (const [folder, marks] of this.#marks) {
      const has = (...names: string[]) => names.every((name) => marks.has(name));
      const add = (kind: string, mark: string) => databases.push({ kind, path: show(folder), mark });
      if (has('PG_VERSION', 'global/pg_control')) add('PostgreSQL', 'PG_VERSION, global/pg_control');
      if (has('aria_log_control'))
        add('MariaDB', has('ibdata1') ? 'aria_log_control, ibdata1' : 'aria_log_control');
      else if (has('ibdata1')) add('MySQL or MariaDB', 'ibdata1');
      if (has('WiredTiger')) add('MongoDB (WiredTiger)', 'WiredTiger');
      if (has('dump.rdb')) add('Redis', 'dump.rdb');
      else if (has('appendonlydir/') || has('appendonly.aof')) add('Redis', 'append-only file');
      if (has('wal/', 'chunks_head/')) add('Prometheus TSDB', 'wal/, chunks_head/');
      if (has('data.mdb', 'lock.mdb')) add('LMDB', 'data.mdb, lock.mdb');
      // An Elasticsearch node has an index in each shard: one finding for the node.
      if (has('segments_N')) lucene.add(folder.replace(/(^|\/)indices\/.*$/, '') || '.');
    }
    for (const folder of lucene)
      databases.push({ kind: 'Lucene index', path: show(folder), mark: 'segments_N' });
    for (const path of sqlite) {
      const journal = this.#journals.get(path);
      const wal = journal === '-wal' || journal === '-shm';
      databases.push({
        kind: wal ? 'SQLite (WAL)' : 'SQLite',
        path: show(path),
        mark:
          journal === undefined
            ? 'SQLite format 3'
            : `SQLite format 3, ${show(posix.basename(path))}${journal}`,
      });
    }
    return databases.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  #mark(folder: string, mark: string): void {
    const marks = this.#marks.get(folder) ?? new Set<string>();
    marks.add(mark);
    this.#marks.set(folder, marks);
  }
}

/** Smallest page of an SQLite database (sqlite.org/fileformat.html, 1.3.2): no shorter file is one. */
const sqlitePage = 512;

const fileMarks = new Set([
  'PG_VERSION',
  'aria_log_control',
  'ibdata1',
  'WiredTiger',
  'dump.rdb',
  'appendonly.aof',
  'data.mdb',
  'lock.mdb',
]);
