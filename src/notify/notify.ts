import type { Sink } from '../apply/events.ts';
import type { NotifyConfig } from '../config/config.ts';
import { readSecretFile } from '../config/token.ts';
import { DrayageError } from '../errors/error.ts';
import { Notices } from './notice.ts';
import { postOf } from './request.ts';
import { type Limits, openSender } from './sender.ts';

const usual: Limits = { post: 5_000, again: 2_000, close: 8_000 };
/** Milliseconds between two looks whether something moves. */
const lookEvery = 5_000;

/** Takes events and posts what is worth a message. Neither ever throws. */
export interface Notifier {
  readonly sink: Sink;
  close(): Promise<void>;
}

/**
 * Messages as drayage.yaml asks for them. A token that cannot be used turns them off and is told once: workloads may be
 * down, so the run goes on.
 * @param warn takes one line for the operator
 */
export function openNotifier(
  config: NotifyConfig,
  env: NodeJS.ProcessEnv,
  warn: (text: string) => void,
  limits: Limits = usual,
): Notifier {
  const token = tokenOf(config, env);
  if ('missing' in token) {
    warn(`No messages will be sent: ${token.missing}`);
    return { sink: () => undefined, close: async () => undefined };
  }
  const notices = new Notices(config.stalledMinutes * 60_000);
  const sender = openSender(warn, limits);
  const send = (notice: ReturnType<Notices['look']>) => {
    if (notice !== undefined) sender.send(postOf(notice, config, token.value, new Date().toISOString()));
  };
  const timer = setInterval(() => send(notices.look(performance.now())), lookEvery).unref();
  return {
    sink: (event) => send(notices.see(event, performance.now())),
    close() {
      clearInterval(timer);
      return sender.close();
    },
  };
}

function tokenOf(
  { kind, tokenFile }: NotifyConfig,
  env: NodeJS.ProcessEnv,
): { readonly value: string | undefined } | { readonly missing: string } {
  const source = env.DRAYAGE_NOTIFY_TOKEN ? 'the environment variable DRAYAGE_NOTIFY_TOKEN' : tokenFile;
  if (source === undefined)
    return kind === 'gotify'
      ? { missing: 'Gotify wants a token: set DRAYAGE_NOTIFY_TOKEN or notify.tokenFile' }
      : { value: undefined };
  try {
    const text = (env.DRAYAGE_NOTIFY_TOKEN || readSecretFile(source)).trim();
    return /^[\x21-\x7e]+$/.test(text)
      ? { value: text }
      : { missing: `${source} does not hold a token on one line` };
  } catch (error) {
    if (!(error instanceof DrayageError)) throw error;
    return { missing: `${error.seen}. ${error.next[0]}` };
  }
}
