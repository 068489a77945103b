"""What is known of a run to inputs of the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...nodes.transients.readers.archive import RecordingStreams
from ...schemas.transients.config import Convention, TransientsConfig
from ...schemas.transients.layout import HEADER_BYTES, SAMPLE_BYTES
from ...schemas.transients.logbook import RunMetadata
from ...schemas.transients.recordings import DemodulationPlan, FitSettings, RecordingForm

# Samples before the trigger that are left out.
_GUARDS: Final[Mapping[Convention, int]] = {"ml4see": 100, "physical": 200}
# The filter delays by half its length: the first window begins at the trigger, half a sample late.
_LEAD: Final[Mapping[Convention, int]] = {"ml4see": 0, "physical": 64}
_FLAT_S: Final = (4e-6, 15e-6)


def recording_form(row: RunMetadata, config: TransientsConfig) -> RecordingForm:
    """How the recordings of a run are made, by its row of the logbook."""
    return RecordingForm(
        row.n_pre,
        row.n_post,
        row.sdr_info_fs,
        row.sdr_info_cf,
        row.scan_x_lsb_per_um,
        row.scan_y_lsb_per_um,
        config.transients.values == "ppm",
    )


def guard_samples(config: TransientsConfig) -> int:
    """Samples before the trigger that are no baseline."""
    return config.transients.baseline.guard_samples or _GUARDS[config.transients.convention]


def first_window(n_pre: int, config: TransientsConfig) -> int:
    """The frequency sample at which the first window after the trigger begins."""
    return n_pre - _LEAD[config.transients.convention]


def demodulation_plan(form: RecordingForm, config: TransientsConfig) -> DemodulationPlan:
    """Which samples and windows are used of recordings of a form."""
    transients = config.transients
    settings, windows = transients.demodulation, transients.windows
    n_post = min(settings.post_samples or form.n_post, form.n_post)
    n_samples = form.n_pre + n_post
    n_before = form.n_pre - guard_samples(config)
    start = first_window(form.n_pre, config)
    n_late = n_samples - settings.taps - start
    every = settings.decimate
    flat_first, flat_last = (round(t * form.fs_Hz / every) * every for t in _FLAT_S)
    return DemodulationPlan(
        n_samples=n_samples,
        n_before=n_before,
        start=start,
        window=windows.length,
        step=windows.step,
        decimate=every,
        n_pre_windows=(n_before - windows.length) // windows.step + 1,
        n_post_windows=(n_late - windows.length) // windows.step + 1,
        flat_first=flat_first,
        flat_length=flat_last - flat_first,
        fs_Hz=form.fs_Hz,
    )


def fit_settings(form: RecordingForm, config: TransientsConfig) -> FitSettings:
    """Times of the windows and what a fit is worth, by the convention."""
    transients = config.transients
    fit, is_physical = transients.fit, transients.convention == "physical"
    if is_physical:
        begin_s = 0.5 / form.fs_Hz - transients.demodulation.trigger_delay_s
    else:
        begin_s = (transients.windows.length - 1) / form.fs_Hz
    return FitSettings(
        fit.components, fit.r2_min, fit.degenerate_span, begin_s, is_physical, not is_physical
    )


def carrier_Hz(form: RecordingForm, config: TransientsConfig) -> float:
    """What is added to the baseline for the frequency that ppm refer to."""
    quarter = form.fs_Hz / 4 if config.transients.carrier.reference == "cf_plus_lo" else 0.0
    return form.cf_Hz + quarter


def run_inputs(row: RunMetadata, config: TransientsConfig) -> dict[str, Any]:
    """What the graph is told of a run with recordings."""
    form = recording_form(row, config)
    most = HEADER_BYTES + SAMPLE_BYTES * form.n_samples + 1
    return {
        "recording_form": form,
        "demodulation_plan": demodulation_plan(form, config),
        "fit_settings": fit_settings(form, config),
        "carrier_Hz": float(carrier_Hz(form, config)),
        "recording_streams": RecordingStreams(most),
    }
