import { defineConfig } from 'vitest/config';

/** `unit` needs nothing but Node; `contract` and `platform` need this machine's own tools; `lab` boots virtual machines; `zfs` and `docker` boot one with OpenZFS, or docker. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/platform/**',
            'test/lab/**',
            'test/zfs-real/**',
            'test/docker-real/**',
            'test/way-back/**',
            'test/fault-lab/**',
          ],
          // Milliseconds each, but for those that start a process: on a busy machine a start can take seconds.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'platform',
          include: ['test/platform/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'way-back',
          include: ['test/way-back/**/*.test.ts', 'test/fault-lab/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'zfs',
          include: ['test/zfs-real/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/docker-real/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
