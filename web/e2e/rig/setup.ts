import { afterAll } from 'vitest';
import { closeBrowsers } from './browsers.js';

afterAll(closeBrowsers);
