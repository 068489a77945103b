"""The pages of a light report: what is drawn, of what, and that no bad channel costs a page."""

import functools
import io
import re
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image
from radiograph.nodes.lightdqm import figures
from radiograph.nodes.lightdqm.figure_data import (
    code_letters,
    drawn_unit,
    flatline_grid,
    fraction_points,
    summary_points,
)
from radiograph.nodes.lightdqm.figure_masks import KIND_NAMES, mask_sheet
from radiograph.nodes.lightdqm.figure_parts import Heading
from radiograph.nodes.lightdqm.figure_points import points_sheet
from radiograph.nodes.lightdqm.figure_times import local_time, period
from radiograph.nodes.lightdqm.grouping import CHANNELS_OF_EPCB, EPCB_OF_CHANNEL, HAS_SENSOR
from radiograph.schemas.lightdqm import frames
from radiograph.schemas.lightdqm.arrays import EpcbSpectra, LightLayout, PickedWaveforms
from radiograph.schemas.lightdqm.pages import FRACTION_PAGES, FractionPage, unknown_page
from radiograph.schemas.lightdqm.settings import (
    MaskLimits,
    NoiseWindow,
    PageSettings,
    RunFacts,
    VerdictLimits,
)
from radiograph.schemas.sheets import Marks, Strokes, Words
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
        figures.spectra_page__dark(given["spectra"], heading),
        figures.fraction_pages(
            given["fractions"], given["masks"], given["earlier"], heading, names
        ),
        names,
    )  # fmt: skip
    return sheets, figures.mask_pictures(grids, heading, pages)


@functools.cache
def usual():
    """The usual report; nobody writes to it."""
    return report()


def words_of(sheet):
    return [s.text for s in sheet.shapes if isinstance(s, Words)]


def marks_of(sheet, symbol):
    return [s for s in sheet.shapes if isinstance(s, Marks) and s.symbol == symbol]


def hovers(sheet):
    return [text for s in sheet.shapes if isinstance(s, Marks) for text in s.texts]


def test_the_usual_pages_in_the_order_of_their_names():
    sheets, _ = usual()
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


ALL_FRACTIONS = [page for page in FRACTION_PAGES.values() if page.trigger != "unknown"]


def test_both_extras_make_the_fifteen_pages_of_the_script():
    sheets, _ = report(settings={"plot_all_clipped": True, "plot_all_negatives": True})
    extra = {
        "plot6_clipped_beam_ch", "plot8_clipped_ch_self", "plot6_negatives_beam_epcb",
        "plot6_negatives_self_epcb",
    }  # fmt: skip
    names = [s.name for s in sheets.values()]
    assert len(names) == 15
    assert extra <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize("page", ALL_FRACTIONS, ids=lambda page: page.name)
def test_any_fraction_can_be_asked_for_as_a_page(page):
    sheets, _ = report(settings={"pages": (page.name,)})
    assert list(sheets) == [page.name]
    sheet = sheets[page.name]
    assert sheet.name == page.file_name
    assert page.trigger in sheet.title
    assert len([t for t in hovers(sheet) if "28 events" in t]) == 2 * 48


def test_pages_may_be_added_to_the_usual_ones_and_granularities_replace_theirs():
    more, _ = report(settings={"pages": ("usual", "negative_beam_total")})
    assert len(more) == 12
    by_total, _ = report(settings={"granularities": ("total",)})
    assert [n for n in by_total if n in FRACTION_PAGES] == [
        "clipped_beam_total", "negative_beam_total", "negative_self_total", "clipped_self_total",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "near"),
    [("clipped_beam_epbc", "clipped_beam_epcb"), ("waveform", "waveforms"), ("", "")],
)
def test_a_page_that_does_not_exist_is_named(name, near):
    assert f'"{name}" is no page' in unknown_page(name)
    assert near in unknown_page(name)
    assert unknown_page("usual") == ""
    assert unknown_page("clipped_self_tpc") == ""


def test_a_file_that_tells_no_triggers_apart_has_pages_of_unknown_triggers():
    counts = counts_frame(self=0, beam=0, unknown=40)
    fractions = fractions_frame(2, triggers=("self", "beam", "unknown"))
    sheets, _ = report(counts=counts, fractions=fractions)
    assert [n for n in sheets if n in FRACTION_PAGES] == [
        "clipped_unknown_epcb", "negative_unknown_tpc",
    ]  # fmt: skip
    assert not any(s.problem for s in sheets.values())


def test_every_page_says_file_time_and_events():
    sheets, pictures = usual()
    period_text = "2025-09-07 07:00:12 to 07:00:51 CDT"
    for name, sheet in {**sheets, **pictures}.items():
        words = " ".join(words_of(sheet))
        assert "run_7.FLOW.hdf5" in words, name
        assert period_text in words, name
        assert "40 of 40 events (20 self, 20 beam)" in words, name
    for name, sheet in sheets.items():
        assert sheet.name in words_of(sheet), name


def test_the_page_of_arguments_shows_every_argument():
    words = words_of(usual()[0]["arguments"])
    assert any(re.fullmatch(r"ptps16bit +500", w) for w in words)
    assert any("600 samples of 16 ns" in w for w in words)


def everything_is_missing(n_adcs=2):
    nothing = np.full((n_adcs, 64), np.nan)
    spectra = spectra_of(n_adcs)
    picked = picked_of(n_adcs)
    active = np.argwhere(np.tile(HAS_SENSOR, (n_adcs, 1)))
    states = dict.fromkeys(map(tuple, active.tolist()), "no_data")
    return {
        "noise": summary(frames.NOISE_SUMMARY, nothing, 1.0),
        "baseline": summary(frames.BASELINE_SUMMARY, nothing, 1.0),
        "masks": masks_frame(n_adcs, flatline_state=states, baseline_state=states),
        "fractions": fractions_frame(n_adcs, k=0, n=0),
        "spectra": EpcbSpectra(
            spectra.frequency_MHz,
            np.full_like(spectra.mean_V2, np.nan),
            np.full_like(spectra.mean_V2, np.nan),
            np.zeros((n_adcs, 8), np.int32),
        ),
        "picked": PickedWaveforms(
            np.full((n_adcs, 8), -1),
            np.full((n_adcs, 8), -1),
            np.zeros((n_adcs, 8), bool),
            picked.channels,
            np.zeros_like(picked.samples),
        ),
        "events": events_frame(utime=-1),
        "counts": counts_frame(self=0, beam=0),
    }


def test_no_data_is_shown_as_no_data_on_every_page():
    sheets, pictures = report(**everything_is_missing())
    assert not any(s.problem for s in sheets.values())
    for name in ("baselines", "noises", *FRACTION_PAGES):
        if name in sheets:
            assert not [m for m in marks_of(sheets[name], "dot") if m.texts], name
            crosses = [m for m in marks_of(sheets[name], "cross") if m.texts]
            assert sum(len(m.xy) for m in crosses) == 2 * 48, name
            assert all(t.endswith("no data") for m in crosses for t in m.texts)
            assert "100" not in " ".join(hovers(sheets[name])), name
    assert words_of(sheets["waveforms"]).count("no data") == 16
    assert words_of(sheets["spectra"]).count("no data") == 4
    assert "start and end unknown" in " ".join(words_of(sheets["noises"]))
    assert len([t for t in hovers(pictures["baseline"]) if t.endswith("no data")]) == 96
    files = figures.light_figures(pictures, sheets, {}, {})
    assert all(files.values())


@pytest.mark.parametrize("n_adcs", [1, 2, 8])
def test_all_channels_bad_and_any_number_of_adcs_cost_no_page(n_adcs):
    active = np.tile(HAS_SENSOR, (n_adcs, 1))
    bad = dict.fromkeys(zip(*np.nonzero(active), strict=True), 1)
    railed = masks_frame(
        n_adcs, railed=bad, known_status=bad, flatline_state=dict.fromkeys(bad, "dead"),
        baseline_state=dict.fromkeys(bad, "deviates"), baseline_code=bad,
    )  # fmt: skip
    stuck = np.full((n_adcs, 64), 32764.0)
    sheets, pictures = report(
        n_adcs,
        masks=railed,
        baseline=summary(frames.BASELINE_SUMMARY, stuck, 0.0),
        noise=summary(frames.NOISE_SUMMARY, 0.0 * stuck, 0.0),
        fractions=fractions_frame(n_adcs, k=28, n=28),
    )
    assert len(sheets) == 11
    assert not any(s.problem for s in sheets.values())
    assert len(marks_of(pictures["flatline"], "up")[-1].xy) == 48 * n_adcs


def test_one_bad_channel_neither_hides_the_others_nor_leaves_the_page():
    base = values_of(2, -28000.0, 300.0)
    base[0, 20], base[1, 30] = 32764.0, -32768.0
    sheets, _ = report(baseline=summary(frames.BASELINE_SUMMARY, base, 40.0))
    sheet = sheets["baselines"]
    (above,) = [m for m in marks_of(sheet, "up") if m.texts and len(m.xy)]
    (below,) = [m for m in marks_of(sheet, "down") if m.texts and len(m.xy)]
    assert "channel 20: 32\u2009764" in above.texts[0]
    assert "ADC 1 channel 30" in below.texts[0]
    # The others fill a good part of their panel.
    dots = np.concatenate([m.xy for m in marks_of(sheet, "dot") if m.texts])
    first = dots[dots[:, 1] > np.median(dots[:, 1])]
    assert np.ptp(first[:, 1]) > 0.25


def test_points_lie_where_their_values_are_and_bars_end_where_they_should():
    value = np.where(HAS_SENSOR, 10.0, np.nan) + np.zeros((1, 64))
    value[0, 5], value[0, 6] = 12.0, 14.0
    data = summary(frames.NOISE_SUMMARY, value, 1.0)
    unlimited = np.full((1, 2), np.nan)
    points = summary_points(
        "x", "x", data, masks_frame(1), frames.EARLIER_RUNS.empty(), unlimited, "ADC16"
    )
    sheet = points_sheet(points, HEADING, HAS_SENSOR)
    (dots,) = [m for m in marks_of(sheet, "dot") if len(m.xy) == 48]
    at = {
        int(re.search(r"channel (\d+)", t)[1]): xy
        for t, xy in zip(dots.texts, dots.xy, strict=True)
    }
    per_count = (at[6][1] - at[5][1]) / 2.0
    assert at[5][1] - at[4][1] == pytest.approx(2 * per_count)
    assert (at[6][0] - at[4][0]) / 2 == pytest.approx((at[63][0] - at[4][0]) / 59)
    (strokes,) = [s for s in sheet.shapes if isinstance(s, Strokes) and s.xy.shape == (3 * 48, 2)]
    low, high = strokes.xy[0], strokes.xy[1]
    assert at[4][1] - low[1] == pytest.approx(1.0 * per_count)
    assert high[1] - at[4][1] == pytest.approx(1.5 * per_count)


def test_known_bad_and_unused_channels_are_faded_and_earlier_files_are_a_band():
    base = values_of(1, -28000.0, 100.0)
    masks = masks_frame(1, known_status={(0, 9): 2})
    points = summary_points(
        "x", "x", summary(frames.BASELINE_SUMMARY, base, 40.0), masks,
        earlier_frame(np.where(np.arange(64) == 7, np.nan, base + 10.0)),
        np.array([[-30000.0, -26000.0]]), "ADC16",
    )  # fmt: skip
    assert np.flatnonzero(points.faded[0] & HAS_SENSOR).tolist() == [9]
    assert points.faded[0][~HAS_SENSOR].all()
    assert points.earlier[0, 0, 8] == pytest.approx(base[0, 8] + 10.0)
    assert np.isnan(points.earlier[:, 0, 7]).all()
    sheet = points_sheet(points, HEADING, HAS_SENSOR)
    alphas = {m.alpha: len(m.xy) for m in marks_of(sheet, "dot") if m.texts}
    assert alphas == {1.0: 47, 0.25: 17}
    assert "earlier files" in words_of(sheet)


@pytest.mark.parametrize(
    ("units", "name", "factor"),
    [("ADC16", "ADC16 counts", 1.0), ("ADC14", "ADC14 counts", 0.25), ("V", "V", 1 / 32768)],
)
def test_units_are_exact_and_named(units, name, factor):
    base = values_of(2, -28000.0, 100.0)
    data = summary(frames.BASELINE_SUMMARY, base, 40.0)
    points = summary_points(
        "x",
        "x",
        data,
        masks_frame(2),
        frames.EARLIER_RUNS.empty(),
        np.full((2, 2), -30000.0),
        units,
    )
    assert points.unit == name
    np.testing.assert_array_equal(points.value, base * factor)
    np.testing.assert_array_equal(points.allowed, -30000.0 * factor)
    sheets, _ = report(settings={"units": units})
    assert name in sheets["waveforms"].title


def test_small_voltages_are_in_millivolt():
    assert drawn_unit("V", 30.0) == (1000.0 / 32768.0, "mV")
    assert drawn_unit("ADC14", 30.0) == (0.25, "ADC14 counts")


def test_fractions_are_percent_with_their_own_interval():
    page = FractionPage("clipped", "beam", "epcb")
    fractions = fractions_frame(2)
    other = (
        (fractions["trigger"] != "beam")
        | (fractions["quantity"] != "clipped")
        | (fractions["granularity"] != "epcb")
    )
    fractions.loc[other, "fraction"] = 0.9
    points = fraction_points(page, fractions, masks_frame(2), frames.EARLIER_RUNS.empty())
    assert points.name == "plot6_clipped_beam_epcb"
    assert points.value[0, 4] == pytest.approx(100 / 28)
    assert np.isnan(points.value[0, 3])
    assert not points.drawn[0, 3]
    assert points.upper[1, 63] == pytest.approx(100 * (2 / 28 + 0.01))


def test_the_scale_of_fractions_reaches_a_tenth_above_the_largest_bar_below_100():
    sheets, _ = report(fractions=fractions_frame(2, k=1, n=28))
    sheet = sheets["clipped_beam_epcb"]
    bars = next(s for s in sheet.shapes if isinstance(s, Strokes) and s.xy.shape == (3 * 48, 2))
    top = bars.xy[1][1]
    frame = next(s for s in sheet.shapes if isinstance(s, Strokes) and s.width == 0.8)
    frame_top, frame_bottom = np.nanmax(frame.xy[:5, 1]), np.nanmin(frame.xy[:5, 1])
    zero = frame_bottom + 0.04 / 1.04 * (frame_top - frame_bottom)
    assert (frame_top - zero) / (top - zero) == pytest.approx(1.1)


def kinds_at(grid, *places_):
    return [KIND_NAMES[grid.kinds[at]] for at in places_]


def test_the_flatline_mask_tells_dead_stuck_flat_sparking_and_known_apart():
    masks = masks_frame(
        2,
        flatline_state={(0, 4): "dead", (0, 5): "known", (0, 6): "no_data", (0, 7): "dead",
                        (0, 8): "dead", (0, 9): "dead", (1, 5): "known"},
        railed={(0, 7): 1, (0, 8): -1, (1, 5): 1},
        flat={(0, 9): True},
    )  # fmt: skip
    sparking = np.zeros((2, 64), bool)
    sparking[1, 40] = sparking[1, 5] = sparking[0, 4] = True
    grid = flatline_grid("x", masks, sparking)
    row = [(0, c) for c in range(3, 11)]
    assert kinds_at(grid, *row) == [
        "inactive", "bad", "known", "no_data", "railed_high", "railed_low", "flat", "good",
    ]  # fmt: skip
    assert kinds_at(grid, (1, 40), (1, 5), (1, 41)) == ["sparking", "known", "good"]
    sheet = mask_sheet(grid, HEADING, faces=True)
    assert "ADC 0 channel 4: dead: contact LRS expert" in hovers(sheet)
    assert sum(len(m.texts) for m in marks_of(sheet, "ring")) == 96 - 8
    assert not any("channel 3:" in t for t in hovers(sheet))


def test_only_a_sure_rate_of_sparks_is_drawn():
    grids = figures.mask_grids(
        masks_frame(1), np.full((1, 64), ""), sparks_frame(1, {(0, 5): 20, (0, 6): 3}),
        VerdictLimits(),
    )  # fmt: skip
    assert kinds_at(grids["flatline_mask"], (0, 5), (0, 6)) == ["sparking", "good"]


def test_the_baseline_mask_says_why_and_a_dot_replaces_the_mark():
    masks = masks_frame(
        1,
        baseline_state={(0, 4): "deviates", (0, 5): "deviates", (0, 6): "known"},
        baseline_code={(0, 4): 1 | 4, (0, 5): 2, (0, 6): 7},
        known_status={(0, 6): 2},
    )
    letters = code_letters(masks)
    assert letters[0, 4:8].tolist() == ["bm", "s", "bsm", ""]
    grids = figures.mask_grids(masks, letters, sparks_frame(1), VerdictLimits())
    grid = grids["baseline_mask"]
    assert kinds_at(grid, (0, 4), (0, 5), (0, 6), (0, 7)) == ["bad", "bad", "known", "good"]
    assert grid.letters[0, 4:8].tolist() == ["bm", "s", "", ""]
    words = words_of(mask_sheet(grid, HEADING, faces=True))
    assert {"bm", "s"} <= set(words)
    assert any("outside of the band" in w for w in words)
    legacy = figures.baseline_letters__none(masks)
    assert set(legacy.ravel()) == {""}


def test_faces_in_the_pictures_and_crosses_in_the_report_unless_merged():
    masks = masks_frame(2, flatline_state={(0, 4): "dead"})

    def symbols(**settings):
        sheets, pictures = report(masks=masks, settings=settings)
        return [
            {s for s in ("frown", "cross") if marks_of(sheet, s)}
            for sheet in (pictures["flatline"], sheets["flatline_mask"])
        ]

    assert symbols() == [{"frown"}, {"cross"}]
    assert symbols(merge_grafana_plots=True) == [{"frown"}, {"frown"}]
    assert symbols(faces=False) == [{"cross"}, {"cross"}]


def test_the_pictures_are_16_by_4_inches_at_100_dpi_and_the_pdf_has_every_page():
    sheets, pictures = usual()
    files = figures.light_figures(pictures, sheets, {}, {})
    assert list(files) == ["baseline.png", "flatline.png", "main.pdf"]
    for name in ("baseline.png", "flatline.png"):
        with Image.open(io.BytesIO(files[name])) as image:
            assert image.format == "PNG"
            assert image.size == (1600, 400)
    assert len(re.findall(rb"/Type /Page\b", files["main.pdf"])) == 11
    assert files["main.pdf"].startswith(b"%PDF")
    assert figures.light_figures(pictures, sheets, {}, {}) == files
    assert b"CreationDate" not in files["main.pdf"]
    boxes = [
        tuple(float(v) / 72 for v in box.split())
        for box in re.findall(rb"/MediaBox \[ 0 0 ([0-9. ]+) \]", files["main.pdf"])
    ]
    assert (16.0, 4.0) in boxes


def test_waveforms_stand_above_their_baselines_with_the_event_beside():
    picked = picked_of(2)
    sheets, _ = report(picked=picked)
    words = words_of(sheets["waveforms"])
    assert "event 4001" in words
    assert "event 4000 (no light)" in words
    assert "EPCB 7: channels 58–63" in words
    *channels, total = [
        s for s in sheets["waveforms"].shapes if isinstance(s, Strokes) and s.width == 0.6
    ]
    assert len(channels) == 6
    # Six channels of the same height: a sixth of the sum.
    heights = [np.nanmax(s.xy[:300, 1]) - np.nanmedian(s.xy[:300, 1]) for s in (channels[0], total)]
    assert heights[1] / heights[0] == pytest.approx(6.0, rel=0.05)


def test_spectra_name_their_unit_and_show_mean_and_median():
    sheets, _ = report(spectra=spectra_of(2, 501))
    sheet = sheets["spectra"]
    assert "dark waveforms (V² per bin of 62.5 kHz)" in sheet.title
    legacy = figures.spectra_page__of_script(spectra_of(2), HEADING)["spectra"]
    assert "of all waveforms" in legacy.title
    words = words_of(sheet)
    assert (
        sum(w.endswith(": mean") for w in words) == sum(w.endswith(": median") for w in words) == 2
    )
    lines = [s for s in sheet.shapes if isinstance(s, Strokes) and s.width == 0.7]
    assert len(lines) == 2 * 2 * 8
    assert all(len(s.xy) == 500 for s in lines)  # without the pedestal


def test_a_page_that_fails_costs_no_other_page():
    wrong = spectra_of(2)
    broken = EpcbSpectra(wrong.frequency_MHz, wrong.mean_V2[:, :, :7], wrong.median_V2, None)
    sheets, pictures = report(spectra=broken)
    assert [s.name for s in sheets.values() if s.problem] == ["plot5_powspec"]
    assert any("plot5_powspec could not be drawn" in w for w in words_of(sheets["spectra"]))
    files = figures.light_figures(pictures, sheets, {}, {})
    assert len(re.findall(rb"/Type /Page\b", files["main.pdf"])) == 11


def test_times_are_those_of_the_zone_in_summer_and_winter():
    # The script is an hour off: 12:00:12 UTC is 07:00:12 in Chicago in summer.
    assert local_time(START_MS, "America/Chicago") == "2025-09-07 07:00:12 CDT"
    winter = START_MS + 120 * 86_400_000
    assert local_time(winter, "America/Chicago") == "2026-01-05 06:00:12 CST"
    assert period(np.array([-1, START_MS, 0, START_MS + 5000]), "UTC") == (
        "2025-09-07 12:00:12 to 12:00:17 UTC"
    )
    assert period(np.array([START_MS, winter]), "America/Chicago") == (
        "2025-09-07 07:00:12 CDT to 2026-01-05 06:00:12 CST"
    )
    assert period(np.array([], dtype=np.int64), "UTC") == "start and end unknown"


def test_nothing_is_written_to_what_a_page_is_drawn_of():
    base = summary(frames.BASELINE_SUMMARY, values_of(2, -28000.0, 300.0), 40.0)
    picked, spectra = picked_of(2), spectra_of(2)
    before = base.copy(deep=True)
    for array in (picked.samples, spectra.mean_V2):
        array.flags.writeable = False
    report(baseline=base, picked=picked, spectra=spectra)
    assert base.equals(before)
