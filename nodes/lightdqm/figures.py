"""The pages of the report as sheets of shapes, and as files: two masks (PNG) and one PDF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import PurePath

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import Mask
from ...schemas.lightdqm.arrays import EpcbSpectra, LightLayout, PickedWaveforms
from ...schemas.lightdqm.pages import (
    FRACTION_PAGES,
    OTHER_PAGES,
    file_name,
    report_order,
    usual_pages,
)
from ...schemas.lightdqm.settings import (
    MaskLimits,
    NoiseWindow,
    PageSettings,
    RunFacts,
    VerdictLimits,
)
from ...schemas.sheets import Shape, Sheet, Words
from ..sheets.drawing import sheet_png, sheets_pdf
from ..statistics.intervals import clopper_pearson
from .figure_arguments import arguments_sheet
from .figure_data import (
    baseline_grid,
    by_channel,
    code_letters,
    drawn_unit,
    flatline_grid,
    fraction_points,
    summary_points,
)
from .figure_masks import MaskGrid, mask_sheet
from .figure_parts import Heading
from .figure_points import points_sheet
from .figure_spectra import spectra_sheet
from .figure_times import period
from .figure_waveforms import waveform_sheet
from .grouping import HAS_SENSOR


@tag(stage="figures", scope="run", helper="true")
def page_heading(
    light_events: pd.DataFrame,
    trigger_counts: pd.DataFrame,
    page_settings: PageSettings,
    run_facts: RunFacts,
) -> Heading:
    """What stands on every page: file, start and end in local time, chosen events."""
    chosen = trigger_counts[trigger_counts["n_selected"] > 0]
    kinds = ", ".join(
        f"{n} {trigger}"
        for n, trigger in zip(chosen["n_selected"], chosen["trigger"].astype(str), strict=True)
    )
    counts = f"{trigger_counts['n_selected'].sum()} of {len(light_events)} events"
    return Heading(
        source=PurePath(run_facts.source).name,
        period=period(light_events["utime_ms"].to_numpy(), page_settings.time_zone),
        events=f"{counts} ({kinds})" if kinds else counts,
    )


@tag(stage="figures", scope="run", helper="true")
def page_names(trigger_counts: pd.DataFrame, page_settings: PageSettings) -> tuple[str, ...]:
    """The pages of the report in their order, as the settings name them."""
    seen = trigger_counts.set_index("trigger")["n_selected"].to_dict()
    triggers = ["beam", "self"] if seen.get("beam") or seen.get("self") else []
    usual = usual_pages(
        [*triggers, "unknown"] if seen.get("unknown") else triggers or ["beam", "self"],
        page_settings.granularities,
        all_clipped=page_settings.plot_all_clipped,
        all_negatives=page_settings.plot_all_negatives,
    )
    return tuple(report_order(page_settings.pages, usual))


@tag(stage="figures", scope="run", helper="true")
@config.when(legacy=False)
def baseline_letters__bits(channel_masks: pd.DataFrame) -> np.ndarray:
    """Why each baseline deviates, (n_adcs, 64) of letters: b band, s spread, m moved."""
    return code_letters(channel_masks)


@tag(stage="figures", scope="run", helper="true")
@config.when(legacy=True)
def baseline_letters__none(channel_masks: pd.DataFrame) -> np.ndarray:
    """No letters: the codes of the earlier script can not say why."""
    return np.full((int(channel_masks["adc"].max()) + 1, len(HAS_SENSOR)), "", dtype="U3")


@tag(stage="figures", scope="run", helper="true")
def mask_grids(
    channel_masks: pd.DataFrame,
    baseline_letters: np.ndarray,
    spark_rates: pd.DataFrame,
    verdict_limits: VerdictLimits,
) -> dict[str, MaskGrid]:
    """What stands at each channel in the two masks, by the names of their pages."""
    sparking = _sparking(spark_rates, verdict_limits, baseline_letters)
    names = {name: OTHER_PAGES[name] for name in ("baseline_mask", "flatline_mask")}
    return {
        "baseline_mask": baseline_grid(names["baseline_mask"], channel_masks, baseline_letters),
        "flatline_mask": flatline_grid(names["flatline_mask"], channel_masks, sparking),
    }


def _sparking(spark_rates: pd.DataFrame, limits: VerdictLimits, like: NDArray[np.str_]) -> Mask:
    """Channels whose rate of sparks surely exceeds the limit, as in the verdict."""
    lower, _ = clopper_pearson(spark_rates["k"], spark_rates["n"], 1.0 - limits.confidence)
    sure = spark_rates.assign(lower=lower)
    return np.asarray(by_channel(sure, "lower", len(like)) > limits.spark_fraction)


@tag(stage="figures", scope="run", helper="true")
def mask_pages(
    mask_grids: dict[str, MaskGrid], page_heading: Heading, page_settings: PageSettings
) -> dict[str, Sheet]:
    """The masks in the report: with crosses, or as the PNGs with merge_grafana_plots."""
    faces = page_settings.faces and page_settings.merge_grafana_plots
    return {
        name: _sheet(name, partial(mask_sheet, grid, page_heading, faces=faces))
        for name, grid in mask_grids.items()
    }


@tag(stage="figures", scope="run", helper="true")
def mask_pictures(
    mask_grids: dict[str, MaskGrid], page_heading: Heading, page_settings: PageSettings
) -> dict[str, Sheet]:
    """The masks as pictures of their own, "flatline" and "baseline", with or without faces."""
    return {
        name.removesuffix("_mask"): mask_sheet(grid, page_heading, faces=page_settings.faces)
        for name, grid in mask_grids.items()
    }


@tag(stage="figures", scope="run", helper="true")
def waveform_page(
    picked_waveforms: PickedWaveforms,
    light_layout: LightLayout,
    noise_window: NoiseWindow,
    page_heading: Heading,
    page_settings: PageSettings,
) -> dict[str, Sheet]:
    """Six channels and their sum of each board, in the event that shows it best."""
    unit = drawn_unit(page_settings.units, np.inf)
    return {
        "waveforms": _sheet(
            "waveforms",
            lambda: waveform_sheet(
                file_name("waveforms"),
                picked_waveforms,
                page_heading,
                noise_window.samples,
                light_layout.sample_ns,
                unit,
            ),
        )
    }


@tag(stage="figures", scope="run", helper="true")
def summary_pages(
    noise_summary: pd.DataFrame,
    baseline_summary: pd.DataFrame,
    channel_masks: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    mask_limits: MaskLimits,
    light_layout: LightLayout,
    page_heading: Heading,
    page_settings: PageSettings,
) -> dict[str, Sheet]:
    """Baselines and noises of every channel beside those of earlier files."""
    bands = np.array([mask_limits.band(adc) for adc in range(light_layout.n_adcs)], dtype=float)
    pages = {
        "baselines": ("Baselines", baseline_summary, "baseline", bands),
        "noises": (
            "Noise: standard deviation",
            noise_summary,
            "noise",
            np.full_like(bands, np.nan),
        ),
    }

    def sheet(name: str) -> Sheet:
        title, summary, quantity, allowed = pages[name]
        earlier = earlier_runs[earlier_runs["quantity"] == quantity]
        points = summary_points(
            file_name(name), title, summary, channel_masks, earlier, allowed, page_settings.units
        )
        return points_sheet(points, page_heading, HAS_SENSOR)

    return {name: _sheet(name, partial(sheet, name)) for name in pages}


@tag(stage="figures", scope="run", helper="true")
@config.when(legacy=False)
def spectra_page__dark(epcb_spectra: EpcbSpectra, page_heading: Heading) -> dict[str, Sheet]:
    """Mean and median power spectra of every board, of its dark waveforms."""
    return _spectra(epcb_spectra, page_heading, "dark waveforms")


@tag(stage="figures", scope="run", helper="true")
@config.when(legacy=True)
def spectra_page__of_script(epcb_spectra: EpcbSpectra, page_heading: Heading) -> dict[str, Sheet]:
    """Mean and median power spectra of every board, of all waveforms."""
    return _spectra(epcb_spectra, page_heading, "all waveforms, norm of the earlier script")


def _spectra(spectra: EpcbSpectra, heading: Heading, of: str) -> dict[str, Sheet]:
    name = file_name("spectra")
    make = partial(spectra_sheet, name, spectra, heading, of=of)
    return {"spectra": _sheet("spectra", make)}


@tag(stage="figures", scope="run", helper="true")
def fraction_pages(
    dqm_fractions: pd.DataFrame,
    channel_masks: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    page_heading: Heading,
    page_names: tuple[str, ...],
) -> dict[str, Sheet]:
    """Clipped and negative fractions: the pages that are asked for."""

    def sheet(name: str) -> Sheet:
        page = FRACTION_PAGES[name]
        points = fraction_points(page, dqm_fractions, channel_masks, earlier_runs)
        return points_sheet(points, page_heading, HAS_SENSOR)

    return {
        name: _sheet(name, partial(sheet, name)) for name in page_names if name in FRACTION_PAGES
    }


@tag(stage="figures", scope="run", helper="true")
def arguments_page(
    light_layout: LightLayout,
    page_heading: Heading,
    page_settings: PageSettings,
    run_facts: RunFacts,
) -> dict[str, Sheet]:
    """What was read, when it was taken and with which settings."""
    shape = (
        f"{light_layout.n_adcs} ADCs of {light_layout.n_channels} inputs, "
        f"{light_layout.n_samples} samples of {light_layout.sample_ns:g} ns"
    )
    facts = [
        ("file", run_facts.source),
        ("data", page_heading.period),
        ("events", page_heading.events),
        ("waveforms", shape),
        *([("report made", run_facts.run_time)] if run_facts.run_time else []),
        ("time zone", page_settings.time_zone),
        *run_facts.arguments.items(),
    ]
    return {
        "arguments": _sheet("arguments", lambda: arguments_sheet(file_name("arguments"), facts))
    }


@tag(stage="figures", scope="run")
def report_pages(
    arguments_page: dict[str, Sheet],
    mask_pages: dict[str, Sheet],
    waveform_page: dict[str, Sheet],
    summary_pages: dict[str, Sheet],
    spectra_page: dict[str, Sheet],
    fraction_pages: dict[str, Sheet],
    page_names: tuple[str, ...],
) -> dict[str, Sheet]:
    """The pages of the report in their order, by name, as shapes with a text at every mark."""
    drawn = (
        arguments_page | mask_pages | waveform_page | summary_pages | spectra_page | fraction_pages
    )
    return {name: _with_foot(drawn[name]) for name in page_names}


def _with_foot(sheet: Sheet) -> Sheet:
    name = Words(0.2, 0.16, sheet.name, 7.5, "#595959")
    return replace(sheet, shapes=(*sheet.shapes, name))


@tag(stage="figures", scope="run", main="true")
def light_figures(
    mask_pictures: dict[str, Sheet],
    report_pages: dict[str, Sheet],
    verdict_pages: dict[str, Sheet],
    verdict_marks: dict[str, tuple[Shape, ...]],
) -> dict[str, bytes]:
    """The two masks and the report as file contents: flatline.png, baseline.png, main.pdf.

    The verdict stands on the masks and first in the report.
    """
    pictures = {
        f"{name}.png": sheet_png(
            replace(sheet, shapes=(*sheet.shapes, *verdict_marks.get(name, ())))
        )
        for name, sheet in mask_pictures.items()
    }
    pages = [*verdict_pages.values(), *report_pages.values()]
    return {**pictures, "main.pdf": sheets_pdf(pages)}


def _sheet(name: str, make: Callable[[], Sheet]) -> Sheet:
    """The page, or one line in its place: a page that fails costs no other page."""
    try:
        return make()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        words = Words(0.4, 1.0, f"{file_name(name)} could not be drawn: {problem}", 9.0)
        return Sheet(file_name(name), f"{name}: not drawn", (10.0, 2.0), (words,), problem)
