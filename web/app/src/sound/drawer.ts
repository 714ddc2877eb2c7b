/**
 * The drawer with the choice of microphone and, where the browser can, of speaker. It is a popover: the call goes on
 * behind it, Escape or a click beside it closes it.
 */
import { CallError, type AudioDevice, type Device } from '@tincan/sdk';
import { element, say, show } from '../ui/dom.js';
import { SOUND } from '../words.js';

type Audio = Device['audio'];

export function bindSound(audio: Audio): void {
  const microphone = element('microphone', HTMLSelectElement);
  const speaker = element('speaker', HTMLSelectElement);

  const draw = (): void => {
    fill(microphone, audio.inputs, audio.input, SOUND.defaultInput, 'Microphone');
    fill(speaker, audio.outputs, audio.output, SOUND.defaultOutput, 'Speaker');
    show(element('speaker-field'), audio.canChooseOutput);
    const named = audio.inputs.some(({ label }) => label !== '');
    say(element('sound-note'), named ? '' : SOUND.namesLater);
  };
  const choose = async (act: () => Promise<void>): Promise<void> => {
    let trouble = '';
    try {
      await act();
    } catch (cause) {
      const { message, hint } = cause instanceof CallError ? cause : new CallError('internal', { cause });
      trouble = `${message} ${hint}`;
    }
    say(element('sound-error'), trouble);
    draw();
  };

  microphone.addEventListener('change', () => void choose(() => audio.setInput(microphone.value || undefined)));
  speaker.addEventListener('change', () => void choose(() => audio.setOutput(speaker.value || undefined)));
  element('sound-drawer').addEventListener('beforetoggle', () => void choose(() => audio.refresh()));
  audio.on('change', draw);
  draw();
}

function fill(select: HTMLSelectElement, devices: readonly AudioDevice[], chosen: string | undefined, otherwise: string, kind: 'Microphone' | 'Speaker'): void {
  // `default` is the browser's own name for "none chosen", and devices without an id cannot be chosen yet.
  const real = devices.filter(({ id }) => id !== '' && id !== 'default');
  const options = real.map(({ id, label }, index) => new Option(label || SOUND.unnamed(kind, index + 1), id));
  select.replaceChildren(new Option(otherwise, ''), ...options);
  select.value = chosen !== undefined && real.some(({ id }) => id === chosen) ? chosen : '';
}
