import type { MoveConfig, ShareConfig } from '../../src/config/config.ts';
import type { ModuleMove } from '../../src/nix/mount-module.ts';
import { sampleConfig, sampleYaml } from '../support/sample.ts';

const config = sampleConfig(sampleYaml);
const share = Object.values(config.shares)[0] as ShareConfig;
const move = Object.values(config.moves)[0] as MoveConfig;

/** Two moves into one guest, with a unit of every sort, one of them in both moves. */
export const twoMoves: readonly ModuleMove[] = [
  {
    share,
    move,
    units: [
      { name: 'web.service', definedByNixos: true },
      { name: 'notes.service', definedByNixos: false },
      { name: 'podman-compose@photos.service', user: 'nils', definedByNixos: false },
      { name: 'sync.service', user: 'nils', definedByNixos: true },
      { name: 'nightly.timer', definedByNixos: true },
    ],
  },
  {
    share,
    move: {
      ...move,
      name: 'music',
      from: { ...move.from, path: '/srv/music-2' },
      to: { ...move.to, as: 'music' },
    },
    units: [{ name: 'web.service', definedByNixos: true }],
  },
];
