import { InvalidArgumentError, Option } from 'commander';
import { closing } from './help.ts';
import type { CommandSpec } from './program.ts';

function seconds(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Write a length in seconds, such as 60.');
  return Number(text);
}

const maintenanceOptions = () => [
  new Option('--until <stage>', 'stop after this stage').choices(['prepare', 'seed', 'cutover']),
  new Option('--yes', 'do not ask before it begins (the downtime has its own question)'),
  new Option(
    '--window <seconds>',
    'begin the downtime without asking when it is projected to be at most this long',
  ).argParser(seconds),
];

/** `maintenance enter` and `maintenance leave`. */
export const maintenanceSpecs: readonly CommandSpec[] = [
  {
    name: 'maintenance enter',
    summary: 'carry shares and their guests to another node',
    description: [
      'Brings the place on the other node and its entry of the directory mapping, copies while the guests run, and asks before the downtime. Then the workloads stop, the guests are shut down, what changed is copied and compared, the marker is handed over, and the guests are migrated, started and looked at from inside. The old place is sealed.',
      'It shows every command before anything is done. Before the hand-over a failure takes the window back; cut off at any moment and run again, it goes on. `drayage maintenance leave` is the way back.',
    ].join('\n\n'),
    arguments: [['<node>', 'the node that takes them, as drayage.yaml names it']],
    options: maintenanceOptions(),
    closing: closing({
      examples: [
        ['drayage maintenance enter maint', 'shows the plan, and asks'],
        ['drayage maintenance enter maint --until seed --yes', 'everything that needs no downtime'],
      ],
      codes: [4, 5, 6, 7, 11, 130],
    }),
    load: async () => (await import('./commands/maintenance.ts')).enter,
  },
  {
    name: 'maintenance leave',
    summary: 'carry them back, with what was written meanwhile',
    description:
      'The way of `maintenance enter` in reverse. Where a window of `enter` was left open before its hand-over, it starts the guests again where they were.',
    arguments: [['[node]', 'the node that is left, where more than one could be']],
    options: [
      ...maintenanceOptions(),
      new Option(
        '--forget',
        'when they are back, or before they went: let the copy on the other node go, and its entry of the mapping',
      ),
    ],
    closing: closing({
      examples: [
        ['drayage maintenance leave', 'shows the plan, and asks'],
        ['drayage maintenance leave --forget', 'removes the copy that stays on the other node'],
      ],
      codes: [4, 5, 6, 7, 11, 130],
    }),
    load: async () => (await import('./commands/maintenance.ts')).leave,
  },
];
