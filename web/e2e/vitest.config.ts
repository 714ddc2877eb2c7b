import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['journeys/*.test.ts'],
    setupFiles: ['rig/setup.ts'],
    reporters: ['verbose'],
    // One journey at a time: the browsers of one already keep two cores busy, and figures are taken.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    retry: 0,
  },
});
