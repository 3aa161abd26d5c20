import { colourPalette, type Palette, plainPalette } from '../../src/errors/palette.ts';

/** Seconds without a word after which a log gets one more line about what goes on. */
const silence = 20;

/** Where the demo talks: a terminal, or a log. */
export interface Screen {
  readonly palette: Palette;
  readonly live: boolean;
  /** A heading and what comes now, in a sentence for somebody who sees it for the first time. */
  act(title: string, explanation: string): void;
  print(text: string): void;
  /** What is going on from now on; a terminal shows how long already. The next word on the screen ends it. */
  wait(what: string): void;
  /** Nothing is going on any more. */
  rest(): void;
}

/** `8 s`, `1 min 20 s`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Colour and a moving line only on a terminal; NO_COLOR counts when it is not empty (no-color.org). */
export function openScreen(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const live = out.isTTY === true && env.TERM !== 'dumb';
  const palette = live && !env.NO_COLOR ? colourPalette : plainPalette;
  const start = performance.now();
  let waiting: { what: string; since: number; timer: NodeJS.Timeout } | undefined;

  const show = () => {
    if (waiting === undefined) return;
    const passed = clock((performance.now() - waiting.since) / 1000);
    if (live) {
      const width = Math.max(20, (out.columns ?? 80) - 1);
      const tail = `  ${passed}`;
      out.write(`\r\x1b[K${palette.dim(`  ${waiting.what}`.slice(0, width - tail.length) + tail)}`);
    } else out.write(`  still: ${waiting.what}, ${passed}\n`);
  };
  const rest = () => {
    if (waiting === undefined) return;
    clearInterval(waiting.timer);
    if (live) out.write('\r\x1b[K');
    waiting = undefined;
  };
  const print = (text: string) => {
    rest();
    out.write(`${text}\n`);
  };
  return {
    palette,
    live,
    act(title, explanation) {
      const at = palette.dim(`  [${clock((performance.now() - start) / 1000)}]`);
      print(`\n${palette.bold(`== ${title}`)}${at}\n${explanation}\n`);
    },
    print,
    wait(what) {
      rest();
      const timer = setInterval(show, (live ? 1 : silence) * 1000).unref();
      waiting = { what, since: performance.now(), timer };
      if (live) show();
    },
    rest,
  };
}
