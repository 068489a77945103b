"""The pages of a light report: what is drawn, of what, and that no bad channel costs a page."""

from types import MappingProxyType

import numpy as np
from radiograph.nodes.lightdqm import figures
from radiograph.nodes.lightdqm.figure_parts import Heading
from radiograph.nodes.lightdqm.grouping import CHANNELS_OF_EPCB, EPCB_OF_CHANNEL, HAS_SENSOR
from radiograph.schemas.lightdqm import frames
from radiograph.schemas.lightdqm.arrays import EpcbSpectra, LightLayout, PickedWaveforms
from radiograph.schemas.lightdqm.settings import (
    MaskLimits,
    NoiseWindow,
    PageSettings,
    RunFacts,
    VerdictLimits,
)
from radiograph.schemas.sheets import Marks, Words
from radiograph.schemas.tables import categories_of

HEADING = Heading("run_7.FLOW.hdf5", "2025-09-07 07:00:12 to 07:12:10 CDT", "500 of 2000 events")
# 2025-09-07 12:00:12 UTC.
START_MS = 1_757_246_412_000


def text_column(schema, name, values):
    categories = schema[name].categories
    return categories_of([categories.index(v) for v in values], categories)


def places(n_adcs):
    return {"adc": np.repeat(np.arange(n_adcs), 64), "channel": np.tile(np.arange(64), n_adcs)}


def summary(schema, value, half_width, n=400, source="self"):
    value = np.asarray(value, dtype=float)
    size = value.size
    there = np.isfinite(value.ravel())
    return schema.frame(
        {
            **places(len(value)),
            "median_adc16": value.ravel(),
            "p16_adc16": value.ravel() - half_width,
            "p84_adc16": value.ravel() + 1.5 * half_width,
            "n": np.where(there, n, 0),
            "source": text_column(schema, "source", [source if t else "none" for t in there]),
        }
    ).iloc[:size]


def masks_frame(n_adcs, **changed):
    shape = (n_adcs, 64)
    columns = {
        "known_status": np.where(HAS_SENSOR, 0, -1) * np.ones(shape, int),
        "active": HAS_SENSOR & np.ones(shape, bool),
        "dead": np.zeros(shape, bool),
        "flat": np.zeros(shape, bool),
        "railed": np.zeros(shape, int),
        "baseline_code": np.zeros(shape, int),
        "move_adc16": np.full(shape, np.nan),
        "flatline_state": np.where(HAS_SENSOR, "good", "inactive") + np.full(shape, ""),
        "baseline_state": np.where(HAS_SENSOR, "good", "inactive") + np.full(shape, ""),
    }
    columns["flatline_state"] = columns["flatline_state"].astype("U10")
    columns["baseline_state"] = columns["baseline_state"].astype("U10")
    for name, changes in changed.items():
        for at, value in changes.items():
            columns[name][at] = value
    flat = {name: values.ravel() for name, values in columns.items()}
    schema = frames.CHANNEL_MASKS
    for name in ("flatline_state", "baseline_state"):
        flat[name] = text_column(schema, name, flat[name])
    return schema.frame({**places(n_adcs), **flat})


def fractions_frame(n_adcs, k=1, n=28, triggers=("self", "beam")):
    schema = frames.DQM_FRACTIONS
    adc, channel = np.nonzero(np.tile(HAS_SENSOR, (n_adcs, 1)))
    parts = [
        (quantity, trigger, by)
        for quantity in frames.QUANTITIES
        for trigger in triggers
        for by in frames.GRANULARITIES
    ]
    size, times = len(adc), len(parts)
    fraction = k / n if n else np.nan
    return schema.frame(
        {
            "quantity": text_column(schema, "quantity", np.repeat([p[0] for p in parts], size)),
            "trigger": text_column(schema, "trigger", np.repeat([p[1] for p in parts], size)),
            "granularity": text_column(
                schema, "granularity", np.repeat([p[2] for p in parts], size)
            ),
            "adc": np.tile(adc, times),
            "channel": np.tile(channel, times),
            "group": np.tile(EPCB_OF_CHANNEL[channel], times),
            "n": np.full(size * times, n),
            "k": np.full(size * times, k),
            "fraction": np.full(size * times, fraction),
            "lower": np.full(size * times, 0.5 * fraction if n else 0.0),
            "upper": np.full(size * times, min(2.0 * fraction + 0.01, 1.0) if n else 1.0),
            "status": text_column(schema, "status", ["ok" if n else "no_data"] * (size * times)),
        }
    )


def sparks_frame(n_adcs, k=()):
    adc, channel = np.nonzero(np.tile(HAS_SENSOR, (n_adcs, 1)))
    found = np.zeros((n_adcs, 64), int)
    for at, value in dict(k).items():
        found[at] = value
    size = len(adc)
    return frames.SPARK_RATES.frame(
        {
            "adc": adc,
            "channel": channel,
            "n": np.full(size, 100),
            "k": found[adc, channel],
            "fraction": found[adc, channel] / 100.0,
            "lower": np.zeros(size),
            "upper": np.ones(size),
            "largest_step_adc16": np.zeros(size),
        }
    )


def earlier_frame(baselines):
    schema = frames.EARLIER_RUNS
    value = np.asarray(baselines, dtype=float).ravel()
    size = len(value)
    return schema.frame(
        {
            "quantity": text_column(schema, "quantity", ["baseline"] * size),
            "trigger": text_column(schema, "trigger", ["self"] * size),
            "granularity": text_column(schema, "granularity", ["channel"] * size),
            **places(size // 64),
            "value": value,
            "sigma": np.full(size, 5.0),
            "lower": value - 60.0,
            "upper": value + 60.0,
            "n": np.full(size, 400),
            "k": np.zeros(size),
            "n_files": np.full(size, 3),
        }
    )


def events_frame(n=40, utime=START_MS):
    schema = frames.LIGHT_EVENTS
    return schema.frame(
        {
            "event_row": np.arange(n),
            "event_id": np.arange(n) + 100,
            "event_number": np.arange(n),
            "trigger": text_column(schema, "trigger", ["self", "beam"] * (n // 2)),
            "utime_ms": np.where(utime > 0, utime + 1000 * np.arange(n), -1),
            "tai_ns": np.full(n, -1),
            "utime_spread_ms": np.zeros(n),
            "n_adcs_present": np.full(n, 8),
        }
    )


def counts_frame(self=20, beam=20, unknown=0):
    schema = frames.TRIGGER_COUNTS
    return schema.frame(
        {
            "trigger": text_column(schema, "trigger", frames.TRIGGERS),
            "n_events": [self, beam, unknown],
            "n_selected": [self, beam, unknown],
        }
    )


def values_of(n_adcs, center, width, seed=1):
    return center + width * np.random.default_rng(seed).standard_normal((n_adcs, 64))


def spectra_of(n_adcs, n_bins=301):
    power = np.full((n_adcs, 8, n_bins), 1e-9)
    power[:, 2, 40] = 1e-6
    frequency = np.arange(n_bins) / (2 * (n_bins - 1) * 0.016)
    return EpcbSpectra(frequency, power, 0.69 * power, np.full((n_adcs, 8), 6, np.int32))


def picked_of(n_adcs, n_samples=600):
    rng = np.random.default_rng(3)
    samples = rng.normal(-28000, 10, (n_adcs, 8, 6, n_samples)).astype(np.int16)
    samples[..., 250:260] += 5000
    rows = np.arange(n_adcs * 8).reshape(n_adcs, 8)
    return PickedWaveforms(
        rows, rows + 4000, rows % 3 > 0, CHANNELS_OF_EPCB.astype(np.int32), samples
    )


LIMITS = {
    "baseline_band_adc16": ((-30000.0, -26000.0),), "spread_adc16": 900, "dead_adc16": 300,
    "dead_fraction": 0.2, "least_chances": 10, "flat_adc16": 2, "rail_adc16": 100,
    "move_sigma": 3, "move_adc16": 100,
}  # fmt: skip
MASK_LIMITS = MaskLimits(**{k: v for k, v in LIMITS.items() if k in MaskLimits.model_fields})


def report(n_adcs=2, settings=None, **changed):
    """The nodes of figures.py one after the other: sheets by page, and the files."""
    given = {
        "noise": summary(frames.NOISE_SUMMARY, values_of(n_adcs, 30.0, 2.0), 1.0),
        "baseline": summary(frames.BASELINE_SUMMARY, values_of(n_adcs, -28000.0, 300.0), 40.0),
        "masks": masks_frame(n_adcs),
        "fractions": fractions_frame(n_adcs),
        "sparks": sparks_frame(n_adcs),
        "earlier": frames.EARLIER_RUNS.empty(),
        "events": events_frame(),
        "counts": counts_frame(),
        "spectra": spectra_of(n_adcs),
        "picked": picked_of(n_adcs),
        **changed,
    }
    layout = LightLayout(40, n_adcs, 64, given["picked"].samples.shape[-1], 0, 18, 16.0, ())
    pages = PageSettings(**(settings or {}))
    facts = RunFacts("run_7.FLOW.hdf5", MappingProxyType({"ptps16bit": "500"}), "")
    heading = figures.page_heading(given["events"], given["counts"], pages, facts)
    names = figures.page_names(given["counts"], pages)
    letters = figures.baseline_letters__bits(given["masks"])
    grids = figures.mask_grids(given["masks"], letters, given["sparks"], VerdictLimits())
    sheets = figures.report_pages(
        figures.arguments_page(layout, heading, pages, facts),
        figures.mask_pages(grids, heading, pages),
        figures.waveform_page(given["picked"], layout, NoiseWindow(samples=50), heading, pages),
        figures.summary_pages(
            given["noise"], given["baseline"], given["masks"], given["earlier"], MASK_LIMITS,
            layout, heading, pages,
        ),
        figures.spectra_page(given["spectra"], heading),
        figures.fraction_pages(
            given["fractions"], given["masks"], given["earlier"], heading, names
        ),
        names,
    )  # fmt: skip
    return sheets, figures.mask_pictures(grids, heading, pages)


def words_of(sheet):
    return [s.text for s in sheet.shapes if isinstance(s, Words)]


def marks_of(sheet, symbol):
    return [s for s in sheet.shapes if isinstance(s, Marks) and s.symbol == symbol]


def hovers(sheet):
    return [text for s in sheet.shapes if isinstance(s, Marks) for text in s.texts]


def test_the_usual_pages_in_the_order_of_their_names():
    sheets, _ = report()
    assert list(sheets) == [
        "arguments", "baseline_mask", "flatline_mask", "waveforms", "baselines", "noises",
        "spectra", "clipped_beam_epcb", "negative_beam_tpc", "negative_self_tpc",
        "clipped_self_epcb",
    ]  # fmt: skip
    assert [s.name for s in sheets.values()] == [
        "args", "plot0_baseline", "plot0_flatline", "plot1_sumwvfm", "plot2_baselines",
        "plot4_noises", "plot5_powspec", "plot6_clipped_beam_epcb", "plot6_negatives_beam_tpc",
        "plot6_negatives_self_tpc", "plot_clipped6_self_epcb",
    ]  # fmt: skip
    assert not any(s.problem for s in sheets.values())
