"""Cut sets: the shipped ones, inheritance, what is wrong, toggles, cuts of a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.cosmics.cut_texts import difference
from radiograph.drivers.cosmics.cuts_in_effect import cuts_in_effect
from radiograph.drivers.cosmics.cutset_files import read_cutsets
from radiograph.schemas.cosmics.config import Cuts
from radiograph.schemas.cosmics.cuts import CUTS, DEFAULT_THRESHOLDS, CutsInEffect
from radiograph.schemas.errors import UsageError


def effective(folder: Path, text: str = "", **settings: Any) -> CutsInEffect:
    if text:
        (folder / "cuts.yaml").write_text(text)
        settings["cutsets_file"] = "cuts.yaml"
    return cuts_in_effect(Cuts.model_validate(settings), folder)


def on(cuts: CutsInEffect) -> set[str]:
    return {cuts.names[place] for place in cuts.active}


def test_the_shipped_defaults_are_those_of_the_table(tmp_path: Path) -> None:
    alpha = effective(tmp_path)
    assert on(alpha) == {cut.name for cut in CUTS if cut.is_default}
    assert dict(alpha.thresholds) == dict(DEFAULT_THRESHOLDS)
    assert alpha.hash == effective(tmp_path, cutset="SU2020c").hash
    assert alpha.hash != effective(tmp_path, cutset="SU2020b").hash


def test_a_set_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    text = """
cutsets:
  tight: {inherits: loose, active: {unvetoed: false}}
  loose: {thresholds: {lo_trkqual: 0.3}, active: {has_hits: false}}
"""
    tight = effective(tmp_path, text, cutset="tight")
    assert tight.thresholds["lo_trkqual"] == 0.3
    assert {"has_hits", "unvetoed"} & on(tight) == set()
    assert tight.threshold_sources["lo_trkqual"] == "cut set loose"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cutsets: {alpha: {active: {lo_trkqual: 0.2}}}", "belongs under thresholds"),
        ("cutsets: {alpha: {active: {unvetod: true}}}", "Did you mean unvetoed"),
        ("cutsets: {alpha: {thresholds: {unvetoed: 1}}}", "belongs under active"),
        ("cutsets: {alpha: {thresholds: {lo_trkqul: 1}}}", "Did you mean lo_trkqual"),
        ('cutsets: {alpha: {thresholds: {lo_trkqual: "0.2"}}}', "without quotes"),
        ("cutsets: {alpha: {thresholds: {lo_trkqual: true}}}", "True"),
        ("cutsets: {alpha: {thresholds: {lo_trkqual: .inf}}}", "finite"),
        ("cutsets: {alpha: {active: {unvetoed: 1}}}", "true or false"),
        ("cutsets: {alpha: {inherits: b}, b: {inherits: alpha}}", "alpha -> b -> alpha"),
        ("cutsets: {alpha: {inherits: alhpa}}", "Did you mean alpha"),
        ("cutsets: {alpha: {}, alpha: {}}", "stands twice"),
        ("cutsets: [", "is no plain YAML in line"),
        ("cutsets: {alpha: !!python/object:os.system {}}", "could not determine a constructor"),
        ("[1, 2]", "write a table"),
        ("cutsets: {}", "names no cut set"),
        ("cutsets: {beta: {}}", "has no cut set 'alpha'"),
        ("cutsets: {alpha: {cuts: {x: {quantity: q, lo: 1}}}}", "quantity 'q' is not known"),
        ("cutsets: {alpha: {cuts: {x: {quantity: p_MeV, lo: 1}}}}", "name the surfaces"),
        ("cutsets: {alpha: {cuts: {x: {quantity: nfits}}}}", "has no bound"),
        ("cutsets: {alpha: {cuts: {has_hits: {quantity: nfits, lo: 1}}}}", "another name"),
        ("cutsets: {alpha: {thresholds: {lo_t0_ns: 1650}}}", "not below hi_t0_ns"),
        ("x" * 1_100_000, "has at most 1000000"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        effective(tmp_path, text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_lenient_reading_tells_and_ignores(tmp_path: Path) -> None:
    text = "cutsets: {alpha: {active: {lo_trkqual: 0.2}}}"
    lenient = effective(tmp_path, text, strict=False)
    assert len(lenient.warnings) == 1
    assert lenient.hash == effective(tmp_path, "cutsets: {alpha: {}}").hash


def test_groups_are_toggled_after_cuts(tmp_path: Path) -> None:
    toggles = {"toggle_cuts": {"within_coinc_start_time": False}, "toggle_groups": {"CRV": True}}
    assert {"within_coinc_start_time", "within_coinc_end_time"} <= on(
        effective(tmp_path, **toggles)
    )
    with pytest.raises(UsageError, match="no group 'Veto1'. Did you mean Veto"):
        effective(tmp_path, toggle_groups={"Veto1": True})


def test_off_spill_has_no_cut_on_t0(tmp_path: Path) -> None:
    assert "within_t0" not in effective(tmp_path, on_spill=False).names
    with pytest.raises(UsageError, match="off-spill there is no such cut"):
        effective(tmp_path, on_spill=False, toggle_cuts={"within_t0": True})


def test_cuts_of_a_user_follow_the_others(tmp_path: Path) -> None:
    text = """
cutsets:
  alpha:
    cuts:
      has_trk_front: {quantity: p_MeV, surfaces: [0], quantifier: any, lo: 0, group: Preselect}
"""
    item = effective(tmp_path, text).cuts[-1]
    assert (item.cut.name, item.cut.level, item.is_active, item.lo) == (
        "has_trk_front", "track", True, 0,
    )  # fmt: skip
    assert item.description == "any with 0 < p_MeV at surface 0"


def test_a_difference_shows_only_what_differs(tmp_path: Path) -> None:
    answer, _ = difference(effective(tmp_path), effective(tmp_path, cutset="dev"))
    assert answer["thresholds"] == {"lo_trkqual": [0.8, 0.2], "lo_veto_dt_ns": [-150.0, 0]}
    assert set(answer["cuts"]) == {"within_coinc_start_time", "within_coinc_end_time"}


def test_every_shipped_set_is_sound() -> None:
    from radiograph.drivers.cosmics.cutset_files import shipped

    sets = read_cutsets(shipped()).sets
    assert len(sets) == 12
    assert all(s.description for s in sets.values())
