import type { NotifyConfig } from '../config/config.ts';
import type { Notice } from './notice.ts';

/** What is posted. The headers hold the token; nothing of this is ever shown. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Tags of ntfy that it shows as a picture before the title. */
const pictures: Partial<Record<Notice['event'], string>> = {
  waiting: 'raised_hand',
  proven: 'white_check_mark',
  failed: 'rotating_light',
  stalled: 'warning',
  'rolled-back': 'leftwards_arrow_with_hook',
};

/**
 * A notice in the words of the service.
 * ntfy takes JSON at the root of the server only, with the topic in it (docs.ntfy.sh/publish, "Publish as JSON"; priorities
 * 1 to 5); Gotify at /message with the application's token in X-Gotify-Key (its API, POST /message; priorities from 0,
 * from 8 on with sound).
 * @param time ISO time
 */
export function postOf(notice: Notice, config: NotifyConfig, token: string | undefined, time: string): Post {
  const url = new URL(config.url);
  const { title, message } = notice;
  const high = notice.urgency === 'high';
  const post = (to: string, auth: Record<string, string>, body: object): Post => ({
    url: to,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'drayage',
      ...(token === undefined ? {} : auth),
    },
    body: JSON.stringify(body),
  });
  const bearer = { authorization: `Bearer ${token}` };
  switch (config.kind) {
    case 'ntfy': {
      const picture = pictures[notice.event];
      return post(`${url.origin}/${url.search}`, bearer, {
        topic: url.pathname.slice(1),
        title,
        message,
        priority: high ? 4 : 3,
        ...(picture === undefined ? {} : { tags: [picture] }),
      });
    }
    case 'gotify': {
      const path = `${url.pathname.replace(/\/+$/, '')}/message`;
      return post(
        `${url.origin}${path}${url.search}`,
        { 'x-gotify-key': token ?? '' },
        {
          title,
          message,
          priority: high ? 8 : 5,
        },
      );
    }
    case 'generic':
      return post(config.url, bearer, { time, ...notice });
  }
}
