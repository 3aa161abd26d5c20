/** /nodes/{node}/tasks: the list, one task's status, its log, and stopping it. */
import { badParams } from '../api-error.ts';
import { demand, may } from '../auth.ts';
import { Answer, type Call, type Endpoint } from '../endpoint.ts';
import * as format from '../formats.ts';
import { flag, integer, params, text } from '../params.ts';
import type { TaskRecord } from '../task-runner.ts';

const one = { node: format.node, upid: text() };
const base = '/nodes/{node}/tasks';

export const taskEndpoints: readonly Endpoint[] = [
  {
    method: 'GET',
    path: base,
    params: params({
      node: format.node,
      'errors?': flag,
      'limit?': integer(0),
      'since?': integer(),
      'source?': text({ enum: ['archive', 'active', 'all'] }),
      'start?': integer(0),
      'statusfilter?': text(),
      'typefilter?': text(),
      'until?': integer(),
      'userfilter?': text(),
      'vmid?': format.vmid,
    }),
    permission: 'user',
    handle: listTasks,
  },
  {
    method: 'GET',
    path: `${base}/{upid}/status`,
    params: params(one),
    permission: 'user',
    handle: (call) => {
      const { upid, running, exitstatus, user, ...task } = visible(call, 'Sys.Audit');
      const [owner = '', token] = user.split('!');
      return {
        upid,
        node: task.node,
        pid: task.pid,
        pstart: task.pstart,
        starttime: task.starttime,
        type: task.type,
        id: task.id,
        user: owner,
        ...(token === undefined ? {} : { tokenid: token }),
        status: running ? 'running' : 'stopped',
        ...(running ? {} : { exitstatus }),
      };
    },
  },
  {
    method: 'GET',
    path: `${base}/{upid}/log`,
    params: params({ ...one, 'download?': flag, 'limit?': integer(0), 'start?': integer(0) }),
    permission: 'user',
    handle: (call) => {
      const { upid } = visible(call, 'Sys.Audit');
      const lines = call.cluster.tasks.log(upid) ?? [];
      const shown = lines.length > 0 ? lines : ['no content'];
      const start = call.values.number('start') ?? 0;
      const limit = call.values.number('limit') ?? 50;
      const wanted = shown.slice(start, limit === 0 ? undefined : start + limit);
      return new Answer(
        wanted.map((t, index) => ({ n: start + index + 1, t })),
        { total: shown.length },
      );
    },
  },
  {
    method: 'DELETE',
    path: `${base}/{upid}`,
    params: params(one),
    permission: 'user',
    handle: (call) => {
      call.cluster.tasks.stop(visible(call, 'Sys.Modify').upid);
      return null;
    },
  },
];

/** A task that the caller owns or may see by a privilege on its node. */
function visible({ cluster, caller, values }: Call, privilege: string): TaskRecord {
  const task = cluster.tasks.find(values.text('upid'));
  if (!task || task.node !== values.text('node')) throw badParams({ upid: 'no such task' });
  if (!owns(caller.tokenid, task.user)) demand(caller, `/nodes/${task.node}`, [privilege]);
  return task;
}

const userOf = (id: string): string => id.split('!')[0] ?? id;
const owns = (tokenid: string, user: string): boolean => userOf(tokenid) === userOf(user);

function listTasks({ cluster, caller, values }: Call): unknown {
  const node = values.text('node');
  const all = may(caller, `/nodes/${node}`, ['Sys.Audit']);
  const source = values.maybe('source') ?? 'archive';
  const [start, limit] = [values.number('start') ?? 0, values.number('limit') ?? 50];
  const vmid = values.maybe('vmid');
  const type = values.maybe('typefilter');
  const user = values.maybe('userfilter');
  const states = format.splitList(values.maybe('statusfilter') ?? '');
  const found = cluster.tasks
    .list()
    .filter((task) => task.node === node && (all || owns(caller.tokenid, task.user)))
    .filter(({ running }) => source === 'all' || running === (source === 'active'))
    .filter((task) => vmid === undefined || task.id === vmid)
    .filter((task) => type === undefined || task.type === type)
    .filter((task) => user === undefined || task.user.includes(user))
    .filter((task) => task.starttime >= (values.number('since') ?? 0))
    .filter((task) => task.starttime <= (values.number('until') ?? Number.POSITIVE_INFINITY))
    .filter((task) => states.length === 0 || states.includes(stateOf(task)))
    .filter((task) => !values.flag('errors') || stateOf(task) === 'error');
  const page = found.slice(start, limit === 0 ? undefined : start + limit);
  return new Answer(
    page.map(({ running: _, exitstatus, ...task }) => ({
      ...task,
      ...(exitstatus === undefined ? {} : { status: exitstatus }),
    })),
    { total: found.length },
  );
}

function stateOf({ exitstatus }: TaskRecord): string {
  if (exitstatus === undefined || exitstatus === 'unexpected status') return 'unknown';
  if (exitstatus === 'OK') return 'ok';
  return /^WARNINGS: \d+$/.test(exitstatus) ? 'warning' : 'error';
}
