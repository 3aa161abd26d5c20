import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatUpid, parseUpid } from '../../../lab/proxmox/upid.ts';
import { type Bench, startBench } from './bench.ts';

const agent = '/nodes/prom/qemu/104/agent';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench({}, { '/vms': ['VM.GuestAgent.Audit', 'VM.PowerMgmt'] });
});
afterEach(() => bench.close());

describe('the agent', () => {
  beforeEach(() => {
    bench.machines.up.add(104);
    bench.machines.agentAnswers = { 'guest-ping': {}, 'guest-exec': { pid: 77 } };
  });

  test('answers inside `result`', async () => {
    bench.machines.agentAnswers['guest-get-osinfo'] = { id: 'debian' };
    expect((await bench.call('POST', `${agent}/ping`)).json).toEqual({ data: { result: {} } });
    expect((await bench.call('GET', `${agent}/get-osinfo`)).json.data).toEqual({ result: { id: 'debian' } });
  });

  test('exec takes a repeated key, and gives bytes as Latin-1', async () => {
    const started = await bench.call('POST', `${agent}/exec`, {
      form: { command: ['ls', '-l', '/ä'], 'input-data': 'in' },
    });
    expect(started.json.data).toEqual({ pid: 77 });
    expect(bench.machines.agentCalls.at(-1)).toEqual({
      command: 'guest-exec',
      args: { path: 'ls', arg: ['-l', '/ä'], 'input-data': 'aW4=', 'capture-output': true },
    });
    const bytes = Buffer.from([0x41, 0xc3, 0xa4, 0xff]);
    bench.machines.agentAnswers['guest-exec-status'] = {
      exited: true,
      exitcode: 0,
      'out-data': bytes.toString('base64'),
    };
    const status = (await bench.call('GET', `${agent}/exec-status?pid=77`)).json.data as {
      'out-data': string;
    };
    expect(status).toMatchObject({ exited: 1, exitcode: 0 });
    expect(Buffer.from(status['out-data'], 'latin1')).toEqual(bytes);
  });

  test('file-read opens, reads to the end, closes', async () => {
    Object.assign(bench.machines.agentAnswers, {
      'guest-file-open': 1000,
      'guest-file-read': { count: 3, 'buf-b64': Buffer.from('abc').toString('base64'), eof: true },
      'guest-file-close': {},
    });
    expect((await bench.call('GET', `${agent}/file-read?file=/etc/hostname`)).json.data).toEqual({
      content: 'abc',
      'bytes-read': 3,
    });
    expect(
      (await bench.call('GET', `${agent}/file-read?file=/etc/hostname&decode=0`)).json.data,
    ).toMatchObject({ content: 'YWJj' });
    expect(bench.machines.agentCalls.at(-1)?.command).toBe('guest-file-close');
  });

  test('says what is missing: its option, the VM, itself', async () => {
    bench.machines.agentAnswers = {};
    expect((await bench.call('POST', `${agent}/ping`)).reason).toBe('QEMU guest agent is not running');
    bench.machines.up.clear();
    expect((await bench.call('POST', `${agent}/ping`)).reason).toBe('VM 104 is not running');
    bench.writeConf(104, 'agent: 0\n');
    expect((await bench.call('POST', `${agent}/ping`)).reason).toBe('No QEMU guest agent configured');
  });

  test('passes its errors on, and asks for the right privilege', async () => {
    bench.machines.agentAnswers['guest-exec-status'] = new Error("Invalid parameter 'pid'");
    expect((await bench.call('GET', `${agent}/exec-status?pid=5`)).reason).toBe(
      "Agent error: Invalid parameter 'pid'",
    );
    expect(
      (await bench.call('POST', `${agent}/exec`, { as: 'narrow', form: { command: 'ls' } })).reason,
    ).toBe('Permission check failed (/vms/104, VM.GuestAgent.Unrestricted)');
    expect((await bench.call('POST', `${agent}/ping`, { as: 'narrow' })).status).toBe(200);
  });
});

describe('tasks', () => {
  test('a UPID is read and written', () => {
    const text = 'UPID:prom:0000ABCD:0123ABCD:65F00000:qmstart:104:root@pam!drayage:';
    expect(parseUpid(text)).toMatchObject({
      node: 'prom',
      pid: 0xabcd,
      type: 'qmstart',
      id: '104',
      user: 'root@pam!drayage',
    });
    expect(formatUpid(parseUpid(text) ?? expect.fail())).toBe(text);
    expect(parseUpid(text.slice(0, -1))).toBeUndefined();
  });

  test('the status splits user and token', async () => {
    const { upid } = await bench.task('POST', '/nodes/prom/qemu/104/status/start');
    const status = (await bench.call('GET', `/nodes/prom/tasks/${encodeURIComponent(upid)}/status`)).json
      .data;
    expect(status).toMatchObject({
      upid,
      node: 'prom',
      type: 'qmstart',
      id: '104',
      user: 'root@pam',
      tokenid: 'drayage',
      status: 'stopped',
      exitstatus: 'OK',
    });
  });

  test('a log is paged and says how long it is', async () => {
    const { upid } = await bench.task('POST', '/nodes/prom/qemu/104/config', {
      form: { name: 'a', tags: 'b' },
    });
    const { json } = await bench.call(
      'GET',
      `/nodes/prom/tasks/${encodeURIComponent(upid)}/log?start=2&limit=1`,
    );
    expect(json).toEqual({ data: [{ n: 3, t: 'TASK OK' }], total: 3 });
  });

  test('a worker that was killed leaves an unexpected status, an empty log says so', async () => {
    const killed = 'UPID:prom:00001234:00000001:65F00000:qmstart:104:root@pam:';
    const empty = killed.replace('1234', '1235');
    writeFileSync(join(bench.state, 'tasks', killed), 'half\n');
    writeFileSync(join(bench.state, 'tasks', empty), '');
    const get = async (upid: string, what: string) =>
      (await bench.call('GET', `/nodes/prom/tasks/${encodeURIComponent(upid)}/${what}`)).json.data;
    expect(await get(killed, 'status')).toMatchObject({ status: 'stopped', exitstatus: 'unexpected status' });
    expect(await get(empty, 'log')).toEqual([{ n: 1, t: 'no content' }]);
  });

  test('an unknown one is a parameter error, a foreign one needs Sys.Audit', async () => {
    const none = 'UPID:prom:00001234:00000001:65F00000:qmstart:1:root@pam:';
    expect((await bench.call('GET', `/nodes/prom/tasks/${none}/status`)).json.errors).toEqual({
      upid: 'no such task',
    });
    const { upid } = await bench.task('POST', '/nodes/prom/qemu/104/status/start');
    const foreign = await bench.call('GET', `/nodes/prom/tasks/${encodeURIComponent(upid)}/status`, {
      as: 'narrow',
    });
    expect(foreign.reason).toBe('Permission check failed (/nodes/prom, Sys.Audit)');
  });

  test('a running one can be stopped', async () => {
    bench.machines.up.add(104);
    bench.machines.deaf = true;
    const upid = String((await bench.call('POST', '/nodes/prom/qemu/104/status/shutdown')).json.data);
    const active = (await bench.call('GET', '/nodes/prom/tasks?source=active')).json.data as {
      upid: string;
    }[];
    expect(active.map((task) => task.upid)).toEqual([upid]);
    await bench.call('DELETE', `/nodes/prom/tasks/${encodeURIComponent(upid)}`);
    expect((await bench.taskEnd(upid)).exitstatus).toBe('received interrupt');
  });
});
