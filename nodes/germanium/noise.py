"""Noise of forced triggers and of what energy filters leave of it. No nodes.

Every filter is a finite kernel on the samples, pole-zero correction and baseline subtraction in
it, so the variance of its output is the integral of S(f) |H(f)|^2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ...schemas.germanium.noise import (
    FILTERS,
    NOISE_CURVES,
    NOISE_OPTIMA,
    NoiseSpectrum,
)
from ..peaks.shapes import FWHM_PER_SIGMA
from .filters import NO_SECOND, cusp_kernel, falling_pulse, of_steps, zac_kernel

GROUPS: Final = 20
_FINER: Final = 8
_PULSE_DECAYS: Final = 3.0
# A Hann window adds 1/6 of the second difference of a spectrum to it, chords between its points
# 1/12: of steps, whose power rises from 0 as f^2, a cusp would see too much.
_SMEARING: Final = 0.25


def noise_spectrum(waves: Any, sample_ns: float) -> NoiseSpectrum:
    """Power of baselines (n, samples) by P. D. Welch's method, one Hann window a waveform.

    Of the steps between neighbouring samples: they are stationary where the baseline walks, and
    no window smears the power at low frequencies over the others. In up to 20 groups of
    waveforms. ValueError without any, or with fewer than 8 samples.

    Notes
    -----
    P. D. Welch, IEEE Trans. Audio Electroacoust. 15 (1967) 70; R. B. Blackman and J. W. Tukey, The
    Measurement of Power Spectra (1958), B.5 (prewhitening). One-sided: the integral over positive
    frequencies is the variance.
    """
    x = np.asarray(waves, dtype=np.float64)
    if x.ndim != 2 or len(x) == 0 or x.shape[1] < 8:
        msg = f"waveforms of shape {x.shape}; at least one of 8 samples is needed"
        raise ValueError(msg)
    steps = np.diff(x, axis=1)
    n = steps.shape[1]
    window = np.hanning(n + 1)[:-1]
    scale = np.full(n // 2 + 1, 2.0 * sample_ns * 1e-9 / (window**2).sum())
    means = [
        (np.abs(np.fft.rfft(group * window, axis=1)) ** 2).mean(axis=0) * scale
        for group in np.array_split(steps, min(GROUPS, len(x)))
    ]
    frequency: F8 = np.asarray(np.fft.rfftfreq(n, sample_ns * 1e-9), dtype=np.float64)
    return NoiseSpectrum(frequency, np.array(means), len(x), sample_ns)


def trapezoid_kernel(
    rise: int, flat: int, decay: float, second: tuple[float, float] = NO_SECOND
) -> F8:
    """The trapezoid of pole-zero corrected samples as a kernel on those before the correction."""
    box = np.concatenate([np.full(rise, 1.0 / rise), np.zeros(flat), np.full(rise, -1.0 / rise)])
    return of_steps(np.append(np.cumsum(box), 0.0), decay, second)


def with_baseline(kernel: F8, n_baseline: int) -> F8:
    """The kernel for the first output that fits, of samples less the mean of the first ones.

    Its sum is zero, so that power below the first frequency of a spectrum does not matter.
    """
    whole = (
        kernel.copy()
        if len(kernel) >= n_baseline
        else np.pad(kernel, (0, n_baseline - len(kernel)))
    )
    # The newest sample comes first: the baseline is the end of the kernel.
    whole[len(whole) - n_baseline :] -= kernel.sum() / n_baseline
    return whole


def gain_of(kernel: F8, decay: float, second: tuple[float, float] = NO_SECOND) -> float:
    """Greatest output for a pulse of height 1 with one decay, or two, in samples."""
    from scipy.signal import fftconvolve

    pulse = falling_pulse(int(len(kernel) + _PULSE_DECAYS), decay, second)
    return float(fftconvolve(pulse, kernel)[: len(pulse)].max())


def output_sigmas(kernel: F8, spectrum: NoiseSpectrum) -> F8:
    """Standard deviation of the output of a kernel of sum zero, in each group, (g,).

    The kernel on samples is its running sum on steps: the integral of S |H|^2 over those.
    ValueError for a kernel that is longer than the waveforms of the spectrum.
    """
    longest = _samples_of(spectrum)
    if len(kernel) > longest:
        msg = f"a kernel of {len(kernel)} samples on noise of {longest}"
        raise ValueError(msg)
    fine = np.fft.rfftfreq(_FINER * longest, spectrum.sample_ns * 1e-9)
    gain = np.abs(np.fft.rfft(np.cumsum(kernel), _FINER * longest)) ** 2
    known, smeared = spectrum.frequency_Hz, spectrum.steps_adc2_per_Hz
    beside = np.pad(smeared, ((0, 0), (1, 1)), mode="reflect")
    sharp = smeared - _SMEARING * (beside[:, 2:] - 2.0 * smeared + beside[:, :-2])
    power = np.array([np.interp(fine, known, group) for group in sharp])
    return np.asarray(np.sqrt(np.trapezoid(power * gain, fine, axis=1)))


def _samples_of(spectrum: NoiseSpectrum) -> int:
    """About how many samples its waveforms had: one or none too few."""
    return 2 * (len(spectrum.frequency_Hz) - 1) + 1


def filtered_sigma(kernel: F8, waves: Any, n_baseline: int) -> tuple[float, float]:
    """The same from one output of the filter on each waveform, and its error.

    The mean of the first ``n_baseline`` samples is taken away before.
    """
    x = np.asarray(waves, dtype=np.float64)
    n = max(len(kernel), n_baseline)
    x = x[:, :n] - x[:, :n_baseline].mean(axis=1, keepdims=True)
    outputs = x[:, n - len(kernel) :] @ kernel[::-1]
    sigma = float(np.sqrt((outputs**2).mean()))
    return sigma, sigma / float(np.sqrt(2.0 * len(outputs)))


def kernels_of(
    flat_us: float,
    kernel_us: float,
    decay_us: float,
    sample_ns: float,
    second: tuple[float, float] = NO_SECOND,
) -> Mapping[str, Callable[[float], F8]]:
    """By filter: its kernel for a shaping time in us. Times become whole samples.

    ``second``: a faster decay, in samples, and its fraction.
    """

    def samples(us: float) -> int:
        return max(int(np.round(us * 1e3 / sample_ns)), 1)

    length, flat, decay = samples(kernel_us), samples(flat_us), decay_us * 1e3 / sample_ns
    return {
        "trap": lambda us: trapezoid_kernel(samples(us), flat, decay, second),
        "cusp": lambda us: cusp_kernel(length, us * 1e3 / sample_ns, flat, decay, second),
        "zac": lambda us: zac_kernel(length, us * 1e3 / sample_ns, flat, decay, second),
    }


def noise_curves(
    spectrum: NoiseSpectrum,
    shaping_us: Sequence[float],
    flat_us: float,
    kernel_us: float,
    decay_us: float,
    baseline_us: float,
    second: tuple[float, float] = NO_SECOND,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """FWHM of the noise by filter and shaping time, and the least of each filter.

    Times at which a filter does not fit into the waveforms are left out. The minimum is that of a
    parabola in the logarithm of the time through three points, with errors from the groups.
    """
    made = kernels_of(flat_us, kernel_us, decay_us, spectrum.sample_ns, second)
    decay = decay_us * 1e3 / spectrum.sample_ns
    n_baseline = int(np.round(baseline_us * 1e3 / spectrum.sample_ns))
    longest = _samples_of(spectrum)
    curves: dict[str, list[Any]] = {name: [] for name in NOISE_CURVES.names}
    optima: dict[str, list[Any]] = {name: [] for name in NOISE_OPTIMA.names}
    for name in FILTERS:
        kernels = {us: made[name](us) for us in shaping_us}
        fitting = {us: k for us, k in kernels.items() if len(k) <= longest}
        if not fitting:
            continue
        times = np.array(list(fitting))
        groups = FWHM_PER_SIGMA * np.array(
            [
                output_sigmas(with_baseline(k, n_baseline), spectrum) / gain_of(k, decay, second)
                for k in fitting.values()
            ]
        )
        mean = np.sqrt((groups**2).mean(axis=1))
        curves["filter"] += [name] * len(times)
        curves["shaping_us"] += list(times)
        curves["fwhm_adc"] += list(mean)
        curves["fwhm_err_adc"] += list(_error_of(groups))
        best = least_of(times, mean)
        scatter = np.array([least_of(times, g) for g in groups.T])
        optima["filter"].append(name)
        for k, key in enumerate(("shaping_us", "fwhm_adc")):
            optima[key].append(best[k])
        optima["shaping_err_us"].append(_error_of(scatter[np.newaxis, :, 0])[0])
        optima["fwhm_err_adc"].append(_error_of(scatter[np.newaxis, :, 1])[0])
        optima["at_end"].append(int(mean.argmin()) in (0, len(times) - 1))
    return NOISE_CURVES.frame(curves), NOISE_OPTIMA.frame(optima)


def _error_of(groups: F8) -> F8:
    """Error of the mean along the last axis; NaN of one value."""
    n = groups.shape[-1]
    return np.asarray(
        groups.std(axis=-1, ddof=1) / np.sqrt(n) if n > 1 else np.full(groups.shape[:-1], np.nan)
    )


def least_of(times: F8, values: F8) -> tuple[float, float]:
    """Where a curve is least, and how low: a parabola in ln t through the three points there.

    The lowest point itself at an end of the curve.
    """
    k = int(values.argmin())
    if k in (0, len(values) - 1):
        return float(times[k]), float(values[k])
    near = slice(k - 1, k + 2)
    x = np.log(times[near] / times[k])
    c = np.polyfit(x, values[near], 2)
    at = -0.5 * c[1] / c[0]
    return float(times[k] * np.exp(at)), float(np.polyval(c, at))
