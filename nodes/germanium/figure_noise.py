"""The page of the noise of forced triggers. No nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.germanium.noise import NoiseSpectrum
from ...schemas.sheets import Sheet, Words
from ..sheets.frames import BLUE, GREEN, GREY, VERMILION, Frame
from .figure_parts import Page, axes, curve, key, limits_of, points, table, with_error

_IN_TABLE = ("shaping_us", "fwhm_adc", "of_waveforms_adc", "of_waveforms_err_adc")
_COLORS = {"trap": BLUE, "cusp": VERMILION, "zac": GREEN}


def noise_sheet(
    spectrum: NoiseSpectrum, curves: pd.DataFrame, check: pd.DataFrame, channel: str
) -> Sheet:
    """Power of the baselines, and the noise by shaping time with that of the waveforms."""
    page = Page("noise", f"{channel}: noise of forced triggers", 5.6)
    power = spectrum.power_adc2_per_Hz[1:]
    decade = np.log10(spectrum.frequency_Hz[1:] / 1e6)
    positive = power[power > 0.0]
    low, high = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
    left = Frame(1.0, 1.9, 4.6, 3.0, limits_of(decade, 0.0), (0.5 * low, 2.0 * high), log_y=True)
    page.shapes += [curve(left, decade, power, BLUE)]
    page.shapes += axes(left, "log₁₀ frequency (MHz)", "power (ADC²/Hz)", at_most=(6, 6))
    said = f"{spectrum.n_waveforms} baselines of {spectrum.sample_ns:g} ns a sample"
    page.shapes.append(Words(left.x + left.w, left.y + left.h + 0.12, said, 8.5, GREY, "right"))
    times, widths = curves["shaping_us"], curves["fwhm_adc"]
    # Long and short times may be far above the least: that is what is looked for.
    reach = (0.0, 2.5 * float(widths.min())) if len(widths) else (0.0, 1.0)
    right = Frame(7.0, 1.9, 4.6, 3.0, limits_of(times, 0.03), reach)
    for name, color in _COLORS.items():
        own = curves[curves["filter"] == name]
        page.shapes += [curve(right, own["shaping_us"], own["fwhm_adc"], color)]
        of_waves = check[check["filter"] == name]
        page.shapes += points(
            right, of_waves["shaping_us"], of_waves["of_waveforms_adc"],
            of_waves["of_waveforms_err_adc"], color, 6.0,
        )  # fmt: skip
    page.shapes += axes(right, "rise or sigma (µs)", "FWHM of the noise (ADC)")
    page.shapes += key(right.x + 2.9, right.y + 0.7, list(_COLORS.items()))
    dots = "dots: the filter run on the baselines"
    page.shapes.append(Words(right.x + right.w, right.y + right.h + 0.12, dots, 8.5, GREY, "right"))
    rows = [("filter", "least at (µs)", "FWHM of the spectrum (ADC)", "of the baselines (ADC)")]
    columns = [check[name].to_numpy(dtype=float) for name in _IN_TABLE]
    for name, us, of_spectrum, seen, error in zip(check["filter"], *columns, strict=True):
        rows.append((str(name), f"{us:.2f}", f"{of_spectrum:.3f}", with_error(seen, error)))
    page.shapes += table(1.0, 1.05, (1.2, 1.6, 2.8, 2.6), rows)
    return page.sheet()
