import { once } from 'node:events';
import { expect, test } from 'vitest';
import { type Answer, whileAsked } from '../../src/apply/waiting.ts';
import type { World } from '../../src/apply/world.ts';
import { fakeWorld, fresh } from './fake-world.ts';

/** A question that is answered while a pass runs. */
function asked(answer: Answer, pass: (world: World) => Promise<void>) {
  const { world, events } = fakeWorld(fresh(), undefined, { sleep: async () => {} });
  let reply: (answer: Answer) => void = () => {};
  const question = new Promise<Answer>((resolve) => {
    reply = resolve;
  });
  const round = async (given: World) => {
    reply(answer);
    await pass(given);
    return 1;
  };
  return { answered: whileAsked(() => question, round, world), events };
}

test('an operator who leaves does not wait for the pass that runs, and hears nothing of it', async () => {
  const { answered, events } = asked('stay', async ({ stop }) => {
    await once(stop, 'abort');
    throw new Error('given up');
  });
  expect(await answered).toBe('stay');
  expect(events).toEqual([]);
});

test('one who opens the window waits for its end', async () => {
  let ended = false;
  const { answered } = asked('open', async ({ stop }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    ended = !stop.aborted;
  });
  expect(await answered).toBe('open');
  expect(ended).toBe(true);
});

test('warnings of the passes are shown once, after the answer', async () => {
  const { answered, events } = asked('open', async ({ sink }) => {
    sink({ type: 'message', level: 'info', text: 'something was carried' });
    for (let time = 0; time < 2; time += 1)
      sink({ type: 'message', level: 'warning', text: 'the clock was set' });
  });
  await answered;
  expect(events).toEqual([
    { type: 'message', level: 'warning', text: 'the clock was set' },
    expect.objectContaining({ level: 'info' }),
  ]);
});

test('what the pass that runs tells is shown once the window is opened', async () => {
  const progress = { done: 1 };
  const { answered, events } = asked('open', async ({ sink }) => {
    const tell = (what: string) =>
      sink({ type: 'progress', step: 'seed', what, files: progress, bytes: progress });
    tell('before the answer');
    await new Promise((resolve) => setTimeout(resolve, 5));
    tell('after it');
  });
  await answered;
  expect(events).toMatchObject([{ type: 'progress', what: 'after it' }, { type: 'message' }]);
});

test('of rounds that had nothing to carry nothing is said', async () => {
  let slept = 0;
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const sleep = async () => {
    slept += 1;
    if (slept > 2) resolve('open');
  };
  const { world, events } = fakeWorld(fresh(), undefined, { sleep });
  expect(
    await whileAsked(
      () => promise,
      async () => 0,
      world,
    ),
  ).toBe('open');
  expect(events).toEqual([]);
});

test('a question that cannot be asked is the error', async () => {
  const { world } = fakeWorld(fresh());
  const ask = () => Promise.reject(new Error('no terminal'));
  await expect(whileAsked(ask, async () => 0, world)).rejects.toThrow('no terminal');
});
