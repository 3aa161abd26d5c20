import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/apply/events.ts';
import { type Notice, Notices } from '../../src/notify/notice.ts';

const minute = 60_000;

/** Events, each with the minute it comes at -> the messages. */
function told(events: readonly (Event | [number, Event])[], notices = new Notices(10 * minute)): Notice[] {
  return events.flatMap((given) => {
    const [at, event] = Array.isArray(given) ? given : [0, given];
    return notices.see(event, at * minute) ?? [];
  });
}
const names = (events: readonly Event[]) => told(events).map(({ event }) => event);

const begun: Event = { type: 'run-started', run: 'r1', plan: 'p1', steps: 9 };
const step = (stage: 'seed' | 'cutover' | 'prove', id = stage): Event => ({
  type: 'step-started',
  step: id,
  stage,
  title: `Do ${id}`,
  number: 1,
  of: 9,
});
const ended = (id: string, outcome: 'done' | 'in-place' | 'failed' = 'done'): Event => ({
  type: 'step-finished',
  step: id,
  outcome,
  seconds: 1,
});
const progress = (done: number, what = 'rsync'): Event => ({
  type: 'progress',
  step: 'seed',
  what,
  files: { done },
  bytes: { done: 0 },
});
const gate: Event = { type: 'gate', phase: 'main', expectedWindowSeconds: 21 };
const waiting: Event = { type: 'waiting', phase: 'main', expectedWindowSeconds: 21 };
const opened: Event = { type: 'window-opened', phase: 'main' };
const closed: Event = { type: 'window-closed', phase: 'main', seconds: 19.31, expectedSeconds: 21 };
const end = (exitCode: number, error?: string): Event => ({
  type: 'run-finished',
  exitCode,
  ...(error === undefined ? {} : { error }),
});

describe('a run that goes well', () => {
  it('tells of the gate where it waits, of the window with what was projected, and of the proof', () => {
    const compared: Event = {
      type: 'compared',
      move: 'docker',
      scope: 'full',
      entries: 212_008,
      differences: 0,
    };
    const run = { run: 'r1', plan: 'p1' };
    expect(
      told([begun, step('seed'), ended('seed'), gate, waiting, step('cutover'), opened, closed]).concat(
        told([begun, step('prove'), compared, ended('prove'), end(0)]),
      ),
    ).toEqual([
      {
        ...run,
        event: 'waiting',
        title: 'drayage waits for you',
        message:
          'Phase main is ready for its downtime, projected 21 s. The workloads go on running until you say so.',
        urgency: 'high',
        phase: 'main',
        expectedSeconds: 21,
      },
      {
        ...run,
        event: 'window-opened',
        title: 'drayage: the window is open',
        message: 'The workloads of phase main are going down. Projected: 21 s.',
        urgency: 'normal',
        phase: 'main',
        expectedSeconds: 21,
      },
      {
        ...run,
        event: 'window-closed',
        title: 'drayage: the window is closed',
        message: 'The workloads of phase main were down for 19.3 s, projected 21 s.',
        urgency: 'normal',
        phase: 'main',
        seconds: 19.31,
        expectedSeconds: 21,
      },
      {
        ...run,
        event: 'proven',
        title: 'drayage: proven',
        message: 'Do prove. 212,008 entries, no difference.',
        urgency: 'normal',
      },
    ]);
  });

  it('that asks nobody says nothing of waiting, and a proof already in place is no news', () => {
    expect(names([begun, gate, opened, closed, step('prove'), ended('prove', 'in-place'), end(0)])).toEqual([
      'window-opened',
      'window-closed',
    ]);
  });

  it('that stopped at the gate has not failed', () => {
    expect(names([begun, gate, waiting, end(6)])).toEqual(['waiting']);
  });
});

describe('a run that does not', () => {
  it('says where it failed, and with which error', () => {
    expect(told([begun, step('seed'), ended('seed', 'failed'), end(1, 'copy/rsync-failed')])).toMatchObject([
      {
        event: 'failed',
        urgency: 'high',
        message: 'Do seed: exit code 1 (copy/rsync-failed).',
        exitCode: 1,
        error: 'copy/rsync-failed',
      },
    ]);
  });

  it('says that workloads may be down, when they may', () => {
    const [, failed] = told([begun, opened, step('cutover'), end(6, 'copy/rsync-failed')]);
    expect(failed?.message).toMatch(/exit code 6 .* The window is open: workloads may be down\.$/);
  });

  it('and was taken back says so, and not that the window was closed', () => {
    const back: Event = { type: 'window-closed', phase: 'main', seconds: 12, takenBack: true };
    expect(told([begun, opened, back, end(7, 'copy/rsync-failed')]).slice(1)).toMatchObject([
      {
        event: 'rolled-back',
        message: expect.stringContaining('down for 12 s'),
        seconds: 12,
        exitCode: 7,
      },
    ]);
  });

  it('but went back by a plan of its own is rolled back too', () => {
    expect(told([begun, opened, closed, end(7)]).slice(2)).toMatchObject([
      { event: 'rolled-back', title: 'drayage: rolled back', exitCode: 7 },
    ]);
  });

  it('was stopped by hand: told only where workloads may be down', () => {
    expect(names([begun, step('seed'), end(130, 'apply/interrupted')])).toEqual([]);
    expect(names([begun, opened, end(130)])).toEqual(['window-opened', 'failed']);
  });
});

describe('a stall', () => {
  const started = () => {
    const notices = new Notices(10 * minute);
    told([begun, step('seed')], notices);
    return notices;
  };

  it('is ten minutes without movement, told once, and again after something has moved', () => {
    const notices = started();
    told([[1, progress(5)]], notices);
    expect(notices.look(10.9 * minute)).toBeUndefined();
    expect(notices.look(11 * minute)).toMatchObject({
      event: 'stalled',
      title: 'drayage: no progress for 10 min',
      message: 'Do seed: rsync',
      urgency: 'high',
      run: 'r1',
    });
    expect(notices.look(30 * minute)).toBeUndefined();
    told([[31, progress(6)]], notices);
    expect(notices.look(41 * minute)).toMatchObject({ event: 'stalled' });
  });

  it('is not a long duration', () => {
    const notices = started();
    for (let at = 1; at < 600; at += 9) {
      told([[at, progress(at)]], notices);
      expect(notices.look((at + 8.9) * minute)).toBeUndefined();
    }
  });

  it('is one also when the same counts are told again and again, of two works in turn', () => {
    const notices = started();
    for (let at = 0; at < 10; at += 1)
      told(
        [
          [at, progress(5)],
          [at, progress(7, 'other')],
        ],
        notices,
      );
    expect(notices.look(10.5 * minute)).toMatchObject({ event: 'stalled', seconds: 630 });
  });

  it('is none while a person is waited for, nor after the end', () => {
    const notices = started();
    told([gate], notices);
    expect(notices.look(100 * minute)).toBeUndefined();
    told([[100, step('cutover')]], notices);
    expect(notices.look(111 * minute)).toMatchObject({ event: 'stalled' });
    told([end(0)], notices);
    expect(notices.look(300 * minute)).toBeUndefined();
  });
});
