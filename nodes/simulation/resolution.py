"""Measured hits: true scatters in, hits with errors in order of measured time out.

All errors are normal and independent; light and deposited energy of a hit share one.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import frozen
from ...schemas.simulation import (
    Acquisition,
    DetectorArray,
    MeasuredHits,
    RandomStreams,
    Resolution,
    Scatters,
)


@tag(stage="resolution")
def neutron_hits(
    neutron_scatters: Scatters,
    detector: DetectorArray,
    resolution: Resolution,
    acquisition: Acquisition,
    random_streams: RandomStreams,
) -> MeasuredHits:
    """Measured hits of the neutrons, shape (n_neutrons, 2)."""
    return _measured(
        neutron_scatters,
        detector,
        resolution,
        acquisition.neutron_psd,
        random_streams.neutron_errors,
    )


@tag(stage="resolution")
def gamma_hits(
    gamma_scatters: Scatters,
    detector: DetectorArray,
    resolution: Resolution,
    acquisition: Acquisition,
    random_streams: RandomStreams,
) -> MeasuredHits:
    """Measured hits of the gammas, shape (n_gammas, 3)."""
    return _measured(
        gamma_scatters, detector, resolution, acquisition.gamma_psd, random_streams.gamma_errors
    )


def _measured(
    scatters: Scatters,
    detector: DetectorArray,
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
    position = scatters.position_cm + sigma[scatters.bar] * normal[:, :, :3]
    time = scatters.time_ns + resolution.time_ns * normal[:, :, 3]
    gain = np.maximum(1.0 + resolution.light_relative * normal[:, :, 4], 0.0)
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
