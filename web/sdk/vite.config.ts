import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    target: 'es2022',
    sourcemap: true,
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: 'tincan' },
    // For ES libraries Vite leaves the white space in; this file is meant to be served as it is.
    rollupOptions: { output: { minify: true } },
  },
});
