import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';

const file = (notify: string) => `
cluster: { endpoint: "https://prom:8006" }
nodes: { prom: { ssh: root@prom } }
guests:
  doc1: { vmid: 104, ssh: root@doc1 }
  doc2: { vmid: 114, ssh: root@doc2 }
shares:
  containers: { node: prom, dataset: nvmeprom/containers, owner: "1000:100" }
moves:
  docker: { from: { guest: doc1, path: /mnt/docker }, to: { share: containers, guest: doc2 } }
${notify}
`;
const parse = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseConfig(Buffer.from(file(text)), '/srv/drayage.yaml', env);
const good = (text: string, env?: NodeJS.ProcessEnv) => {
  const result = parse(text, env);
  if ('config' in result) return result.config;
  throw new Error(JSON.stringify(result.problems));
};
const problems = (text: string, env?: NodeJS.ProcessEnv) => {
  const result = parse(text, env);
  return 'problems' in result ? result.problems : [];
};

describe('notify', () => {
  test('is off when it does not stand in the file, whatever the environment says', () => {
    expect(good('', { DRAYAGE_NOTIFY_URL: 'https://a/b' })).not.toHaveProperty('notify');
  });

  test('has defaults, and a token file relative to the folder of drayage.yaml', () => {
    expect(good('notify: { url: "https://hooks.example.com/a", tokenFile: secret }').notify).toEqual({
      kind: 'generic',
      url: 'https://hooks.example.com/a',
      tokenFile: '/srv/secret',
      stalledMinutes: 10,
    });
  });

  test('takes its address from the environment, secret query and all', () => {
    const env = { DRAYAGE_NOTIFY_URL: 'https://hooks.example.com/a?key=very-secret' };
    expect(good('notify: {}', env).notify?.url).toBe(env.DRAYAGE_NOTIFY_URL);
  });

  test('without any address is a mistake', () => {
    expect(problems('notify: { kind: ntfy }')).toMatchObject([
      { line: 11, column: 1, what: 'notify has no url, and DRAYAGE_NOTIFY_URL is not set' },
    ]);
  });

  test.each(['https://ntfy.example.com', 'https://ntfy.example.com/a/b', 'https://ntfy.example.com/ä'])(
    'ntfy needs one topic, and %s has none',
    (url) => {
      expect(problems(`notify: { kind: ntfy, url: "${url}" }`)).toMatchObject([
        { what: 'notify.url names no topic of ntfy', write: expect.stringContaining('one topic') },
      ]);
    },
  );

  test.each([
    ['https://me:very-secret@ntfy.example.com/a', 'without user'],
    ['https://very-secret@ntfy.example.com/a', 'without user'],
    ['https://ntfy.example.com/a?auth=very-secret', 'without user, query'],
    ['ftp://ntfy.example.com/a', 'http or https'],
  ])('%s is refused, and what is secret in it is not shown', (url, way) => {
    const told = problems(`notify: { url: "${url}" }`);
    expect(told).toMatchObject([{ write: expect.stringContaining(way) }]);
    expect(JSON.stringify(told)).not.toContain('very-secret');
    const env = problems('notify: {}', { DRAYAGE_NOTIFY_URL: url });
    expect(JSON.stringify(env)).not.toContain('very-secret');
  });

  test('a user in the address of the environment is refused, without showing it', () => {
    const told = problems('notify: {}', { DRAYAGE_NOTIFY_URL: 'https://me:very-secret@a/b' });
    expect(told).toMatchObject([{ what: expect.stringContaining('DRAYAGE_NOTIFY_URL is not an address') }]);
    expect(JSON.stringify(told)).not.toContain('very-secret');
  });

  test('the minutes of a stall are a whole number', () => {
    expect(problems('notify: { url: "https://a/b", stalledMinutes: 0 }')).toMatchObject([
      { write: 'a whole number from 1 to 1440' },
    ]);
  });
});

describe('metrics', () => {
  test('are written to a file that node_exporter reads', () => {
    expect(good('metrics: { file: metrics/drayage.prom }').metrics).toEqual({
      file: '/srv/metrics/drayage.prom',
    });
    expect(problems('metrics: { file: drayage.txt }')).toMatchObject([
      { what: expect.stringContaining('metrics.file'), write: expect.stringContaining('.prom') },
    ]);
  });
});

describe('hosts', () => {
  test('is a file of Nix, relative to drayage.yaml', () => {
    expect(good('hosts: { file: ../fleet/hosts.nix }').hosts).toEqual({ file: '/fleet/hosts.nix' });
    expect(problems('hosts: { file: hosts.yaml }')).toMatchObject([
      { what: expect.stringContaining('hosts.file'), write: expect.stringContaining('.nix') },
    ]);
  });
});
