import type { Event } from '../apply/events.ts';
import { exitCode } from '../errors/exit-code.ts';
import { duration } from '../plan/render/words.ts';

/** One message to a person who is elsewhere. Holds names of drayage.yaml and numbers; no secret, no file of the data. */
export interface Notice {
  readonly event:
    | 'waiting'
    | 'window-opened'
    | 'window-closed'
    | 'proven'
    | 'failed'
    | 'stalled'
    | 'rolled-back';
  readonly title: string;
  readonly message: string;
  /** `high`: somebody must do something. */
  readonly urgency: 'normal' | 'high';
  readonly run?: string;
  readonly plan?: string;
  readonly phase?: string;
  /** Of the window, or of the stall. */
  readonly seconds?: number;
  readonly expectedSeconds?: number;
  readonly exitCode?: number;
  /** Code of the error, as in docs/errors.md. */
  readonly error?: string;
}

type Plain = Omit<Notice, 'run' | 'plan'>;
type Of<Type extends Event['type']> = Extract<Event, { type: Type }>;

/** Finds in the stream of events what is worth a message. Pure but for what it remembers; times are given in. */
export class Notices {
  readonly #stallAfter: number;
  #run: { run: string; plan: string } | undefined;
  #step: Of<'step-started'> | undefined;
  #doing = '';
  #compared: Of<'compared'> | undefined;
  #expected: number | undefined;
  #downtime: number | undefined;
  #down = false;
  #takenBack = false;
  /** When something last moved; undefined while nothing has to. */
  #moved: number | undefined;
  #stalled = false;
  /** By piece of work: how far it was. */
  readonly #counted = new Map<string, string>();

  /** @param stallAfter milliseconds */
  constructor(stallAfter: number) {
    this.#stallAfter = stallAfter;
  }

  /** @param now milliseconds */
  see(event: Event, now: number): Notice | undefined {
    this.#watch(event, now);
    const notice = this.#notice(event);
    return notice === undefined ? undefined : { ...notice, ...this.#run };
  }

  /** A message when nothing has moved for so long; once, until something moves again. */
  look(now: number): Notice | undefined {
    if (this.#moved === undefined || this.#stalled || now - this.#moved < this.#stallAfter) return undefined;
    this.#stalled = true;
    const seconds = Math.round((now - this.#moved) / 1000);
    return {
      event: 'stalled',
      title: `drayage: no progress for ${duration(seconds)}`,
      message: [this.#step?.title, this.#doing].filter(Boolean).join(': ') || 'Nothing moves.',
      urgency: 'high',
      seconds,
      ...this.#run,
    };
  }

  #watch(event: Event, now: number): void {
    if (event.type === 'gate' || event.type === 'waiting' || event.type === 'run-finished') {
      this.#moved = undefined;
      this.#stalled = false;
      return;
    }
    if (event.type === 'progress') {
      const work = JSON.stringify([event.step, event.what]);
      const counted = `${event.files.done} ${event.bytes.done}`;
      if (this.#counted.get(work) === counted && this.#moved !== undefined) return;
      this.#counted.set(work, counted);
    } else if (event.type === 'message') return;
    if (event.type === 'step-started') this.#counted.clear();
    this.#moved = now;
    this.#stalled = false;
  }

  #notice(event: Event): Plain | undefined {
    switch (event.type) {
      case 'run-started':
        this.#run = { run: event.run, plan: event.plan };
        return undefined;
      case 'step-started':
        this.#step = event;
        this.#doing = '';
        return undefined;
      case 'operation-started':
      case 'progress':
        this.#doing = event.what;
        return undefined;
      case 'compared':
        this.#compared = event;
        return undefined;
      case 'gate':
        this.#expected = event.expectedWindowSeconds;
        return undefined;
      case 'waiting':
        return {
          event: 'waiting',
          title: 'drayage waits for you',
          message: `Phase ${event.phase} is ready for its downtime, projected ${duration(event.expectedWindowSeconds)}. The workloads go on running until you say so.`,
          urgency: 'high',
          phase: event.phase,
          expectedSeconds: event.expectedWindowSeconds,
        };
      case 'window-opened':
        this.#down = true;
        return opened(event, this.#expected);
      case 'window-closed':
        this.#down = false;
        this.#downtime = event.seconds;
        this.#takenBack = event.takenBack === true;
        return this.#takenBack ? undefined : closed(event);
      case 'step-finished':
        return this.#proven(event);
      case 'run-finished':
        return this.#finished(event);
      case 'operation-finished':
      case 'message':
        return undefined;
    }
  }

  #proven(event: Of<'step-finished'>): Plain | undefined {
    const step = this.#step;
    if (event.outcome !== 'done' || step?.step !== event.step || step.stage !== 'prove') return undefined;
    const compared = this.#compared;
    const counted =
      compared === undefined
        ? ''
        : ` ${compared.entries.toLocaleString('en-US')} entries, ${compared.differences === 0 ? 'no' : compared.differences} difference.`;
    return {
      event: 'proven',
      title: 'drayage: proven',
      message: `${step.title}.${counted}`,
      urgency: 'normal',
    };
  }

  #finished(event: Of<'run-finished'>): Plain | undefined {
    const { exitCode: code, error } = event;
    const facts = { exitCode: code, ...(error === undefined ? {} : { error }) };
    if (code === exitCode.rolledBack) {
      const was =
        this.#downtime === undefined ? '' : ` The workloads were down for ${duration(this.#downtime)}.`;
      const window = this.#takenBack;
      return {
        event: 'rolled-back',
        title: window ? 'drayage: the window was taken back' : 'drayage: rolled back',
        message: window
          ? `What ran on the source runs there again; nothing was started on the target.${was}`
          : `The way back was gone to its end.${was}`,
        urgency: 'high',
        ...(this.#downtime === undefined ? {} : { seconds: this.#downtime }),
        ...facts,
      };
    }
    // Without an error it is done, or it waits; who interrupts it knows, but for what is down.
    const byHand = code === exitCode.interrupted || error === 'apply/interrupted';
    const fine = code === exitCode.done || (code === exitCode.partial && error === undefined);
    if (fine || (byHand && !this.#down)) return undefined;
    const down = this.#down ? ' The window is open: workloads may be down.' : '';
    return {
      event: 'failed',
      title: byHand ? 'drayage was stopped' : 'drayage failed',
      message: `${this.#step?.title ?? 'Before the first step'}: exit code ${code}${error === undefined ? '' : ` (${error})`}.${down}`,
      urgency: 'high',
      ...facts,
    };
  }
}

function opened(event: Of<'window-opened'>, expected: number | undefined): Plain {
  const projected = expected === undefined ? '' : ` Projected: ${duration(expected)}.`;
  return {
    event: 'window-opened',
    title: 'drayage: the window is open',
    message: `The workloads of phase ${event.phase} are going down.${projected}`,
    urgency: 'normal',
    phase: event.phase,
    ...(expected === undefined ? {} : { expectedSeconds: expected }),
  };
}

function closed({ phase, seconds, expectedSeconds }: Of<'window-closed'>): Plain {
  const projected = expectedSeconds === undefined ? '' : `, projected ${duration(expectedSeconds)}`;
  return {
    event: 'window-closed',
    title: 'drayage: the window is closed',
    message: `The workloads of phase ${phase} were down for ${seconds.toFixed(1)} s${projected}.`,
    urgency: 'normal',
    phase,
    seconds,
    ...(expectedSeconds === undefined ? {} : { expectedSeconds }),
  };
}
