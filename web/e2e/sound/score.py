"""Compares what was heard with what was said: PESQ (ITU-T P.862.2, wide band), once for each time it was said.

score.py SAID.wav HEARD.wav [HEARD.wav ...] prints one line of JSON for each HEARD: {"pesq": mean, "times": how many}.
Both are mono, 16 bit, 48 kHz. What was said is looked for in what was heard, where it may begin anywhere and repeat.
"""

import json
import sys
import wave

import numpy as np
from pesq import pesq

RATE = 48_000
PESQ_RATE = 16_000
LOOK_S = 0.15  # how far from where it is expected a repetition may begin


def read(path):
    with wave.open(path) as file:
        assert file.getframerate() == RATE and file.getnchannels() == 1
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


def to_pesq_rate(sound):
    """Every third sample, of what has no more than half of that rate in it."""
    n = np.arange(-96, 97)
    low_pass = np.sinc(n / 3.1) * np.hamming(len(n))
    return np.convolve(sound, low_pass / low_pass.sum(), "same")[:: RATE // PESQ_RATE]


def best_offset(said, heard):
    """Where in `heard` it is most like `said`."""
    size = 1 << (len(heard) + len(said)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    return int(np.argmax(match[: max(1, len(heard) - len(said))]))


def score(said, heard):
    length = len(said)
    # The first whole repetition, then each one a little sooner or later than a length after the one before.
    at = best_offset(said, heard[: 2 * length + RATE])
    scores = []
    while at + length <= len(heard):
        scores.append(pesq(PESQ_RATE, to_pesq_rate(said), to_pesq_rate(heard[at : at + length]), "wb"))
        look = int(LOOK_S * RATE)
        expected = at + length - look
        if expected + length + look > len(heard):
            break
        at = expected + best_offset(said, heard[expected : expected + length + 2 * look])
    return {"pesq": float(np.mean(scores)), "times": len(scores)}


def main():
    said, *all_heard = (read(path) for path in sys.argv[1:])
    for heard in all_heard:
        print(json.dumps(score(said, heard)), flush=True)


if __name__ == "__main__":
    main()
