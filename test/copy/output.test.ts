import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rsyncMeaning } from '../../src/copy/exit-codes.ts';
import { type Item, outputParser, type Progress, parseStderr, unescapeName } from '../../src/copy/output.ts';

function parse(text: string, cuts: readonly number[] = []) {
  const items: Item[] = [];
  const progress: Progress[] = [];
  const unknown: string[] = [];
  const kept: string[] = [];
  const parser = outputParser({
    item: (item) => items.push(item),
    progress: (seen) => progress.push(seen),
    kept: (name) => kept.push(name),
    unknown: (line) => unknown.push(line),
  });
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    parser.push(bytes.subarray(at, cut));
    at = cut;
  }
  parser.push(bytes.subarray(at));
  parser.end();
  return { items, progress, kept, unknown };
}

const sample = [
  '.d..t...... 4096 ./\n',
  '>f+++++++++ 300000000 big\n',
  '\r      172163073  57%  164.19MB/s    0:00:00  \r      300,000,001  99%  168.39MB/s    0:00:01 (xfr#2, ir-chk=8/11)\n',
  'cS+++++++++ 0 fi\n',
  '>f+++++++++ 1 n\\#012l\n',
  '>f..T.og... 1 q\\#377\n',
  'hf+++++++++ 3 hl\n',
  '\r      300000006  99%  168.39MB/s    0:00:01 (xfr#5, to-chk=0/11)\n',
  '*deleting   0 olddir/x y\n',
].join('');

describe('what rsync prints', () => {
  test('items, deletions and progress are told apart', () => {
    const { items, progress, unknown } = parse(sample);
    expect(unknown).toEqual([]);
    expect(items.map((item) => item.name)).toEqual(['./', 'big', 'fi', 'n\nl', 'q\xff', 'hl', 'olddir/x y']);
    expect(items.at(-1)).toEqual({ change: '*deleting', length: 0, name: 'olddir/x y' });
    expect(progress).toHaveLength(3);
    expect(progress[1]).toEqual({
      bytes: 300000001,
      bytesPerSecond: 168.39 * 1024 ** 2,
      entries: { left: 8, known: 11, complete: false },
    });
    expect(progress[2]?.entries).toEqual({ left: 0, known: 11, complete: true });
  });

  test('a target that rsync had to make is not passed over: the share was there when the pass began', () => {
    expect(parse('created directory /nvmeprom/containers/docker\n').unknown).toEqual([
      'created directory /nvmeprom/containers/docker',
    ]);
  });

  test('a deletion right behind a progress line, as two processes of rsync print it, is one', () => {
    const { items, progress, unknown } = parse(
      '\r      4673   0%    4.46MB/s    0:00:00 (xfr#1, to-chk=939/953)*deleting   0 app/d62/f2482\n' +
        '\r      9000   1%    4.46MB/s    0:00:00  *deleting   0 (xfr#1, to-chk=1/2)\n',
    );
    expect(unknown).toEqual([]);
    expect(items.map(({ change, name }) => `${change} ${name}`)).toEqual([
      '*deleting app/d62/f2482',
      '*deleting (xfr#1, to-chk=1/2)',
    ]);
    expect(progress.map(({ bytes }) => bytes)).toEqual([4673, 9000]);
  });

  test('chunks may end anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(sample.length), { maxLength: 10 }), (cuts) => {
        expect(parse(sample, cuts)).toEqual(parse(sample));
      }),
    );
  });

  test('a line of another shape is handed over, not dropped', () => {
    expect(parse('cannot delete something else: x\n').unknown).toEqual(['cannot delete something else: x']);
  });

  test('a directory that stays is told by its name, behind a progress line too', () => {
    const { kept, unknown, progress } = parse(
      'cannot delete non-empty directory: a\\#012b\n' +
        '\r      4673   0%    4.46MB/s    0:00:00 (xfr#1, to-chk=939/953)cannot delete non-empty directory: store\n',
    );
    expect(kept).toEqual(['a\nb', 'store']);
    expect(unknown).toEqual([]);
    expect(progress).toHaveLength(1);
  });

  test('a name with a backslash before an octal number comes back as it was', () => {
    expect(unescapeName('b\\#134#012')).toBe('b\\#012');
  });
});

describe('what rsync complains about', () => {
  test('files that vanish or change during a seed are not errors of the files', () => {
    const found = parseStderr(
      [
        'file has vanished: "/mnt/docker/tmp1"',
        'WARNING: log/app.log failed verification -- update discarded (will try again).',
        'rsync: [sender] read errors mapping "/mnt/docker/db": No data available (61)',
        'rsync: [sender] send_files failed to open "/mnt/docker/secret": Permission denied (13)',
        'rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]',
        'Warning: Permanently added ...',
      ].join('\n'),
    );
    expect(found.vanished).toHaveLength(1);
    expect(found.changing).toHaveLength(2);
    expect(found.errors).toEqual([
      'rsync: [sender] send_files failed to open "/mnt/docker/secret": Permission denied (13)',
    ]);
    expect(found.other).toEqual(['Warning: Permanently added ...']);
  });

  test('exit codes are told in the words of the manual', () => {
    expect(rsyncMeaning(23)).toContain('Partial transfer due to error');
    expect(rsyncMeaning(255)).toContain('ssh(1)');
    expect(rsyncMeaning(77)).toContain('not in the list');
  });
});
