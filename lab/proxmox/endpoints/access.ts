/** /version and /access: what the caller may do. Tickets cannot be had here. */
import { ApiError } from '../api-error.ts';
import type { Endpoint } from '../endpoint.ts';
import { flag, params, text } from '../params.ts';

export const defaultVersion = { version: '9.1.4', release: '9.1', repoid: '5ac30304265fbd8e' };

export const accessEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/version',
    params: {},
    permission: 'user',
    handle: ({ cluster }) => cluster.options.version ?? defaultVersion,
  },
  {
    method: 'GET',
    path: '/access/permissions',
    params: params({ 'path?': text(), 'userid?': text() }),
    permission: 'user',
    handle: ({ caller, values }) => {
      const path = values.maybe('path');
      const paths = path === undefined ? caller.paths : [path];
      return Object.fromEntries(
        paths.map((at) => [at, Object.fromEntries(caller.privileges(at).map((privilege) => [privilege, 1]))]),
      );
    },
  },
  {
    method: 'POST',
    path: '/access/ticket',
    params: params({
      username: text({ maxLength: 64 }),
      password: text(),
      'new-format?': flag,
      'otp?': text(),
      'path?': text({ maxLength: 64, requires: 'privs' }),
      'privs?': text({ maxLength: 64, requires: 'path' }),
      'realm?': text({ maxLength: 32 }),
      'tfa-challenge?': text(),
    }),
    permission: 'world',
    handle: () => {
      throw new ApiError(401, 'authentication failure');
    },
  },
];
