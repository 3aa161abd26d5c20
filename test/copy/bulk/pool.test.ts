import { describe, expect, test } from 'vitest';
import { weightOf } from '../../../src/copy/bulk/parts.ts';
import { Pool } from '../../../src/copy/bulk/pool.ts';

const times = { settleMs: 1000, measureMs: 3000 };

/** Lets a pool look every 100 ms, for so many seconds, while each number of processes carries at its rate. */
function poolAfter(seconds: number, most: number, entriesPerSecond: (processes: number) => number): Pool {
  const pool = new Pool(most, weightOf, times);
  let entries = 0;
  for (let at = 0; at < seconds * 1000; at += 100) {
    pool.observe(at, pool.wanted, { entries, bytes: 0 });
    entries += entriesPerSecond(pool.wanted) / 10;
  }
  return pool;
}

describe('the number of processes', () => {
  test('doubles as long as that pays, up to the most', () => {
    expect(poolAfter(60, 8, (processes) => 1000 * processes).wanted).toBe(8);
    expect(poolAfter(60, 3, (processes) => 1000 * processes).wanted).toBe(3);
    expect(poolAfter(60, 1, (processes) => 1000 * processes)).toMatchObject({ wanted: 1, rates: [] });
  });

  test('goes back to the best when more bring too little, and stays', () => {
    const pool = poolAfter(60, 8, (processes) => ({ 1: 1000, 2: 1800, 4: 1900 })[processes] as number);
    expect(pool.wanted).toBe(2);
    expect(pool.rates.map((rate) => [rate.processes, Math.round(rate.entriesPerSecond / 10) * 10])).toEqual([
      [1, 1000],
      [2, 1800],
      [4, 1900],
    ]);
    expect(poolAfter(60, 8, (processes) => 1000 / processes).wanted).toBe(1);
  });

  test('begins with the fewest that are worth a try, and with no more than are allowed', () => {
    const fewest = { ...times, fewest: 2 };
    expect(new Pool(4, weightOf, fewest)).toMatchObject({ wanted: 2, decided: false });
    expect(new Pool(2, weightOf, fewest)).toMatchObject({ wanted: 2, decided: true });
    expect(new Pool(1, weightOf, fewest)).toMatchObject({ wanted: 1, decided: true });
  });

  test('does not count what was there already, nor a time in which fewer ran', () => {
    expect(poolAfter(60, 4, () => 0)).toMatchObject({ wanted: 1, rates: [] });
    const pool = new Pool(4, weightOf, times);
    for (let at = 0; at < 60_000; at += 100)
      pool.observe(at, at % 2000 === 0 ? 0 : 1, { entries: at, bytes: at });
    expect(pool).toMatchObject({ wanted: 1, rates: [] });
  });
});
