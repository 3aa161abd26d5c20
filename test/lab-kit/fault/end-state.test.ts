import { describe, expect, test } from 'vitest';
import {
  differences,
  normalise,
  portableListing,
  sections,
  settledDigests,
  settledListing,
} from '../../../lab/fault/end-state.ts';

describe('two ends', () => {
  test('are equal when only names and times of runs differ', () => {
    const end = (run: string, uuid: string, time: string) => ({
      marks: [`./moves/doc1/claim {"run":"${run}","uuid":"${uuid}","at":"${time}"}`, 'b'],
    });
    const one = end(
      '20261127T131415Z-0123456789ab',
      '6d1c5b9e-0000-4000-8000-000000000104',
      '2026-11-27T13:14:15.123Z',
    );
    const other = end(
      '20261128T010101Z-ba9876543210-2',
      '11111111-2222-4333-8444-555555555555',
      '2026-11-28T01:01:01Z',
    );
    expect(differences(one, { marks: other.marks.toReversed() })).toEqual([]);
  });

  test('differ by what one has and the other has not, and by how often', () => {
    expect(differences({ 'doc2 units': ['a', 'b', 'b'] }, { 'doc2 units': ['b', 'c'] })).toEqual([
      'doc2 units: missing: a',
      'doc2 units: missing: b',
      'doc2 units: too much: c',
    ]);
  });

  describe('with long lines', () => {
    const line = (had: string) => `./rescue.json ${'a'.repeat(3000)} "units":[${had}] ${'z'.repeat(3000)}`;

    test('show where they differ, with what is around it, and how much is left out', () => {
      expect(differences({ marks: [line('')] }, { marks: [line('"web.service"')] })).toEqual([
        `marks: missing: ./rescue.json ${'a'.repeat(46)} [... 2904 characters] ${'a'.repeat(50)} "units":[] ${'z'.repeat(118)} [... 2882 characters]`,
        `marks: too much: ./rescue.json ${'a'.repeat(46)} [... 2904 characters] ${'a'.repeat(50)} "units":["web.service"] ${'z'.repeat(105)} [... 2895 characters]`,
      ]);
    });

    test('are compared with the one that is most similar', () => {
      const found = differences({ marks: [line('"b"')] }, { marks: ['x'.repeat(300), line('"c"')] });
      expect(found[0]).toContain('"units":["b"]');
      expect(found[1]).toContain('"units":["c"]');
    });

    test('show their beginning where nothing is similar', () => {
      expect(differences({ marks: [line('')] }, {})).toEqual([
        `marks: missing: ./rescue.json ${'a'.repeat(166)} [... ${line('').length - 180} characters]`,
      ]);
    });

    test('that differ in nothing but their end show it', () => {
      const found = differences({ marks: [`${line('')}1`] }, { marks: [`${line('')}2`] });
      expect(found.map((each) => each.at(-1))).toEqual(['1', '2']);
    });
  });

  test('differ by a section that only one of them has', () => {
    expect(differences({}, { 'prom snapshots': ['x'] })).toEqual(['prom snapshots: too much: x']);
  });

  test('a container that runs with another image is another fact', () => {
    const line = (image: string) => ({ containers: [`writer policy=always running=true image=${image}`] });
    expect(differences(line('lab/writer:1'), line('lab/writer:2'))).toHaveLength(2);
  });

  test('the digest of a configuration is no fact about it, its options are', () => {
    const config = (digest: string, tags: string) => ({ API: [JSON.stringify({ digest, tags })] });
    expect(differences(config('a'.repeat(40), 'x'), config('b'.repeat(40), 'x'))).toEqual([]);
    expect(differences(config('a'.repeat(40), 'x'), config('a'.repeat(40), 'y'))).toHaveLength(2);
    expect(normalise(config('a'.repeat(40), 'x')).API?.[0]).toContain('<digest>');
  });
});

describe('a listing', () => {
  test('leaves out files that live, and the time of the folders they are in', () => {
    const listing = [
      'writer/log.txt\tf 644 0:0 10 1.0 1 ',
      'writer\td 755 1000:100 4096 1.0 2 ',
      'writer/other\tf 644 0:0 10 1.0 1 ',
      'other/log.txt\tf 644 0:0 10 1.0 1 ',
    ].join('\n');
    expect(settledListing(listing)).toEqual([
      'other/log.txt\tf 644 0:0 10 1.0 1 ',
      'writer\td 755 1000:100',
      'writer/other\tf 644 0:0 10 1.0 1 ',
    ]);
  });

  test('of digests leaves them out too', () => {
    expect(settledDigests('00  ./writer/log.txt\n11  ./b\n22  ./a/writer/log.txt\n')).toEqual([
      '11  ./b',
      '22  ./a/writer/log.txt',
    ]);
  });
});

test('a directory has the same line on two file systems, and a file only with the same size and links', () => {
  const on = (size: number, links: number) =>
    portableListing(`a\td 755 0:0 ${size} 1.5 ${links} \nb\tf 644 0:0 ${size} 1.5 ${links} \n`);
  expect(on(4096, 2)[0]).toBe(on(10, 1)[0]);
  expect(on(4096, 2)[0]).toBe('a\td 755 0:0 1.5 ');
  expect(on(4096, 2)[1]).not.toBe(on(10, 1)[1]);
});

test('what a guest prints is read by its sections', () => {
  expect(sections('## files\na\nb\n## units\n## images\nc\n', 'doc2')).toEqual({
    'doc2 files': ['a', 'b'],
    'doc2 units': [],
    'doc2 images': ['c'],
  });
});
