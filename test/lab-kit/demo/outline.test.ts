import { expect, test } from 'vitest';
import { containersText, namesOf } from '../../../lab/demo/containers.ts';
import { stepInFull } from '../../../lab/demo/outline.ts';
import { clock } from '../../../lab/demo/screen.ts';
import { whereToLook } from '../../../lab/demo/where-to-look.ts';

const plan = `Cutover

  +  4  Stop
        why
          doc1$ podman stop a

  + 14  Last copy
        why
          prom$ rsync

Plan 1: 2 to do`;

test('one step of a printed plan is found by its number, up to the blank line', () => {
  expect(stepInFull(plan, 4)).toBe('  +  4  Stop\n        why\n          doc1$ podman stop a');
  expect(stepInFull(plan, 14, plan.toUpperCase())).toBe(
    '  + 14  LAST COPY\n        WHY\n          PROM$ RSYNC',
  );
  expect(stepInFull(plan, 1)).toBeUndefined();
});

test('names of containers are the first column, without its heading', () => {
  expect(namesOf('NAMES       IMAGE\nweb         localhost/web:1\napp         localhost/app:1')).toEqual([
    'web',
    'app',
  ]);
  expect(namesOf('NAMES       IMAGE')).toEqual([]);
});

test('both podmans of a guest are shown as they were asked', () => {
  const text = containersText(
    { guest: 'doc1', root: 'NAMES', notes: 'NAMES\nnotes', names: ['notes'] },
    (x) => x,
  );
  expect(text).toBe('root@doc1$ podman ps\n  NAMES\nnotes@doc1$ podman ps\n  NAMES\n  notes');
});

test('seconds read as a person says them', () => {
  expect([clock(0.4), clock(59.4), clock(60), clock(125)]).toEqual(['0 s', '59 s', '1 min 0 s', '2 min 5 s']);
});

test('only a lab that was kept is offered for a look around', () => {
  expect(whereToLook('.lab', { keep: false, good: true })).not.toContain('ssh doc2');
  expect(whereToLook('.lab', { keep: false, good: true })).toContain('npm run demo -- --keep');
  expect(whereToLook('.lab', { keep: true, good: true })).toContain('npm run lab -- ssh doc2 podman ps');
});

test('after a demo that failed, the logs are named and the report that was not written is not', () => {
  const text = whereToLook('.lab', { keep: false, good: false });
  expect(text).toContain('log/');
  expect(text).not.toContain('report.json');
});
