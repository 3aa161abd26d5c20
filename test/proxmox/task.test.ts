import { describe, expect, it } from 'vitest';
import { proxmoxError } from '../../src/proxmox/errors.ts';
import { upidNode, waitForTask } from '../../src/proxmox/task.ts';

const upid = 'UPID:prom:0003D2A1:01B2C3D4:6720F0AB:qmstart:104:ops@pve!drayage:';

/** An API whose task answers these, one after the other, the last one again and again. */
function api(statuses: unknown[], log: unknown = []) {
  const asked: string[] = [];
  return {
    asked,
    async get(path: string) {
      asked.push(path);
      if (path.includes('/log')) return log;
      const next = statuses.length > 1 ? statuses.shift() : statuses[0];
      if (next instanceof Error) throw next;
      return next;
    },
  };
}

describe('a UPID', () => {
  it('names the node that must be asked', () => {
    expect(upidNode(upid)).toBe('prom');
    expect(upidNode('UPID:node-2:0003D2A1:01B2C3D4F:6720F0AB:vzdump::root@pam:')).toBe('node-2');
  });

  it.each([null, '', 'OK', upid.slice(0, -1), upid.replace('prom', '-x')])('is not %j', (text) => {
    expect(upidNode(String(text))).toBeUndefined();
  });
});

describe('waiting for a task', () => {
  it.each(['OK', 'WARNINGS: 2'])(
    'ends well with %s, after asking the task’s own node',
    async (exitstatus) => {
      const client = api([{ status: 'running' }, { status: 'stopped', exitstatus }]);
      await waitForTask(client, upid);
      expect(client.asked).toHaveLength(2);
      expect(client.asked[0]).toBe(
        '/nodes/prom/tasks/UPID%3Aprom%3A0003D2A1%3A01B2C3D4%3A6720F0AB%3Aqmstart%3A104%3Aops%40pve!drayage%3A/status',
      );
    },
  );

  it.each(['No directory mapping for node prom.', 'WARNINGS: many', 'unexpected status'])(
    'fails with "%s" and the end of the log',
    async (exitstatus) => {
      const log = Array.from({ length: 30 }, (_, n) => ({ n: n + 1, t: `line ${n + 1}` }));
      await expect(waitForTask(api([{ status: 'stopped', exitstatus }], log), upid)).rejects.toMatchObject({
        code: 'proxmox/task-failed',
        seen: `${upid}: ${exitstatus}\n${log
          .slice(-10)
          .map(({ t }) => t)
          .join('\n')}`,
        next: [`pvesh get /nodes/prom/tasks/${upid}/log`],
      });
    },
  );

  it('goes on when the node does not answer for a moment', async () => {
    const gone = proxmoxError('proxmox/unreachable', { seen: 'x', next: [] });
    await waitForTask(api([gone, { status: 'stopped', exitstatus: 'OK' }]), upid);
  });

  it('is given up after its time, and says that the task goes on', async () => {
    await expect(
      waitForTask(api([{ status: 'running' }]), upid, { timeoutSeconds: 0 }),
    ).rejects.toMatchObject({
      code: 'proxmox/task-timeout',
      next: [`pvesh get /nodes/prom/tasks/${upid}/status`, 'drayage apply   # looks first, and goes on'],
    });
  });

  it('is given up on request', async () => {
    const controller = new AbortController();
    const work = waitForTask(api([{ status: 'running' }]), upid, { signal: controller.signal });
    controller.abort();
    await expect(work).rejects.toMatchObject({ code: 'proxmox/task-left', exit: 130 });
  });

  it('refuses an answer in another shape', async () => {
    await expect(waitForTask(api([{ status: 'paused' }]), upid)).rejects.toMatchObject({
      code: 'proxmox/unexpected',
    });
    await expect(waitForTask(api([{ status: 'running' }]), 'null')).rejects.toMatchObject({
      code: 'proxmox/unexpected',
      seen: 'not a UPID: null',
    });
  });
});
