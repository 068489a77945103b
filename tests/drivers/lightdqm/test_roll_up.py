"""Several files together: hand values, errors that shrink, the script's errors that grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from radiograph.drivers.lightdqm.checking import compared_with
from radiograph.drivers.lightdqm.history import (
    failing_channels,
    new_since,
    reference_runs,
    runs_before,
    same_file,
    stored_failures,
)
from radiograph.drivers.lightdqm.roll_up import (
    SummarySums,
    earlier_frame,
    interval_of,
    rolled_up,
    stored_mean,
    stored_summary,
    summary_sums,
)
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.schemas.errors import UsageError
from radiograph.schemas.lightdqm.config import LightDqm
from radiograph.schemas.lightdqm.frames import EARLIER_RUNS
from radiograph.schemas.lightdqm.stored_runs import RunRecord

from .conftest import START_MS

Make = Callable[..., RunRecord]


def sums_of(median: Any, low: Any, high: Any, n: Any) -> SummarySums:
    """Of one channel: a value a file."""
    c = np.array(median, float)
    numbers = (c, c - np.array(low, float), c + np.array(high, float), np.array(n))
    return summary_sums(*(x[:, np.newaxis, np.newaxis] for x in numbers))


def test_hand_values() -> None:
    # Two files: medians 10 and 14, l 3 and 4, u 6 and 8, 4 and 25 events.
    sums = sums_of([10, 14], [3, 4], [6, 8], [4, 25])
    whole = rolled_up(sums)
    assert whole.value[0, 0] == 12.0
    assert whole.lower[0, 0] == 12.0 - 5.0 / 2  # sqrt(9 + 16) / 2
    assert whole.upper[0, 0] == 12.0 + 10.0 / 2
    assert whole.sigma[0, 0] == pytest.approx(np.sqrt(np.pi / 2 * (4.5**2 / 4 + 6**2 / 25)) / 2)
    assert (whole.n[0, 0], whole.n_files[0, 0]) == (29, 2)
    script = rolled_up(sums, legacy=True)
    assert (script.lower[0, 0], script.upper[0, 0]) == (7.0, 22.0)


def test_a_file_without_one_of_its_points_does_not_count() -> None:
    whole = rolled_up(sums_of([10, 14], [3, 4], [6, 8], [4, 25]))
    for low, high in (([3, 4, np.nan], [6, 8, 9]), ([3, 4, 5], [6, 8, np.nan])):
        more = rolled_up(sums_of([10, 14, 99], low, high, [4, 25, 7]))
        for name, values in vars(whole).items():
            np.testing.assert_array_equal(values, vars(more)[name], name)


def test_one_event_has_the_error_of_one() -> None:
    for n in (1, 0, -1):
        sums = sums_of([10], [3], [5], [n])
        assert rolled_up(sums).sigma[0, 0] == pytest.approx(np.sqrt(np.pi / 2) * 4.0)
        assert sums.n[0, 0] == max(n, 0)


def test_errors_shrink_as_one_over_root_m_and_the_scripts_grow_as_root_m() -> None:
    one = rolled_up(sums_of([0.0], [2.0], [2.0], [16]))
    for m in (4, 9, 100):
        sums = sums_of([0.0] * m, [2.0] * m, [2.0] * m, [16] * m)
        whole, script = rolled_up(sums), rolled_up(sums, legacy=True)
        assert whole.upper[0, 0] == pytest.approx(one.upper[0, 0] / np.sqrt(m), rel=1e-14)
        assert whole.sigma[0, 0] == pytest.approx(one.sigma[0, 0] / np.sqrt(m), rel=1e-14)
        assert script.upper[0, 0] == pytest.approx(one.upper[0, 0] * np.sqrt(m), rel=1e-14)


def test_a_shift_of_60_counts_is_seen_after_5_files() -> None:
    """The case that blinded the script: spread about 15 counts, 5 files, every channel + 60.

    Its test is |c - c_prev| > 3 sigma with sigma^2 = l^2 + u_prev^2.
    """
    spread = np.linspace(8.0, 17.0, 384)
    band = [
        summary_sums(
            np.zeros((1, 1, 384)),
            -spread[None, None],
            spread[None, None],
            np.full((1, 1, 384), 200),
        )
        for _ in range(5)
    ]
    sums = sum(band[1:], band[0])
    flagged = {}
    for legacy in (False, True):
        previous = rolled_up(sums, legacy=legacy).upper[0]
        flagged[legacy] = int((3.0 * np.hypot(spread, previous) < 60.0).sum())
    assert flagged[False] == 384
    assert flagged[True] < 384
    z = 60.0 / np.hypot(rolled_up(sums).sigma[0], spread / np.sqrt(200))
    assert (z > 3.0).all()


def test_files_without_data_do_not_count() -> None:
    whole = rolled_up(sums_of([10, np.nan, 20], [1, 1, 1], [1, 1, 1], [9, 9, -1]))
    assert whole.value[0, 0] == 15.0
    assert (whole.n[0, 0], whole.n_files[0, 0]) == (9, 2)
    nothing = rolled_up(sums_of([np.nan], [1], [1], [0]))
    assert nothing.n_files[0, 0] == 0
    for part in (nothing.value, nothing.sigma, nothing.lower, nothing.upper):
        assert np.isnan(part[0, 0])
    assert np.isnan(rolled_up(sums_of([np.nan], [1], [1], [0]), legacy=True).upper[0, 0])


@given(
    hnp.arrays(float, (6,), elements=st.floats(-3e4, 3e4)),
    st.permutations(range(6)),
    st.integers(1, 5),
)
def test_the_order_of_files_and_the_parts_they_come_in_do_not_matter(
    medians: Any, order: list[int], cut: int
) -> None:
    ones = np.ones(6)
    whole = rolled_up(sums_of(medians, ones, ones, ones.astype(int)))
    again = medians[order]
    parts = sums_of(again[:cut], ones[:cut], ones[:cut], ones[:cut].astype(int)) + sums_of(
        again[cut:], ones[cut:], ones[cut:], ones[cut:].astype(int)
    )
    assert rolled_up(parts).value == pytest.approx(whole.value, abs=1e-9)
    assert rolled_up(parts).n_files == whole.n_files


def test_fractions_sum_their_counts(store: RunStore, make_record: Make) -> None:
    for i, (k, n) in enumerate([(0, 300), (0, 200)]):
        store.add(make_record(f"a_rctl_5_p{i}.FLOW.hdf5", k=k, n=n))
    frame = earlier_frame(store, [r.run_id for r in store.runs()])
    EARLIER_RUNS.validate(frame, "test")
    row = frame[
        (frame.quantity == "clipped") & (frame.trigger == "beam") & (frame.granularity == "epcb")
    ].iloc[0]
    assert (row.k, row.n, row.n_files) == (0, 500, 2)
    assert row.upper == pytest.approx(1 - 0.16 ** (1 / 500), rel=1e-12)  # 0.366 %
    assert len(frame) == (2 + 2 * 2 * 4) * 512


def test_all_of_all_have_an_interval() -> None:
    # The lower end of 4 of 4 at 68 %: 0.16^(1/4).
    found = interval_of(np.array([4]), np.array([4]))
    assert found["value"][0] == found["upper"][0] == 1.0
    assert found["lower"][0] == pytest.approx(0.16**0.25)
    assert found["sigma"][0] == pytest.approx((1.0 - 0.16**0.25) / 2.0)


def test_impossible_counts_have_no_interval() -> None:
    found = interval_of(np.array([5, 1]), np.array([3, 4]))
    assert np.isnan([found[key][0] for key in found]).all()
    assert found["value"][1] == 0.25


def test_earlier_frame_of_nothing_is_empty(store: RunStore) -> None:
    frame = earlier_frame(store, [])
    EARLIER_RUNS.validate(frame, "test")
    assert frame.empty
    assert stored_summary(store, "noise", []) is None
    assert stored_mean(store, "spectrum.0_5.median", []) is None


def test_files_of_different_width_add_up(store: RunStore, make_record: Make) -> None:
    store.add(make_record("a_rctl_5_p0.FLOW.hdf5", baseline=-28000.0, n_adcs=2))
    store.add(make_record("a_rctl_5_p1.FLOW.hdf5", baseline=-27000.0, n_adcs=8))
    ids = [r.run_id for r in store.runs()]
    whole = stored_summary(store, "baseline", ids)
    assert whole is not None
    assert whole.value[1, 5] == -27500.0
    assert whole.value[7, 5] == -27000.0
    assert whole.n_files[[1, 7], 5].tolist() == [2, 1]
    mean = stored_mean(store, "spectrum.0_5.median", ids)
    assert mean is not None
    np.testing.assert_allclose(mean, 1e-8)


def test_channels_left_out_of_an_adc_that_no_file_has(store: RunStore, make_record: Make) -> None:
    store.add(make_record("a_rctl_5_p0.FLOW.hdf5", n_adcs=2))
    (run_id,) = (r.run_id for r in store.runs())
    whole = stored_summary(store, "noise", [run_id], left_out={run_id: [(1, 5), (2, 5)]})
    assert whole is not None
    assert whole.n_files[:, 5].tolist() == [1, 0]


def test_files_without_events_of_a_kind_do_not_count(store: RunStore, make_record: Make) -> None:
    for i, n in enumerate((300, 0)):
        store.add(make_record(f"a_rctl_5_p{i}.FLOW.hdf5", k=0, n=n))
    frame = earlier_frame(store, [r.run_id for r in store.runs()])
    fractions = frame[frame["quantity"] == "clipped"]
    assert set(fractions["n"]) == {300}
    assert set(fractions["n_files"]) == {1}


def test_many_files_are_read_in_parts(
    store: RunStore, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        store.add(make_record(f"a_rctl_5_p{i}.FLOW.hdf5", baseline=-28000.0 + i))
    ids = [r.run_id for r in store.runs()]
    whole = earlier_frame(store, ids)
    monkeypatch.setattr("radiograph.drivers.lightdqm.roll_up._FILES_AT_ONCE", 2)
    parts = earlier_frame(store, ids)
    np.testing.assert_allclose(parts["value"], whole["value"], rtol=1e-15)
    assert parts["k"].equals(whole["k"])


def test_which_files_are_before(store: RunStore, make_record: Make) -> None:
    for i in (0, 2, 10, 11):
        store.add(make_record(f"a_rctl_5_p{i}.FLOW.hdf5"))
    store.add(make_record("a_rctl_5_p1.FLOW.hdf5", config_hash="other"))

    def before(subrun: int, ncomp: int) -> list[int]:
        identity = make_record(f"a_rctl_5_p{subrun}.FLOW.hdf5").identity
        return [r.identity.subrun for r in runs_before(store, identity, ncomp)]

    assert before(11, -1) == [0, 2, 10]
    assert before(11, 0) == []
    assert before(11, 2) == [2, 10]
    assert before(11, 9) == [0, 2, 10]
    assert before(12, 1) == [11]
    assert before(0, -1) == []


def test_a_file_is_not_before_itself(store: RunStore, make_record: Make) -> None:
    store.add(make_record("a_rctl_5_p1.FLOW.hdf5", content="c", start_ms=START_MS))
    copy = make_record("z_rctl_9_p1.FLOW.hdf5", content="c", start_ms=START_MS + 9).identity
    assert runs_before(store, copy, -1) == []
    timeless = make_record("a_rctl_5_p1.FLOW.hdf5", start_ms=None).identity
    assert same_file(store.runs()[0].identity, timeless)


def test_a_reference_is_a_run_or_a_file(store: RunStore, make_record: Make) -> None:
    for name in ("a_rctl_5_p1", "a_rctl_5_p2", "a_rctl_6_p1"):
        store.add(make_record(f"{name}.FLOW.hdf5"))
    assert [r.identity.subrun for r in reference_runs(store, "settings", 5)] == [1, 2]
    assert len(reference_runs(store, "settings", "6")) == 1
    for name in ("a_rctl_5_p2", "a_rctl_5_p2.FLOW.hdf5"):
        (run,) = reference_runs(store, "settings", name)
        assert run.identity.subrun == 2
    with pytest.raises(UsageError, match=r"run 7 is not in the store .*: 5, 6\)"):
        reference_runs(store, "settings", 7)
    with pytest.raises(UsageError, match=r"settings: none\)"):
        reference_runs(store, "other settings", 5)


def test_what_is_new_since_the_reference(store: RunStore, make_record: Make) -> None:
    store.add(make_record("a_rctl_5_p1.FLOW.hdf5", failing={"dead": "0/5 1/6", "triggers": ""}))
    store.add(make_record("a_rctl_5_p2.FLOW.hdf5", failing={"dead": "2/7"}))
    before = stored_failures(store, store.runs())
    assert before == [{"dead": ["0/5", "1/6"], "triggers": []}, {"dead": ["2/7"]}]
    now = make_record(failing={"dead": "0/5 3/8", "noise": "1/6", "triggers": "", "sparks": ""})
    failing = failing_channels(now.verdict)
    assert new_since(failing, before) == {"dead": ["3/8"], "noise": ["1/6"], "sparks": []}
    assert new_since(failing, []) == failing
    assert new_since({}, before) == {}


def baselines_before(store: RunStore, identity: Any, **settings: Any) -> Any:
    """EarlierRuns of the baselines that a file is compared with, by ADC and channel."""
    reference = settings.pop("reference", None)
    frame = compared_with(store, identity, LightDqm(**settings), reference).frame
    return frame[frame["quantity"] == "baseline"].set_index(["adc", "channel"])


def test_a_baseline_that_failed_is_no_measure_of_later_files(
    store: RunStore, make_record: Make
) -> None:
    """A shift that is over: files that are back at the old baseline are compared with it."""
    store.add(make_record("a_rctl_5_p0.FLOW.hdf5", baseline=-28000.0))
    for i in (1, 2):
        shifted = make_record(
            f"a_rctl_5_p{i}.FLOW.hdf5",
            baseline=-27000.0,
            failing={"baseline_move": "0/5", "baseline_band": "0/6 7/9"},
        )
        store.add(shifted)
    now = make_record("a_rctl_5_p3.FLOW.hdf5").identity
    found = baselines_before(store, now)
    for place in ((0, 5), (0, 6), (7, 9)):
        row = found.loc[place]
        assert (row["value"], row["n_files"], row["n"]) == (-28000.0, 1, 400)
        # sqrt(pi / 2) (10 + 14) / 2 / sqrt(400): of one file, not of three.
        assert row["sigma"] == pytest.approx(np.sqrt(np.pi / 2) * 12.0 / 20.0)
    assert found.loc[(0, 7), "n_files"] == 3
    assert found.loc[(0, 7), "value"] == pytest.approx(-28000.0 + 2000.0 / 3.0)
    # Nothing is left of the last two files.
    assert (0, 5) not in baselines_before(store, now, ncomp=2).index
    assert (0, 7) in baselines_before(store, now, ncomp=2).index
    script = baselines_before(store, now, legacy=True)
    assert script.loc[(0, 5), "n_files"] == 3


def test_what_moved_in_a_chosen_reference_is_the_rule(store: RunStore, make_record: Make) -> None:
    store.add(
        make_record(
            "a_rctl_6_p0.FLOW.hdf5",
            baseline=-27000.0,
            failing={"baseline_move": "0/5", "railed": "0/6"},
        )
    )
    now = make_record("a_rctl_7_p0.FLOW.hdf5").identity
    found = baselines_before(store, now, reference="6")
    assert found.loc[(0, 5), "value"] == -27000.0
    assert (0, 6) not in found.index


def test_a_file_is_not_its_own_reference(store: RunStore, make_record: Make) -> None:
    for i in range(3):
        store.add(make_record(f"a_rctl_5_p{i}.FLOW.hdf5"))
    now = make_record("a_rctl_5_p1.FLOW.hdf5").identity
    runs = compared_with(store, now, LightDqm(), "5").runs
    assert [run.identity.subrun for run in runs] == [0, 2]
    assert compared_with(store, now, LightDqm(), "a_rctl_5_p1").runs == ()
