/**
 * Both caller pages start here: reads who the page is, and ties the caller, the picture, the buttons and the tones together.
 */
import './styles/tokens.css';
import './styles/base.css';
import './styles/caller.css';
import './styles/dock.css';
import './styles/drawer.css';
import './styles/quality.css';
import './styles/scene.css';
import { Device } from '@tincan/sdk';
import { readIdentity } from './identity.js';
import { startPage } from './start.js';

const identity = readIdentity(document.documentElement.dataset, location.search);
startPage(
  new Device({ guest: identity.guest, ...(identity.device ? { device: identity.device } : {}) }),
  identity,
);
