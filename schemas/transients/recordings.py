"""What flows on the edges of the transients graph beside frames: recordings, windows, fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import F8, I8

I2 = NDArray[np.int16]
SourceKind = Literal["archive", "folder", "ml4see_hdf5", "radiograph_hdf5"]


@dataclass(frozen=True)
class RecordingRange:
    """Consecutive recordings of a run, in the order of their source.

    Attributes
    ----------
    kind
        How they are read.
    members
        The paths of the recordings in a folder or file, one each; empty for an archive and for the
        file of an earlier run.
    first, count
        The number of the first recording in the source, and how many follow at most: the last
        range of an archive may hold fewer.
    n_foreign
        Files of a folder, or members that an earlier run counted, that are no recordings, told with
        its first range.
    """

    kind: SourceKind
    members: tuple[str, ...]
    first: int
    count: int
    n_foreign: int = 0


@dataclass(frozen=True)
class RecordingForm:
    """How the recordings of a run are made.

    Attributes
    ----------
    n_pre, n_post
        Samples before the trigger, and from it on.
    fs_Hz, cf_Hz
        Sample rate, and the frequency to which the receiver was tuned.
    x_lsb_per_um, y_lsb_per_um
        Steps of the DAC a micrometre; 0 = not known.
    in_ppm
        Whether older files hold the frequency in parts per million of ``cf_Hz``.
    """

    n_pre: int
    n_post: int
    fs_Hz: float
    cf_Hz: float
    x_lsb_per_um: float
    y_lsb_per_um: float
    in_ppm: bool = False

    @property
    def n_samples(self) -> int:
        """Samples of a whole recording."""
        return self.n_pre + self.n_post


@dataclass(frozen=True)
class Recordings:
    """Recordings as they stand in the files: one a row.

    Attributes
    ----------
    numbers, x_lsb, y_lsb
        Number of the trigger and position of the beam, from the name.
    n_bytes
        Length of the file.
    ticks, seconds, microseconds
        The header; -1 where it is cut.
    iq_adc
        (N, n, 2) int16, I and Q; zero beyond the end of a short one.
    frequency_Hz
        (N, n - 129) float64 relative to +fs/4 where the source holds that instead of samples
        (then iq_adc has no samples); else (N, 0).
    n_foreign
        Members of the source before these recordings (with the last: after them too) that are none.
    """

    numbers: I8
    x_lsb: I8
    y_lsb: I8
    n_bytes: I8
    ticks: I8
    seconds: I8
    microseconds: I8
    iq_adc: I2
    frequency_Hz: F8
    n_foreign: int


@dataclass(frozen=True)
class DemodulationPlan:
    """Which samples and windows are used: the settings and the form of the recordings in one.

    Attributes
    ----------
    n_samples
        Samples of a recording that are used, from its first on.
    n_before, start
        Frequencies [0, n_before) are the baseline; windows after the trigger begin at ``start``.
    window, step, decimate
        Samples: length and distance of windows; every such filtered sample after the trigger.
    n_pre_windows, n_post_windows
        How many windows there are.
    flat_first, flat_length
        The flat top, 4 to 15 us after the trigger, in frequencies from ``start`` on.
    """

    n_samples: int
    n_before: int
    start: int
    window: int
    step: int
    decimate: int
    n_pre_windows: int
    n_post_windows: int
    flat_first: int
    flat_length: int
    fs_Hz: float


@dataclass(frozen=True)
class WindowMeans:
    """What the samples of recordings become, one a row; NaN for one that is not whole.

    Attributes
    ----------
    pre_Hz, post_Hz
        Mean frequency of the windows before and after the trigger, Hz relative to +fs/4.
    mean_Hz, std_Hz
        Mean and population standard deviation of the frequency before the trigger.
    block_std_Hz
        Standard deviation of its means over the length of the flat top.
    flat_Hz
        Mean frequency of the flat top.
    amplitude_dip
        Smallest filtered amplitude over its median.
    """

    pre_Hz: F8
    post_Hz: F8
    mean_Hz: F8
    std_Hz: F8
    block_std_Hz: F8
    flat_Hz: F8
    amplitude_dip: F8


@dataclass(frozen=True)
class HitLog:
    """The hits that the FPGA saw: columns as they are named, one row a hit.

    Attributes
    ----------
    columns
        As they are named; the first is hw_ts_10us, ticks of 10 us.
    values
        (n_hits, n_columns) float64; a cell that is no number is NaN.
    untimed_rows
        Rows that are left out, whose first cell is no finite number.
    first_untimed
        The line of the file and what stands there of the first of them.
    """

    columns: tuple[str, ...]
    values: F8
    untimed_rows: int = 0
    first_untimed: str = ""


@dataclass(frozen=True)
class PositionMaps:
    """Quantities by scan position: (n_y, n_x) arrays.

    Attributes
    ----------
    x_edges_um, y_edges_um
        Edges of the pixels, half way between scan positions.
    count, usable, outliers
        Recordings; those usable; those that are outliers.
    mean, median, error
        By quantity (axis 0, ``quantities``): mean, median, error of the mean.
    filled
        Where ``mean`` and ``median`` are those of neighbours.
    """

    quantities: tuple[str, ...]
    x_um: F8
    y_um: F8
    x_edges_um: F8
    y_edges_um: F8
    count: I8
    usable: I8
    outliers: I8
    mean: F8
    median: F8
    error: F8
    filled: NDArray[np.bool_]


@dataclass(frozen=True)
class FitSettings:
    """How exponentials are fitted and when a fit is accepted.

    Attributes
    ----------
    components, r2_min, degenerate_span
        As the settings have them.
    begin_s
        Time of the first value after the trigger.
    averaged
        Whether the model is averaged over a window (physical), or taken at its last sample.
    keeps_rejected
        Whether a rejected fit is zero and a degenerate one kept (ml4see), or both NaN.
    """

    components: int
    r2_min: float
    degenerate_span: float
    begin_s: float
    averaged: bool
    keeps_rejected: bool
