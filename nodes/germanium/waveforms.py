"""Waveforms of an LH5 table as they are processed: slow ones of the energy, fast ones of times."""

from __future__ import annotations

from typing import Any, Final

import h5py
import numpy as np

from ...schemas.arrays import F4
from ...schemas.errors import InputError
from ...schemas.germanium.dsp import RawTable, Waveforms
from ...schemas.germanium.lh5 import WaveformLayout
from ...schemas.sources import EventRange
from .lh5 import lh5_file, read_column, read_waveforms

PRESUM: Final = 8
"""Samples of 16 ns in one of a presummed waveform."""
WINDOW_NS: Final = (42_000.0, 64_400.0)
"""Where the pulse is looked at in samples of 16 ns: -6 to 16.4 us about the trigger."""
USUAL_NS: Final = 16.0
"""Time of a sample that is not presummed, where a file has no rows to say so."""
RAIL_ADC: Final = 65535.0


def waveforms_of(raw_table: RawTable, row_range: EventRange) -> Waveforms:
    """Waveforms of a range of rows: presummed and windowed, or both made of a long one.

    InputError if the table has neither.
    """
    layout, path = raw_table.layout, raw_table.file.path
    first, n = row_range.first_event, row_range.n_events
    by_name = {w.name: w for w in layout.waveforms}
    with lh5_file(path) as file:
        group = file[layout.path]
        if {"waveform_presummed", "waveform_windowed"} <= by_name.keys():
            return _recorded_both(group, by_name, first, n, path)
        if "waveform" in by_name:
            samples = read_waveforms(group, "waveform", first, n, path, np.float32)
            return slow_and_fast(samples, by_name["waveform"], path)
    there = ", ".join(by_name) or "none"
    msg = (
        f"{path}: {layout.path} has no column waveform, nor waveform_presummed and "
        f"waveform_windowed (there is {there}), which the dsp tier is made of."
    )
    raise InputError(msg, file=path, code="missing_column")


def _recorded_both(
    group: h5py.Group, by_name: dict[str, WaveformLayout], first: int, n: int, path: str
) -> Waveforms:
    slow, fast = by_name["waveform_presummed"], by_name["waveform_windowed"]
    rate = PRESUM
    if "presum_rate" in group:
        rates = np.unique(read_column(group, "presum_rate", first, n, path))
        if len(rates) > 1 or (len(rates) and rates[0] < 1):
            msg = f"{path}: presum_rate is {rates.tolist()}; one rate from 1 on is needed."
            raise InputError(msg, file=path, code="mixed_sampling")
        rate = int(rates[0]) if len(rates) else rate
    sums = read_waveforms(group, slow.name, first, n, path, np.float32)
    window = read_waveforms(group, fast.name, first, n, path, np.float32)
    means = np.asarray(sums, np.float32)
    # Without rows the file does not say how it is sampled.
    slow_ns, fast_ns, fast_t0_ns = (
        known if np.isfinite(known) else usual
        for known, usual in (
            (slow.dt_ns, PRESUM * USUAL_NS),
            (fast.dt_ns, USUAL_NS),
            (fast.t0_ns - slow.t0_ns, WINDOW_NS[0]),
        )
    )
    return Waveforms(
        np.divide(means, np.float32(rate), out=means),
        np.asarray(window, np.float32),
        slow_ns,
        fast_ns,
        fast_t0_ns,
        RAIL_ADC,
    )


def slow_and_fast(samples: Any, layout: WaveformLayout, path: str = "") -> Waveforms:
    """A long waveform presummed by PRESUM, and its samples in WINDOW_NS.

    InputError if it ends before the window does.
    """
    n, length = samples.shape
    dt = layout.dt_ns if np.isfinite(layout.dt_ns) else USUAL_NS
    begin, stop = (round(t / dt) for t in WINDOW_NS)
    if stop > length:
        msg = (
            f"{path}: waveforms of {length} samples of {dt} ns end at {length * dt / 1e3:.1f} us; "
            f"the pulse is looked at up to {WINDOW_NS[1] / 1e3} us."
        )
        raise InputError(msg, file=path, code="short_waveform")
    whole = length // PRESUM * PRESUM
    blocks = samples[:, :whole].reshape(n, length // PRESUM, PRESUM)
    slow: F4 = blocks.sum(axis=2, dtype=np.float32) / np.float32(PRESUM)
    fast: F4 = samples[:, begin:stop].astype(np.float32)
    return Waveforms(slow, fast, PRESUM * dt, dt, begin * dt, RAIL_ADC)
