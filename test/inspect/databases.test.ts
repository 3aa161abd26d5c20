import { describe, expect, it } from 'vitest';
import { DatabaseMarks } from '../../src/inspect/databases.ts';

/** Marks of a tree: a slash at the end is a directory; what files begin with is read when it is asked for. */
const found = (names: readonly string[], headers: Readonly<Record<string, string>> = {}) => {
  const marks = new DatabaseMarks();
  for (const name of names)
    if (name.endsWith('/')) marks.see(name.slice(0, -1), 'd', 4096);
    else marks.see(name, 'f', 4096);
  for (const [path, journal] of marks.takeCandidates()) {
    const header = headers[path];
    if (header !== undefined) marks.header(path, journal, header);
  }
  return marks.found((path) => path);
};
const kinds = (...asked: Parameters<typeof found>) =>
  found(...asked).map(({ kind, path }) => `${kind} at ${path}`);

const sqlite = (version: number) => `SQLite format 3\0\x10\x00${String.fromCharCode(version)}\x01`;
const lmdb = `${'\0'.repeat(16)}\xde\xc0\xef\xbe`;

describe('databases', () => {
  it.each([
    [['pg/PG_VERSION', 'pg/global/pg_control', 'pg/base/5/PG_VERSION'], 'PostgreSQL at pg'],
    [['fast/PG_16_202307071/'], 'PostgreSQL tablespace at fast/PG_16_202307071'],
    [['my/ibdata1', 'my/aria_log_control', 'my/ib_logfile0'], 'MariaDB at my'],
    [['my/ibdata1', 'my/mysql.ibd', 'my/auto.cnf', 'my/undo_001'], 'MySQL at my'],
    [['my/ibdata1', 'my/auto.cnf'], 'MySQL at my'],
    [['my/ibdata1'], 'MySQL or MariaDB at my'],
    [['mongo/WiredTiger', 'mongo/WiredTiger.wt', 'mongo/mongod.lock'], 'MongoDB (WiredTiger) at mongo'],
    [['r/appendonly.aof'], 'Redis at r'],
    [['r/appendonlydir/', 'r/appendonlydir/appendonly.aof.manifest'], 'Redis at r'],
    [['prom/wal/', 'prom/chunks_head/'], 'Prometheus TSDB at prom'],
    [['i/data/', 'i/wal/', 'i/data/db/autogen/12/000000001-000000002.tsm'], 'InfluxDB at i'],
    [['data/db/autogen/12/000000001-000000002.tsm'], 'InfluxDB at .'],
    [['i/meta/meta.db', 'i/wal/'], 'InfluxDB at i'],
    [
      ['i/influxd.bolt', 'i/engine/data/0a1b/autogen/3/000000001-000000001.tsm', 'i/engine/wal/'],
      'InfluxDB at i',
    ],
    [
      [
        'es/_state/segments_5',
        'es/_state/write.lock',
        'es/indices/u1/0/index/segments_3',
        'es/indices/u1/0/index/write.lock',
        'es/indices/u2/0/index/segments_a',
        'es/indices/u2/0/index/_0.si',
      ],
      'Elasticsearch or OpenSearch (Lucene) at es',
    ],
    [
      ['es/nodes/0/indices/u1/0/index/segments_3', 'es/nodes/0/indices/u1/0/index/write.lock'],
      'Elasticsearch or OpenSearch (Lucene) at es',
    ],
    [['solr/index/segments_3', 'solr/index/_a1.si'], 'Lucene index at solr/index'],
  ])('are known by their marks: %j', (names, expected) => {
    expect(kinds(names)).toEqual([expected]);
  });

  it('are not seen in half a mark', () => {
    const halves = [
      'pg/PG_VERSION',
      'x/wal/',
      'x/data/2024/holiday/7/notes.tsm',
      'mongo/WiredTiger',
      'doc/segments_3',
      'a/meta/meta.db',
      'b/auto.cnf',
      'lock/write.lock',
      'PG_notes/',
    ];
    expect(kinds(halves)).toEqual([]);
  });

  it('of SQLite are told by their header, with their log where there is one', () => {
    const headers = { 'app/a.db': sqlite(1), 'app/b.db': sqlite(2), odd: sqlite(1), 'old.db': sqlite(1) };
    expect(
      found(
        [
          'app/a.db',
          'app/a.db-wal',
          'app/a.db-shm',
          'app/b.db',
          'odd',
          'odd-wal',
          'old.db',
          'old.db-journal',
          'plain.sqlite',
        ],
        headers,
      ),
    ).toEqual([
      { kind: 'SQLite (WAL)', path: 'app/a.db', mark: 'SQLite format 3, a.db-wal' },
      { kind: 'SQLite (WAL)', path: 'app/b.db', mark: 'SQLite format 3' },
      { kind: 'SQLite (WAL)', path: 'odd', mark: 'SQLite format 3, odd-wal' },
      { kind: 'SQLite', path: 'old.db', mark: 'SQLite format 3, old.db-journal' },
    ]);
  });

  it('of SQLite keep their log when it comes after the header was read', () => {
    const marks = new DatabaseMarks();
    marks.see('a.db', 'f', 4096);
    for (const [path, journal] of marks.takeCandidates()) marks.header(path, journal, sqlite(1));
    marks.see('a.db-wal', 'f', 9);
    expect([...marks.takeCandidates()]).toEqual([['a.db', '-wal']]);
    marks.header('a.db', '-wal', sqlite(1));
    expect(marks.found((path) => path)).toMatchObject([{ kind: 'SQLite (WAL)' }]);
  });

  it('of Redis and Valkey are told by the header of their snapshot, whatever its name', () => {
    const headers = {
      'r/dump.rdb': 'REDIS0011\xfa\tredis-ver',
      'v/keys.rdb': 'VALKEY080\xfa\nvalkey-ve',
      'x/appendonlydir/appendonly.aof.1.base.rdb': 'REDIS0011\xfa\tredis-ver',
      'not/dump.rdb': 'something else here',
    };
    expect(kinds(Object.keys(headers), headers)).toEqual(['Redis at r', 'Redis at v', 'Redis at x']);
  });

  it('of LMDB are told by their magic number; an Access file has the same ending', () => {
    const names = ['l/data.mdb', 'l/lock.mdb', 'cache.mdb', 'cache.mdb-lock', 'office.mdb'];
    const headers = {
      'l/data.mdb': lmdb,
      'cache.mdb': lmdb,
      'office.mdb': '\0\x01\0\0Standard Jet DB\0',
    };
    expect(kinds(names, headers)).toEqual(['LMDB at cache.mdb', 'LMDB at l']);
  });

  it('of InfluxDB 2 are one, with the SQLite file that belongs to them', () => {
    expect(
      kinds(['i/influxd.bolt', 'i/influxd.sqlite', 'j/influxd.sqlite'], {
        'i/influxd.sqlite': sqlite(1),
        'j/influxd.sqlite': sqlite(1),
      }),
    ).toEqual(['InfluxDB at i', 'SQLite at j/influxd.sqlite']);
  });

  it('are looked for by name and size, and beside a journal', () => {
    const marks = new DatabaseMarks();
    marks.see('a.db', 'f', 4096);
    marks.see('short.db', 'f', 9);
    marks.see('photo.jpg', 'f', 4096);
    marks.see('dir.db', 'd', 4096);
    marks.see('odd-wal', 'f', 4096);
    expect([...marks.takeCandidates().keys()]).toEqual(['a.db', 'odd']);
    expect(marks.waiting).toBe(0);
  });
});
