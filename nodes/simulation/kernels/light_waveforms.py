"""Waveforms of a range of events: pedestal, noise, tones, light and rectangles, digitised.

Every random number is a hash of the key, the event, the input and the sample, so a sample is
the same whatever block it is made in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

N_CHANNELS = 64
# splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30 = np.uint64(30)
_27 = np.uint64(27)
_31 = np.uint64(31)
_16 = np.uint64(16)
_LOW_16 = np.uint64(0xFFFF)
_BOARD_REACH = 1.5
# An ArcLight tile (even ADC) collects less light than an LCM (odd ADC).
_ARCLIGHT = 0.6


@njit(cache=True, nogil=True, inline="always")
def hashed(key: Any, i: Any) -> Any:
    """The i-th number of the stream of a key, 64 random bits."""
    z = key + _STEP * np.uint64(i)
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@njit(cache=True, nogil=True)
def add_noise(values: Any, base: Any, sigma: Any, key: Any, quantiles: Any) -> None:
    """Set ``values`` to a base with normal noise; ``quantiles`` has 65536 entries."""
    n = values.shape[0]
    for block in range((n + 3) // 4):
        bits = hashed(key, block + 1)
        for s in range(4 * block, min(4 * block + 4, n)):
            values[s] = base + sigma * quantiles[bits & _LOW_16]
            bits >>= _16


@njit(cache=True, nogil=True)
def add_pulse(values: Any, start: Any, amplitude: Any, swing: Any, shape: Any, after: Any) -> None:
    """Add a pulse of light and the swing below the baseline that follows it.

    What lies before the first sample is not seen.
    """
    low = np.float32(amplitude * swing)
    high = np.float32(amplitude)
    for s in range(max(start, 0), min(start + shape.shape[0], values.shape[0])):
        values[s] += high * shape[s - start] - low * after[s - start]


@njit(cache=True, nogil=True)
def board_share(board: int, position: float) -> float:
    """Light of a board, 1 at the place of the interaction; the boards of a TPC count 0 to 3."""
    return np.exp(-abs(position - board - 0.5) / _BOARD_REACH)


@njit(cache=True, nogil=True)
def digitise(values: Any, out: Any) -> None:
    """Counts of a 14-bit digitiser, shifted left by two, between the rails."""
    for s in range(values.shape[0]):
        code = np.floor(np.float32(0.25) * values[s] + np.float32(0.5))
        out[s] = np.int16(4) * np.int16(min(max(code, np.float32(-8192.0)), np.float32(8191.0)))


@njit(cache=True, nogil=True)
def _fill(values: Any, value: Any) -> None:
    for s in range(values.shape[0]):
        values[s] = value


@njit(cache=True, nogil=True)
def fill_waveforms(
    first_event: int,
    missing: Any,
    key: Any,
    channels: Any,
    tones: Any,
    pulses: Any,
    rectangles: Any,
    shapes: Any,
    places: Any,
    quantiles: Any,
    crosstalk: float,
    out: Any,
) -> None:
    """Fill ``out`` (n, n_adcs, 64, n_samples) with the events from ``first_event`` on.

    ``channels``, ``tones``, ``pulses``, ``rectangles``, ``shapes`` and ``places`` are
    tuples of arrays; pulses and rectangles begin with the offsets of each event, places are the
    TPC of each input and its board in it.
    """
    pedestal, jitter, noise, gain, swing, tone_gain, rail = channels
    pulse_of, tpc, start, intensity, position = pulses
    rectangle_of, r_adc, r_channel, r_start, r_length, r_height = rectangles
    tpc_of, board_of = places
    n_samples = out.shape[3]
    values = np.empty(n_samples, dtype=np.float32)
    tone = np.empty(n_samples, dtype=np.float32)
    for i in range(out.shape[0]):
        event = first_event + i
        event_key = hashed(key, event + 1)
        for adc in range(out.shape[1]):
            if missing[event, adc]:
                for c in range(N_CHANNELS):
                    _fill(out[i, adc, c], 0)
                continue
            has_tone = _tone(tones, adc, hashed(event_key, 1000 + adc), tone)
            for c in range(N_CHANNELS):
                if rail[adc, c] != 0:
                    _fill(out[i, adc, c], 32764 if rail[adc, c] > 0 else -32768)
                    continue
                stream = hashed(event_key, adc * N_CHANNELS + c)
                base = pedestal[adc, c] + jitter[adc, c] * quantiles[hashed(stream, 0) & _LOW_16]
                add_noise(values, np.float32(base), np.float32(noise[adc, c]), stream, quantiles)
                if has_tone and tone_gain[adc, c] != 0.0:
                    for s in range(n_samples):
                        values[s] += np.float32(tone_gain[adc, c]) * tone[s]
                if gain[adc, c] != 0.0:
                    own = tpc_of[adc, c]
                    for p in range(pulse_of[event], pulse_of[event + 1]):
                        if tpc[p] // 2 != own // 2:
                            continue
                        share = 1.0 if tpc[p] == own else crosstalk
                        amplitude = share * gain[adc, c] * intensity[p]
                        amplitude *= board_share(board_of[c], position[p])
                        if adc % 2 == 0:
                            amplitude *= _ARCLIGHT
                        add_pulse(values, start[p], amplitude, swing[adc, c], shapes[0], shapes[1])
                for r in range(rectangle_of[event], rectangle_of[event + 1]):
                    if r_adc[r] == adc and r_channel[r] == c:
                        for s in range(r_start[r], min(r_start[r] + r_length[r], n_samples)):
                            values[s] += np.float32(r_height[r])
                digitise(values, out[i, adc, c])


@njit(cache=True, nogil=True)
def _tone(tones: Any, adc: int, phase_bits: Any, out: Any) -> bool:
    """Sum of the tones of an ADC in an event, with the phase of the event; False for none."""
    of_adc, cycles_a_sample, amplitude = tones
    found = False
    for t in range(of_adc.shape[0]):
        if of_adc[t] != adc:
            continue
        if not found:
            _fill(out, 0)
            found = True
        phase = np.float64(hashed(phase_bits, t) & _LOW_16) / 65536.0
        for s in range(out.shape[0]):
            out[s] += amplitude[t] * np.sin(2.0 * np.pi * (cycles_a_sample[t] * s + phase))
    return found
