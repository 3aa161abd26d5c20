import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentStream, syncRequest } from '../../../lab/qemu/agent.ts';
import { JsonLines } from '../../../lab/qemu/json-lines.ts';

/** Cuts bytes at arbitrary places, as a socket may. */
const cut = (bytes: Buffer, places: number[]) => {
  const marks = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...marks].map((start, index) => bytes.subarray(start, marks[index] ?? bytes.length));
};

test('messages come out whole however the stream is cut, also within a character', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.array(fc.nat()), (values, places) => {
      const wire = Buffer.from(values.map((value) => `${JSON.stringify(value)}\r\n`).join(''));
      const lines = new JsonLines();
      const seen = cut(wire, places).flatMap((chunk) => lines.push(chunk));
      expect(JSON.stringify(seen)).toBe(JSON.stringify(values));
    }),
  );
});

test('a message that is not complete is held back', () => {
  const lines = new JsonLines();
  expect(lines.push(Buffer.from('{"return":'))).toEqual([]);
  expect(lines.push(Buffer.from('1}\n'))).toEqual([{ return: 1 }]);
});

test('the sync begins with the byte that resets the agent', () => {
  const bytes = syncRequest(7);
  expect(bytes[0]).toBe(0xff);
  expect(JSON.parse(bytes.subarray(1).toString())).toEqual({
    execute: 'guest-sync-delimited',
    arguments: { id: 7 },
  });
});

test('what an earlier client left in the channel is not taken for an answer', () => {
  const stream = new AgentStream(7);
  expect(stream.push(Buffer.from('{"return":"old"}\n{"half'))).toEqual([]);
  expect(stream.push(Buffer.concat([Buffer.from([0xff]), Buffer.from('{"return":6}\n')]))).toEqual([]);
  expect(stream.synced).toBe(false);
  expect(stream.push(Buffer.concat([Buffer.from([0xff]), Buffer.from('{"return":7}\n')]))).toEqual([]);
  expect(stream.synced).toBe(true);
  expect(stream.push(Buffer.from('{"return":{"pid":3}}\n'))).toEqual([{ return: { pid: 3 } }]);
});

test('a sync answer cut in two is recognised', () => {
  const stream = new AgentStream(7);
  stream.push(Buffer.concat([Buffer.from([0xff]), Buffer.from('{"ret')]));
  stream.push(Buffer.from('urn":7}\n'));
  expect(stream.synced).toBe(true);
});
