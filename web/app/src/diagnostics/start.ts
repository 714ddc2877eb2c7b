/**
 * The diagnostics page starts here: ties the preflight, the picture and the list together.
 */
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/caller.css';
import '../styles/dock.css';
import '../styles/scene.css';
import '../styles/diagnostics.css';
import { checkIdentity } from '../identity.js';
import { startDiagnostics } from './tie.js';

startDiagnostics(checkIdentity(location.search));
