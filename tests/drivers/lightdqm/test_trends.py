"""Trends: which channels belong to a group, what a group's value is, its reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.lightdqm.alarms import Hysteresis
from radiograph.drivers.lightdqm.overview import overview
from radiograph.drivers.lightdqm.records import config_hash
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.drivers.lightdqm.trend_request import trend_requests
from radiograph.drivers.lightdqm.trends import (
    channels_of,
    failing_checks,
    reference_band,
    trend_frame,
)
from radiograph.nodes.lightdqm.grouping import EPCB_OF_CHANNEL, HAS_SENSOR
from radiograph.schemas.errors import UsageError
from radiograph.schemas.lightdqm.config import LightDqm
from radiograph.schemas.lightdqm.stored_runs import RunRecord
from radiograph.schemas.lightdqm.trends import TREND, ChannelGroup, TrendRequest

Make = Callable[..., RunRecord]


def test_groups_are_those_of_the_detector() -> None:
    assert channels_of(ChannelGroup("all"), 8).sum() == 384
    tpcs = np.array([channels_of(ChannelGroup("tpc", -1, t), 8) for t in range(8)])
    np.testing.assert_array_equal(tpcs.sum(axis=0), channels_of(ChannelGroup("all"), 8))
    # TPC 3 is seen by the upper halves of ADC 2 and 3 (t = 2m + 1, m = 1).
    assert sorted(set(np.argwhere(tpcs[3])[:, 0])) == [2, 3]
    assert np.argwhere(tpcs[3])[:, 1].min() == 36
    boards = np.array([channels_of(ChannelGroup("epcb", 5, g), 8) for g in range(8)])
    assert np.flatnonzero(boards[2, 5]).tolist() == [20, 21, 22, 23, 24, 25]
    np.testing.assert_array_equal(boards.sum(axis=0)[5], HAS_SENSOR)
    assert channels_of(ChannelGroup("channel", 1, 7), 8).sum() == 1
    # What a smaller detector has not is empty.
    assert not channels_of(ChannelGroup("channel", 7, 7), 2).any()
    assert not channels_of(ChannelGroup("tpc", -1, 5), 2).any()


def test_a_frame_has_a_row_for_every_file(store: RunStore, make_record: Make) -> None:
    from dataclasses import replace

    first = make_record("a_rctl_5_p0.FLOW.hdf5")
    for part in ("median", "p16", "p84"):
        first.arrays[f"noise.{part}"][:] = np.nan
    store.add(first)
    store.add(make_record("a_rctl_5_p1.FLOW.hdf5", noise=13.0, n_adcs=2))
    store.add(replace(make_record("a_rctl_5_p2.FLOW.hdf5", start_ms=None), arrays={}))
    runs = store.runs()
    for quantity in ("noise", "baseline", "clipped", "negative", "power"):
        for group in (ChannelGroup("channel", 5, 7), ChannelGroup("all")):
            request = TrendRequest(quantity, group)  # type: ignore[arg-type]
            frame = trend_frame(store, runs, request)
            TREND.validate(frame, "test")
            assert frame["subrun"].tolist() == [2, 0, 1]
            assert frame["start_ms"].tolist()[0] == -1
            assert np.isnan(frame["value"][0])
    noise = trend_frame(store, runs, TrendRequest("noise", ChannelGroup("channel", 0, 5)))
    assert np.isnan(noise["value"][1])
    assert noise["value"][2] == 13.0
    assert (noise["lower"][2], noise["upper"][2], noise["n"][2]) == (12.0, 15.0, 400)


def test_a_group_without_data_in_one_channel_is_the_mean_of_the_others(
    store: RunStore, make_record: Make
) -> None:
    record = make_record()
    board = np.flatnonzero(EPCB_OF_CHANNEL == 0)
    record.arrays["noise.median"][0, board] = [10, 11, 12, 13, 14, np.nan]
    store.add(record)
    frame = trend_frame(store, store.runs(), TrendRequest("noise", ChannelGroup("epcb", 0, 0)))
    assert frame["value"][0] == 12.0


def test_counts_of_a_group_are_summed_with_the_interval_of_a_channel(
    store: RunStore, make_record: Make
) -> None:
    store.add(make_record(k=0, n=28))
    request = TrendRequest("clipped", ChannelGroup("tpc", -1, 0), "beam", "tpc")
    row = trend_frame(store, store.runs(), request).iloc[0]
    assert (row["k"], row["n"]) == (0, 48 * 28)
    assert row["upper"] == pytest.approx(1 - 0.16 ** (1 / 28))  # 6.34 %
    band = reference_band(store, store.runs(), request, "all")
    assert band is not None
    assert band.upper == pytest.approx(row["upper"])


def test_no_reference_without_numbers(store: RunStore, make_record: Make) -> None:
    store.add(make_record(n=0, k=0, n_adcs=2))
    runs = store.runs()
    for request in (
        TrendRequest("clipped"),
        TrendRequest("noise", ChannelGroup("channel", 5, 5)),
        TrendRequest("power", ChannelGroup("tpc", -1, 7)),
    ):
        assert reference_band(store, runs, request, "all") is None
        assert reference_band(store, [], request, "none") is None


def test_which_failures_concern_a_group(store: RunStore, make_record: Make) -> None:
    store.add(make_record(failing={"dead": "0/5 2/40", "missing_adcs": "3", "triggers": ""}))
    runs = store.runs()

    def of(*group: Any) -> list[str]:
        return failing_checks(store, runs, ChannelGroup(*group))[runs[0].run_id]

    assert of("channel", 0, 5) == ["dead"]
    assert of("channel", 0, 6) == []
    assert of("epcb", 0, 0) == ["dead"]
    assert of("tpc", -1, 3) == ["dead", "missing_adcs"]
    assert of("tpc", -1, 7) == []
    assert of("all") == ["dead", "missing_adcs", "triggers"]


def test_an_overview_of_files_without_a_verdict(store: RunStore, make_record: Make) -> None:
    from dataclasses import replace

    from radiograph.schemas.lightdqm.frames import DQM_VERDICT, TRIGGER_COUNTS

    empty = replace(make_record(), verdict=DQM_VERDICT.empty(), triggers=TRIGGER_COUNTS.empty())
    store.add(empty)
    found = overview(store, store.runs(), Hysteresis())
    assert (found.files[0].status, found.files[0].n_beam, found.alarms) == ("no_data", None, [])


def test_options_become_requests() -> None:
    requests = trend_requests(["noise", "clipped"], channels=["0/5"], tpcs=[1], trigger="beam")
    assert [str(r) for r in requests] == [
        "noise of channel 0/5",
        "noise of TPC 1",
        "clipped share of beam events, channel 0/5 (events with light: channel)",
        "clipped share of beam events, TPC 1 (events with light: tpc)",
    ]
    (power,) = trend_requests(["power"], roi_MHz=30.0)
    assert str(power) == "power at 30 MHz of all channels"
    assert trend_requests([]) == []
    with pytest.raises(UsageError, match="no sensor"):
        trend_requests(["noise"], channels=["0/16"])


def test_only_what_the_numbers_depend_on_is_in_the_hash() -> None:
    usual = config_hash(LightDqm())
    assert usual == config_hash(LightDqm(spread_adc16=5.0, units="V", ncomp=3))
    for changed in (
        LightDqm(ptps16bit=501.0),
        LightDqm(max_evts=0),
        LightDqm(noise_samples=40),
        LightDqm(powspec_nevts=100),
        LightDqm(legacy=True),
    ):
        assert config_hash(changed) != usual
    assert config_hash(LightDqm(legacy=True)) != config_hash(LightDqm(legacy=True, units="V"))
