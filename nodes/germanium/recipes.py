"""Constants of a channel, in us and ns, as what the kernels do to its samples."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.errors import InputError
from ...schemas.germanium.dsp import (
    DspParameters,
    FilterSettings,
    PoleZeroConstants,
    Waveforms,
)
from ...schemas.germanium.settings import Filters, PoleZero
from .filters import NO_SECOND, cusp_kernel, recursion, zac_kernel
from .kernels.dsp import Decay, Recipe, Trapezoid
from .kernels.pulses import Recursion

LONG_TRAP_US: Final = (8.0, 2.5)
"""Rise and flat top of trapT, of which times are levels."""
SHORT_TRAP_US: Final = (1.0, 0.1)
START_NS: Final = (128.0, 64.0, 2000.0)
"""Rise, flat top and fall of the trapezoid that finds the start of a pulse."""
DRIFT_NS: Final = (4000.0, 96.0)
PICK: Final = 0.8
"""Where on its flat top a filter is read at a fixed time."""
LEFT_US: Final = 2.0
"""What the cusps must leave of a waveform, so that they can be moved along it."""
CUSP_WINDOW_US: Final = 94.7
FAST_BASELINE_NS: Final = 5000.0


def given_constants(pole_zero: PoleZero) -> PoleZeroConstants:
    """The decay of the preamplifier as it is set."""
    return PoleZeroConstants(1e3 * pole_zero.tau1_us, 1e3 * pole_zero.tau2_us, pole_zero.frac2)


def whole_samples(time_ns: float, dt_ns: float) -> int:
    """A time as whole samples; half a sample is rounded to the even number."""
    return round(time_ns / dt_ns)


def decay_of(constants: PoleZeroConstants, dt_ns: float) -> Decay:
    """What is left of a pulse a sample later."""
    b = np.exp(-dt_ns / constants.tau2_ns) if constants.tau2_ns > 0.0 else 0.0
    return Decay(float(np.exp(-dt_ns / constants.tau1_ns)), float(b), constants.frac2)


def second_decay(constants: PoleZeroConstants, dt_ns: float) -> tuple[float, float]:
    """The faster decay in samples and its fraction; zeros where there is none."""
    if constants.tau2_ns <= 0.0:
        return NO_SECOND
    return constants.tau2_ns / dt_ns, constants.frac2


def trapezoid_of(rise_us: float, flat_us: float, dt_ns: float) -> Trapezoid:
    """A trapezoid in samples, read at 0.8 of its flat top."""
    rise, flat = (whole_samples(1e3 * t, dt_ns) for t in (rise_us, flat_us))
    return Trapezoid(max(rise, 1), flat, (rise_us + PICK * flat_us) * 1e3 / dt_ns)


def usual_filters(filters: Filters) -> FilterSettings:
    """Shaping times of the energy filters as they are set."""
    return FilterSettings(
        cusp_sigma_us=filters.cusp_sigma_us,
        cusp_flat_us=filters.flat_us,
        zac_sigma_us=filters.zac_sigma_us,
        zac_flat_us=filters.flat_us,
        trap_rise_us=filters.trap_rise_us,
        trap_flat_us=filters.flat_us,
        kernel_us=filters.kernel_us,
    )


def recipe_of(parameters: DspParameters, waves: Waveforms) -> tuple[Recipe, Recursion, Recursion]:
    """What is done to waveforms, and the filters cusp and zac.

    InputError if a filter does not fit into the waveforms, or their baseline or tail is not there.
    """
    dt, fast_dt = waves.slow_ns, waves.fast_ns
    filters, constants = parameters.filters, parameters.pole_zero
    n = waves.slow.shape[1]
    baseline = whole_samples(1e3 * parameters.baseline_us[1], dt)
    tail = whole_samples(1e3 * parameters.tail_us[0], dt)
    length = whole_samples(1e3 * filters.kernel_us, dt)
    span = min(whole_samples(1e3 * CUSP_WINDOW_US, dt), n)
    if length > span - whole_samples(1e3 * LEFT_US, dt):
        msg = (
            f"filters of [germanium.filters] kernel_us = {filters.kernel_us} do not fit into "
            f"waveforms of {n * dt / 1e3:.1f} us; they must leave {LEFT_US} us. Shorten kernel_us."
        )
        raise InputError(msg, key="germanium.filters.kernel_us", code="long_filter")
    if len(parameters.dplms) > span:
        msg = (
            f"a filter of {len(parameters.dplms)} samples ([germanium.dplms] length) does not fit "
            f"into the {span} that it is run over. Shorten it."
        )
        raise InputError(msg, key="germanium.dplms.length", code="long_filter")
    if tail + 2 > n or baseline + 2 > n:
        msg = (
            f"waveforms of {n * dt / 1e3:.1f} us have no baseline up to "
            f"{parameters.baseline_us[1]} us and tail from {parameters.tail_us[0]} us on; correct "
            "[germanium.pole_zero] baseline_us and tail_us."
        )
        raise InputError(msg, key="germanium.pole_zero.tail_us", code="short_waveform")
    decay = constants.tau1_ns / dt
    cusp_flat, zac_flat = (
        whole_samples(1e3 * f, dt) for f in (filters.cusp_flat_us, filters.zac_flat_us)
    )
    second = second_decay(constants, dt)
    cusp_sigma, zac_sigma = (1e3 * t / dt for t in (filters.cusp_sigma_us, filters.zac_sigma_us))
    cusp = recursion(
        cusp_kernel(length, cusp_sigma, cusp_flat, decay, second), cusp_sigma, decay, second
    )
    zac = recursion(
        zac_kernel(length, zac_sigma, zac_flat, decay, second), zac_sigma, decay, second,
        parabolic=True,
    )  # fmt: skip
    drift_rise, drift_flat = (whole_samples(t, fast_dt) for t in DRIFT_NS)
    recipe = Recipe(
        baseline=baseline,
        tail=tail,
        decay=decay_of(constants, dt),
        fast_decay=decay_of(constants, fast_dt),
        energy=trapezoid_of(filters.trap_rise_us, filters.trap_flat_us, dt),
        timing=trapezoid_of(*LONG_TRAP_US, dt),
        short=trapezoid_of(*SHORT_TRAP_US, dt),
        cusp_samples=span,
        cusp_pick=_cusp_pick(length, cusp_flat, filters.cusp_flat_us, dt),
        zac_pick=_cusp_pick(length, zac_flat, filters.zac_flat_us, dt),
        drift=Trapezoid(drift_rise, drift_flat, 2.0 * drift_rise + drift_flat),
        fast_baseline=min(whole_samples(FAST_BASELINE_NS, fast_dt), waves.fast.shape[1]),
        start=_start(fast_dt),
        slow_start=_start(dt),
        slow_ns=dt,
        fast_ns=fast_dt,
        fast_t0_ns=waves.fast_t0_ns,
        slow_rail=waves.rail_adc,
        drift_ns=DRIFT_NS[0],
    )
    return recipe, cusp, zac


def _start(dt_ns: float) -> tuple[int, int, int]:
    rise, flat, fall = (whole_samples(t, dt_ns) for t in START_NS)
    return max(rise, 1), flat, max(fall, 1)


def _cusp_pick(length: int, flat: int, flat_us: float, dt_ns: float) -> float:
    """Output of a cusp for a pulse that starts at sample 0: 0.8 along its flat top."""
    return (length - flat) // 2 + PICK * 1e3 * flat_us / dt_ns - (length - 1)
