"""Measured hits: true scatters in, hits with errors in order of measured time out.

All errors are normal and independent; light and deposited energy of a hit share one. Those of a bar
are drawn once and are the same in each of its hits.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import frozen
from ...schemas.simulation import (
    BAR_TRUTH,
    Acquisition,
    BarErrors,
    DetectorArray,
    MeasuredHits,
    RandomStreams,
    Resolution,
    Scatters,
)


@tag(stage="resolution", schema="SimulatedBars")
def simulated_bars(
    detector: DetectorArray, bar_errors: BarErrors, random_streams: RandomStreams
) -> pd.DataFrame:
    """What each bar reads wrongly, in the order of the array."""
    n = len(detector.bars)
    normal = np.random.default_rng(random_streams.bars).standard_normal((n, 3))
    return BAR_TRUTH.frame(
        {
            "det_id": np.asarray([b.det_id for b in detector.bars], dtype=np.int64),
            "along_offset_cm": bar_errors.along_cm * normal[:, 0],
            "time_offset_ns": bar_errors.time_ns * normal[:, 1],
            "light_gain": np.exp(bar_errors.gain * normal[:, 2]),
        }
    )


@tag(stage="resolution")
def neutron_hits(
    neutron_scatters: Scatters,
    detector: DetectorArray,
    simulated_bars: pd.DataFrame,
    resolution: Resolution,
    acquisition: Acquisition,
    random_streams: RandomStreams,
) -> MeasuredHits:
    """Measured hits of the neutrons, shape (n_neutrons, 2)."""
    return _measured(
        neutron_scatters,
        detector,
        simulated_bars,
        resolution,
        acquisition.neutron_psd,
        random_streams.neutron_errors,
    )


@tag(stage="resolution")
def gamma_hits(
    gamma_scatters: Scatters,
    detector: DetectorArray,
    simulated_bars: pd.DataFrame,
    resolution: Resolution,
    acquisition: Acquisition,
    random_streams: RandomStreams,
) -> MeasuredHits:
    """Measured hits of the gammas, shape (n_gammas, 3)."""
    return _measured(
        gamma_scatters,
        detector,
        simulated_bars,
        resolution,
        acquisition.gamma_psd,
        random_streams.gamma_errors,
    )


def _measured(
    scatters: Scatters,
    detector: DetectorArray,
    bars: pd.DataFrame,
    resolution: Resolution,
    mean_psd: float,
    stream: np.random.SeedSequence,
) -> MeasuredHits:
    n, k = scatters.bar.shape
    # One row of numbers per event: the first events of a longer run are those of a shorter one.
    normal = np.random.default_rng(stream).standard_normal((n, k, 6))
    sigma = np.full((len(detector.bars), 3), resolution.across_cm)
    long_axis = [b.long_axis for b in detector.bars]
    sigma[np.arange(len(detector.bars)), long_axis] = resolution.along_cm
    along = np.zeros((len(detector.bars), 3), dtype=bool)
    along[np.arange(len(detector.bars)), long_axis] = True
    position = scatters.position_cm + sigma[scatters.bar] * normal[:, :, :3]
    if resolution.bar_centres:
        centre = np.asarray([b.center_cm for b in detector.bars])
        position = np.where(along[scatters.bar], position, centre[scatters.bar])
    offset, late, light_gain = (
        bars[name].to_numpy() for name in ("along_offset_cm", "time_offset_ns", "light_gain")
    )
    position = position + (along * offset[:, None])[scatters.bar]
    time = scatters.time_ns + resolution.time_ns * normal[:, :, 3] + late[scatters.bar]
    gain = np.maximum(1.0 + resolution.light_relative * normal[:, :, 4], 0.0)
    gain = gain / light_gain[scatters.bar]
    psd = mean_psd + resolution.psd * normal[:, :, 5]
    order = np.argsort(time, axis=1, kind="stable")
    det_id = np.asarray([b.det_id for b in detector.bars], dtype=np.int32)[scatters.bar]
    return MeasuredHits(
        det_id=frozen(np.take_along_axis(det_id, order, axis=1)),
        position_cm=frozen(np.take_along_axis(position, order[:, :, None], axis=1)),
        time_ns=frozen(np.take_along_axis(time, order, axis=1)),
        deposit_MeV=frozen(np.take_along_axis(scatters.deposit_MeV * gain, order, axis=1)),
        light_MeVee=frozen(np.take_along_axis(scatters.light_MeVee * gain, order, axis=1)),
        psd=frozen(np.take_along_axis(psd, order, axis=1)),
        hit_of_scatter=frozen(np.argsort(order, axis=1, kind="stable").astype(np.int8)),
    )
