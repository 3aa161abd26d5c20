import { defineConfig } from 'vitest/config';

/** `unit` needs nothing but Node; `contract` and `platform` need this machine's own tools; `lab` boots virtual machines; `zfs` boots OpenZFS. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/platform/**', 'test/lab/**', 'test/zfs-real/**'],
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
          name: 'zfs',
          include: ['test/zfs-real/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
