import type { Sink } from '../apply/events.ts';
import { measured } from '../apply/measured.ts';
import type { Config } from '../config/config.ts';
import { metricsFile } from '../metrics/textfile.ts';
import { openNotifier } from '../notify/notify.ts';
import { openProgress } from './progress/index.ts';
import type { Terminal } from './terminal.ts';

/** Everyone who follows a run, behind one sink: the terminal, messages, metrics. */
export interface Faces {
  readonly sink: Sink;
  /** Resolves when the last message is sent, or not sent in time. */
  close(): Promise<void>;
}

export function openFaces(terminal: Terminal, config: Config, env: NodeJS.ProcessEnv): Faces {
  const progress = openProgress(terminal);
  const warn = (text: string) => progress({ type: 'message', level: 'warning', text });
  const notifier = config.notify === undefined ? undefined : openNotifier(config.notify, env, warn);
  const metrics = config.metrics === undefined ? undefined : metricsFile(config.metrics.file, warn);
  return {
    sink: measured((event) => {
      progress(event);
      notifier?.sink(event);
      metrics?.(event);
    }),
    async close() {
      await notifier?.close();
    },
  };
}
