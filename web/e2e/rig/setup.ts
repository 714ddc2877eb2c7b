import { afterAll } from 'vitest';
import { closeBrowsers } from './browsers.js';
import { endAll } from './processes.js';

afterAll(async () => {
  await closeBrowsers();
  endAll();
});
