"""What the events stand for: subruns once, totals, settings; rates; the checks of the input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.cosmics.normalisation import normalisation, window_rates
from radiograph.nodes.cosmics.verdict import run_summary, subruns_seen, verdict
from radiograph.schemas.cosmics.counts import CutCounts
from radiograph.schemas.cosmics.cuts import CutsInEffect
from radiograph.schemas.cosmics.frames import (
    EVENT_NUMBERS,
    FILE_TOTALS,
    SUBRUN_TOTALS,
    SUBRUNS_SEEN,
)
from radiograph.schemas.cosmics.results import (
    BeamSettings,
    CompletenessSettings,
    Normalisation,
    NormalisationSettings,
)
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.cut_flow import CutFlow
from radiograph.schemas.input_files import INPUT_FILES

NAN = np.nan
CUTS = CutsInEffect("test", False, (), hash="abc")
BEAM = BeamSettings({"1batch": 0.322}, 3.46e6)


def files(*statuses: str, n: int = 10) -> pd.DataFrame:
    k = len(statuses)
    texts = {name: [""] * k for name in ("path", "content_hash", "code", "message")}
    records = [n if status == "read" else 0 for status in statuses]
    return INPUT_FILES.frame(
        {"axis": ["file"] * k, "number": range(k), "bytes": [1] * k, "n_records": records,
         "status": list(statuses), **texts}
    )  # fmt: skip


def subruns(*rows: tuple[int, int, int, float, float]) -> pd.DataFrame:
    """Rows of file, run, subrun, generated, live time."""
    columns = list(zip(*rows, strict=True)) or [[]] * 5
    names = ("file_index", "run", "subrun", "generated", "livetime_s")
    data = dict(zip(names, columns, strict=True))
    return SUBRUN_TOTALS.frame({**data, "processed": data["generated"]})


def totals(*generated: float) -> pd.DataFrame:
    n = len(generated)
    return FILE_TOTALS.frame(
        {"file_index": range(n), "generated": generated, "processed": [NAN] * n,
         "livetime_s": [NAN] * n, "release": [""] * n}
    )  # fmt: skip


def made(
    frame: pd.DataFrame, of_files: pd.DataFrame, ledger: pd.DataFrame, **settings: Any
) -> Normalisation:
    return normalisation(frame, of_files, ledger, NormalisationSettings(**settings))


def test_a_subrun_counts_once() -> None:
    frame = subruns((0, 1, 1, 100, 5.0), (0, 1, 2, 100, 5.0), (1, 1, 2, 100, 5.0))
    found = made(frame, totals(NAN, NAN), files("read", "read"))
    assert (found.generated_events, found.livetime_s) == (200, 10.0)
    assert found.source["livetime_s"] == "subruns"


def test_totals_stand_in_where_a_file_lists_no_subruns() -> None:
    found = made(subruns((0, 1, 1, 100, 5.0)), totals(NAN, 70), files("read", "read"))
    assert found.generated_events == 170
    assert found.source["generated_events"] == "subruns and histograms"


def test_what_one_file_does_not_tell_is_not_known() -> None:
    found = made(subruns((0, 1, 1, 100, 5.0)), totals(NAN, NAN), files("read", "read"))
    assert found.generated_events is None
    assert found.source["generated_events"] == "unknown"
    assert made(subruns(), totals(), files("failed")).livetime_s is None


def test_settings_are_scaled_to_the_files_that_were_read() -> None:
    found = made(subruns(), totals(NAN), files("read", "failed"), livetime_s=10.0)
    assert (found.livetime_s, found.source["livetime_s"]) == (5.0, "settings, scaled")
    more = made(subruns(), totals(NAN), files("read"), livetime_s=10.0, expected_files=4)
    assert more.livetime_s == 2.5


def test_settings_and_files_are_compared() -> None:
    frame = subruns((0, 1, 1, 100, 5.0))
    found = made(frame, totals(NAN), files("read"), livetime_s=5.1)
    assert found.livetime_s == 5.0
    assert found.deviation["livetime_s"] == pytest.approx(0.02)
    chosen = made(frame, totals(NAN), files("read"), livetime_s=5.1, prefer="settings")
    assert chosen.livetime_s == 5.1


def counts(selected: int, unvetoed: int, signal: int = 0) -> CutCounts:
    flow = CutFlow("events", (), (), (), np.array([selected]))
    windows = np.array([[selected, unvetoed]] * 3 + [[signal, 0]])
    stages = np.array([[selected, selected]] * 3 + [[unvetoed, unvetoed]])
    return CutCounts(flow, flow, (), np.zeros(0, np.int64), {}, stages, windows)


def rates(found: CutCounts, beam: BeamSettings = BEAM, **known: Any) -> Any:
    at = Normalisation(known.get("generated"), None, known.get("livetime"))
    return window_rates(found, 0, at, beam, CUTS, StatisticsSettings(poisson_cl=0.68))


def test_rates_of_the_published_numbers() -> None:
    row = rates(counts(19428, 7), livetime=1.06887e7, generated=4e6)["Inclusive"]
    assert row["selected_per_day_1batch"] == pytest.approx(106.47475348732773, rel=1e-9)
    assert row["unvetoed_per_day_1batch"] == pytest.approx(0.03836335569339582, rel=1e-9)
    ends = [
        row[f"unvetoed_per_day_1batch_{e}"] - row["unvetoed_per_day_1batch"] for e in ("lo", "hi")
    ]
    assert ends == pytest.approx([-0.014088643886960149, 0.02055815547819132], rel=1e-9)
    assert row["unvetoed_per_run1"] == pytest.approx(7 * 3.46e6 / 1.06887e7)


def test_without_a_live_time_there_is_no_rate() -> None:
    row = rates(counts(5, 1))["Inclusive"]
    assert row["selected_per_day_1batch"] is None
    assert row["unvetoed_per_run1_hi"] is None
    assert (row["selection_efficiency"], row["selection_efficiency_hi"]) == (None, 1.0)


def test_nothing_selected_has_no_efficiency() -> None:
    row = rates(counts(0, 0), livetime=1.0)["Wide"]
    ends = row["veto_efficiency_lo"], row["veto_efficiency_hi"]
    assert (row["veto_efficiency"], ends) == (None, (0.0, 1.0))


def test_the_live_time_of_a_window_as_it_was_scaled_before() -> None:
    # 20154 selected, 416 in the signal window, 1.068e7 s: 5988.6018 days.
    legacy = BeamSettings({"1batch": 0.322}, 3.46e6, legacy_window_livetime=True)
    row = rates(counts(20154, 10, signal=416), legacy, livetime=1.068e7)["Inclusive"]
    days = 20154 / row["selected_per_day_1batch"] * (1 - 0.322)
    assert days == pytest.approx(5988.6018, rel=1e-7)


def checked(**changed: Any) -> dict[str, str]:
    numbers = EVENT_NUMBERS.frame(
        {"entry": range(10), "run": [1] * 10, "subrun": [1] * 10, "event": range(10)}
    )
    given = {
        "input_files": files("read"),
        "subruns_seen": subruns_seen(numbers),
        "subrun_totals": subruns((0, 1, 1, 10, 5.0)),
        "n_distinct_events": 10,
        "normalisation": Normalisation(10, 10, 5.0),
        "completeness": CompletenessSettings(),
        "cuts": CUTS,
        **changed,
    }
    table = verdict(**given)
    return dict(zip(table["check"], table["status"], strict=True))


def test_a_complete_input_passes() -> None:
    assert set(checked().values()) == {"pass"}


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        ("files_read", {"input_files": files("read", "failed")}),
        ("whole_files", {"completeness": CompletenessSettings(max_events=10)}),
        ("subruns", {"subrun_totals": subruns((0, 1, 1, 10, 5.0), (0, 1, 2, 10, 5.0))}),
        ("subruns", {"subruns_seen": SUBRUNS_SEEN.frame({"run": [1], "subrun": [9],
                                                         "n_events": [1]})}),
        ("events_once", {"n_distinct_events": 9}),
        ("processed", {"normalisation": Normalisation(10, 9, 5.0)}),
        ("livetime_s_agrees", {"normalisation": Normalisation(10, 10, 5.0, {},
                                                              {"livetime_s": 0.002})}),
    ],
)  # fmt: skip
def test_each_check_fails_for_its_reason(check: str, changed: dict[str, Any]) -> None:
    found = checked(**changed)
    assert [name for name, status in found.items() if status == "fail"] == [check]


def test_what_is_not_known_is_no_failure() -> None:
    found = checked(subrun_totals=subruns(), normalisation=Normalisation(None, None, None))
    assert (found["subruns"], found["processed"]) == ("no_data", "no_data")
    few = files("read", "failed")
    allowed = checked(input_files=few, completeness=CompletenessSettings(min_fraction=0.5))
    assert allowed["files_read"] == "pass"


def test_what_of_the_cuts_has_no_effect_stands_in_the_verdict() -> None:
    found = checked(cuts=replace(CUTS, warnings=("sets.yaml: one", "sets.yaml: two")))
    assert found["cut_sets"] == "pass"
    assert "cut_sets" not in checked()


def test_the_summary_names_the_cut_set() -> None:
    table = verdict(
        files("read"), SUBRUNS_SEEN.empty(), subruns(), 10, Normalisation(None, None, None),
        CompletenessSettings(), CUTS,
    )  # fmt: skip
    found = run_summary(counts(5, 2), CUTS, table)
    assert (found.cutset, found.unvetoed_events, found.verdict) == ("test", 2, "pass")
