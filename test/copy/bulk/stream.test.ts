import { expect, test } from 'vitest';
import { directoriesOnly, tarStream } from '../../../src/copy/bulk/stream-command.ts';
import { streamEnd, streamParser } from '../../../src/copy/bulk/stream-output.ts';

const options = {
  sourceDestination: 'root@doc1',
  sourcePath: "/mnt/it's here",
  targetPath: '/nvmeprom/containers/docker',
  exclude: ['/store/', 'a*'],
  sudo: true,
  protectMarker: true,
  lock: '/run/lock/drayage-docker.lock',
};

test('a stream is two tars with ssh between, under the shared lock of the move', () => {
  const argv = tarStream(options);
  expect(argv.slice(0, 7)).toEqual([
    ...['flock', '--no-fork', '--nonblock', '--shared', '--conflict-exit-code', '75', options.lock],
  ]);
  const script = argv[argv.indexOf('-c') + 1];
  expect(script).toContain('"$1" "env LC_ALL=C sudo -n tar --create $2 $3" | LC_ALL=C tar --extract');
  const [destination, recursion, rest, target] = argv.slice(-4);
  expect([destination, recursion, target]).toEqual(['root@doc1', '--recursion', options.targetPath]);
  expect(rest).toContain('--exclude=./.drayage --exclude=./.zfs --exclude=./store');
  expect(rest).toContain('--directory=/mnt/it');
  expect(argv.join(' ')).not.toMatch(
    /--(remove-files|overwrite|unlink-first|recursive-unlink|absolute-names)/,
  );
});

test('directories alone are the same stream without what is in them', () => {
  const argv = tarStream(options);
  expect(directoriesOnly(argv)).toEqual(argv.with(-3, '--no-recursion'));
});

test('how far it is, and what tar has to say, are told apart, wherever a chunk ends', () => {
  const seen: string[] = [];
  const parser = streamParser({
    read: (bytes) => seen.push(`${bytes}`),
    said: (line) => seen.push(line),
  });
  for (const chunk of [
    'tar: 1\nta',
    'r: ./tar: 2: skipped\ntar',
    ': 2\n\ntar: ./x: Cannot open: No space left',
  ])
    parser.push(Buffer.from(chunk));
  parser.end();
  expect(seen).toEqual([
    ...['4194304', 'tar: ./tar: 2: skipped', '8388608', 'tar: ./x: Cannot open: No space left'],
  ]);
});

test('what a tree in use makes tar say is no failure, and is counted', () => {
  const stderr = [
    'Welcome to doc1',
    'tar: ./a: file changed as we read it',
    'tar: ./b: File removed before we read it',
    'tar: ./c: File shrank by 12 bytes; padding with zeros',
    'tar: ./d: Warning: Cannot stat: No such file or directory',
    'tar: ./e: socket ignored',
  ].join('\n');
  expect(streamEnd(1, stderr, [])).toEqual({ unsettled: 4 });
  expect(streamEnd(0, stderr, [])).toEqual({ unsettled: 4 });
  expect(streamEnd(0, 'a banner', ['tar: ./f: time stamp 2030-01-01 is 9 s in the future'])).toEqual({
    unsettled: 0,
  });
});

test('every other end leaves the judgement to rsync, with what was said', () => {
  expect(streamEnd(1, 'tar: unrecognized option: acls\n', [])).toEqual({
    broken: 'exit code 1: tar: unrecognized option: acls',
  });
  expect(streamEnd(0, 'tar: ./x: Warning: Cannot open: Permission denied\n', [])).toEqual({
    broken: 'exit code 0: tar: ./x: Warning: Cannot open: Permission denied',
  });
  expect(streamEnd(1, '', [])).toEqual({ broken: 'exit code 1' });
  expect(streamEnd(2, '', ['tar: ./x: Cannot write: No space left on device'])).toEqual({
    broken: 'exit code 2: tar: ./x: Cannot write: No space left on device',
  });
  expect(
    streamEnd(255, 'ssh: connect to host doc1 port 22: Connection refused\n', ['tar: no archive']),
  ).toEqual({
    broken: 'exit code 255: ssh: connect to host doc1 port 22: Connection refused | tar: no archive',
  });
});
