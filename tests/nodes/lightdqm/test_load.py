"""Files of every kind: layout, events, selection, status file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.lightdqm.flow_file import samples_of
from radiograph.nodes.lightdqm.load import KEPT_BYTES, chosen_waveforms
from radiograph.nodes.lightdqm.selection import quotas, spread_places
from radiograph.schemas.errors import InputError
from radiograph.schemas.lightdqm.frames import SELECTED_EVENTS
from radiograph.schemas.sources import FileRef

FLAT = np.full((6, 2, 64, 60), -28000, np.int16)


def test_layout(write: Any, ask: Any) -> None:
    layout = ask(write(FLAT), "light_layout")
    assert (layout.n_events, layout.n_adcs, layout.n_channels, layout.n_samples) == (6, 2, 64, 60)
    assert (layout.rwm_adc, layout.rwm_channel) == (0, 18)
    assert layout.sample_ns == 16.0
    assert layout.event_bytes == 2 * 64 * 60 * 2
    assert layout.attributes["n_adcs"] == 2
    assert layout.attributes["classname"] == "LightEventGenerator"


@pytest.mark.parametrize("rwm", [None, (9, 3), (0, 64)])
def test_a_monitor_that_is_not_there(write: Any, ask: Any, rwm: Any) -> None:
    found = ask(write(FLAT, rwm=rwm), "light_layout", "active_channels")
    assert found["light_layout"].rwm_adc == -1
    assert found["active_channels"].sum() == 96


def test_a_monitor_at_a_sensor_input_is_no_channel(write: Any, ask: Any) -> None:
    active = ask(write(FLAT, rwm=(0, 30)), "active_channels")
    assert active.sum(axis=1).tolist() == [47, 48]
    assert not active[0, 30]


def test_events(write: Any, ask: Any) -> None:
    valid = np.ones((6, 2, 64), np.uint8)
    valid[2, 1] = 0
    events = ask(write(FLAT, [0, 1, 1, 0, 3, 1], valid), "light_events")
    assert events["trigger"].tolist() == ["self", "beam", "beam", "self", "unknown", "beam"]
    assert events["event_id"].tolist() == list(range(100, 106))
    assert events["n_adcs_present"].tolist() == [2, 2, 1, 2, 2, 2]
    assert events["utime_ms"].iloc[1] - events["utime_ms"].iloc[0] == 600
    assert (events["utime_spread_ms"] == 0).all()


def test_clocks_that_differ(write: Any, ask: Any) -> None:
    path = write(FLAT)
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        rows["utime_ms"][3, 1] += 70
        rows["utime_ms"][4, 0] = 0
        file["light/events/data"][:] = rows
    events = ask(path, "light_events")
    assert events["utime_spread_ms"].tolist() == [0, 0, 0, 70, 0, 0]
    assert events["utime_ms"].iloc[4] == rows["utime_ms"][4, 1]


def test_one_wrong_clock_shifts_no_event(write: Any, ask: Any) -> None:
    """The clock of ADC 0 is 5 s ahead where it is there; the time is that of the others."""
    samples = np.full((6, 4, 64, 60), -28000, np.int16)
    path = write(samples)
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        true = rows["utime_ms"][:, 1].copy()
        rows["utime_ms"][:, 0] += 5000
        rows["utime_ms"][1::2, 0] = 0
        rows["utime_ms"][5] = 0
        file["light/events/data"][:] = rows
    found = ask(path, "light_events", "dqm_verdict", "adc_clocks")
    assert found["light_events"]["utime_ms"].tolist() == [*true[:5], -1]
    row = found["dqm_verdict"].set_index("check").loc["timestamps"]
    assert "backwards" not in row["reason"]
    assert (row["status"], row["channels"], row["value"]) == ("fail", "0", 5000.0)


def test_a_trigger_is_unknown_where_the_monitor_is_absent(write: Any, ask: Any) -> None:
    valid = np.ones((6, 2, 64), np.uint8)
    valid[[1, 2, 4], 0] = 0
    path = write(FLAT, [0, 0, 1, 1, 0, 0], valid)
    found = ask(path, "light_events", "trigger_counts", "dqm_verdict")
    kinds = ["self", "unknown", "beam", "beam", "unknown", "self"]
    assert found["light_events"]["trigger"].tolist() == kinds
    assert found["trigger_counts"]["n_events"].tolist() == [2, 2, 2]
    row = found["dqm_verdict"].set_index("check").loc["triggers"]
    assert (row["value"], row["status"]) == (1.0, "pass")
    assert "2 of unknown trigger" in row["reason"]
    script = ask(path, "light_events", legacy=True)["trigger"]
    assert script.tolist() == ["self", "self", "beam", "beam", "self", "self"]
    # Another ADC has the monitor.
    other = ask(write(FLAT, [0] * 6, valid, rwm=(1, 18)), "light_events")["trigger"]
    assert set(other) == {"self"}


def test_older_files_are_ordered_by_tai(write: Any, ask: Any) -> None:
    path = write(FLAT, old=True)
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        rows["tai_ns"] = (1_757_246_437_000 + 600 * np.arange(6))[:, None, None] * 1_000_000
        file["light/events/data"][:] = rows
    row = ask(path, "dqm_verdict").set_index("check").loc["timestamps"]
    assert (row["status"], row["value"]) == ("pass", 0.0)
    assert row["reason"] == "in order; TAI times alone, no Unix time"
    with h5py.File(path, "r+") as file:
        rows["tai_ns"][3] -= 10_000_000_000
        rows["tai_ns"][4, 1] += 1_500_000_000
        file["light/events/data"][:] = rows
    row = ask(path, "dqm_verdict").set_index("check").loc["timestamps"]
    assert (row["status"], row["value"]) == ("fail", 1500.0)
    assert "backwards 1 times" in row["reason"]
    none = ask(write(FLAT, old=True), "dqm_verdict").set_index("check").loc["timestamps"]
    assert (none["status"], none["reason"]) == ("no_data", "the file has no absolute times")


def test_older_files(write: Any, ask: Any) -> None:
    """No trigger type, and a time for each channel that is 0."""
    samples = FLAT.copy()
    found = ask(write(samples, old=True), "light_events", "noise_summary", "dqm_fractions")
    events = found["light_events"]
    assert set(events["trigger"]) == {"unknown"}
    assert set(events["utime_ms"]) == {-1}
    assert set(found["noise_summary"]["source"]) == {"all"}
    fractions = found["dqm_fractions"]
    n = fractions[fractions["granularity"] == "total"].groupby("trigger", observed=False)["n"].max()
    assert n.to_dict() == {"self": 0, "beam": 0, "unknown": 6}


def test_without_validity_zeros_are_absent(write: Any, ask: Any) -> None:
    samples = FLAT.copy()
    samples[1, 1] = 0
    path = write(samples, [0] * 6)
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        kept = [n for n in rows.dtype.names if n != "wvfm_valid"]
        fewer = np.zeros(6, [(n, rows.dtype[n]) for n in kept])
        for name in kept:
            fewer[name] = rows[name]
        del file["light/events/data"]
        file["light/events/data"] = fewer
    valid = ask(path, "waveform_features")["valid"].to_numpy().reshape(6, 2, 64)
    assert not valid[1, 1].any()
    assert valid.sum() == 6 * 2 * 64 - 64


def test_missing_adcs(write: Any, ask: Any) -> None:
    valid = np.ones((6, 2, 64), np.uint8)
    valid[:2, 1] = 0
    valid[:, 0, 40] = 0
    valid[:, 0, 2] = 0
    frame = ask(write(FLAT, [0] * 6, valid), "missing_adcs")
    assert frame["n_missing"].tolist() == [0, 2]
    assert frame["n_silent_channels"].tolist() == [1, 0]
    assert frame["fraction"].tolist() == pytest.approx([0.0, 1 / 3])


def test_selection_is_stratified(write: Any, ask: Any) -> None:
    samples = np.full((400, 2, 64, 50), -28000, np.int16)
    triggers = np.zeros(400, int)
    triggers[[7, 50, 390]] = 1
    path = write(samples, triggers)
    found = ask(path, "selected_events", "trigger_counts", max_evts=40)
    events = found["selected_events"]
    assert events["event_row"].is_monotonic_increasing
    assert len(events) == 40
    assert set(events.loc[events["trigger"] == "beam", "event_row"]) == {7, 50, 390}
    assert {0, 399} <= set(events["event_row"])
    gaps = np.diff(events.loc[events["trigger"] == "self", "event_row"])
    assert gaps.max() - gaps.min() <= 4
    counts = found["trigger_counts"].set_index("trigger")
    assert counts.loc["beam"].tolist() == [3, 3]
    assert counts.loc["self"].tolist() == [397, 37]
    assert len(ask(path, "selected_events", max_evts=0)) == 400


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=3), st.integers(0, 1200))
def test_quotas(counts: list[int], most: int) -> None:
    given_ = quotas(counts, most)
    assert all(0 <= g <= n for g, n in zip(given_, counts, strict=True))
    assert sum(given_) == (min(most, sum(counts)) if most else sum(counts))
    # Nobody who wants more has fewer than another, but for what does not divide.
    short = [g for g, n in zip(given_, counts, strict=True) if g < n]
    assert not short or max(given_) - min(short) <= len(counts)


@given(st.integers(1, 5000), st.integers(1, 600))
def test_spread_places(n: int, most: int) -> None:
    places = spread_places(n, most)
    assert len(places) == min(n, most)
    assert (places[0], places[-1]) == (0, n - 1 if most > 1 else 0)


def test_rows_are_read_and_no_more(
    write: Any, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    samples = rng.integers(-8000, 8000, (12, 2, 64, 60)).astype(np.int16) * 4
    for compression in (None, "gzip"):
        path = write(samples, compression=compression)
        with h5py.File(path) as file:
            from radiograph.nodes.lightdqm.flow_file import layout_of

            layout = layout_of(file, str(path))
            for rows in ([0], [3, 4, 5, 9], [0, 2, 4, 11], list(range(12)), []):
                assert np.array_equal(
                    samples_of(file, layout, np.array(rows, np.int64)), samples[rows]
                )
    events = SELECTED_EVENTS.frame(
        {c.name: [0] * 3 for c in SELECTED_EVENTS.columns}
        | {"event_row": [2, 3, 8], "trigger": ["self"] * 3}
    )
    ref = FileRef(str(path), 0, "")
    kept = chosen_waveforms(ref, layout, events)
    assert kept.samples is not None
    assert np.array_equal(kept.samples, samples[[2, 3, 8]])
    assert KEPT_BYTES // 1_024_000 == 625
    monkeypatch.setattr("radiograph.nodes.lightdqm.load.KEPT_BYTES", 3 * layout.event_bytes - 1)
    assert chosen_waveforms(ref, layout, events).samples is None


def test_blocks_give_the_same_numbers(
    write: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    samples = rng.integers(-8000, 8000, (12, 2, 64, 60)).astype(np.int16) * 4
    path = write(samples, rng.integers(0, 2, 12))
    names = ("waveform_features", "picked_waveforms")
    whole = ask(path, *names, max_evts=0)
    monkeypatch.setattr("radiograph.nodes.lightdqm.load.KEPT_BYTES", 0)
    monkeypatch.setattr("radiograph.nodes.lightdqm.features._BLOCK_BYTES", 5 * 2 * 64 * 60 * 2)
    by_blocks = ask(path, *names, max_evts=0)
    assert whole["waveform_features"].equals(by_blocks["waveform_features"])
    assert np.array_equal(whole["picked_waveforms"].samples, by_blocks["picked_waveforms"].samples)


@pytest.mark.parametrize("legacy", [False, True])
def test_spectra_of_more_events_than_are_kept(
    write: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, rng: Any, legacy: bool
) -> None:
    """As many events as a spectrum has: spread over the file, or (legacy) the first."""
    samples = (rng.normal(0, 20, (30, 2, 64, 60)) // 4 * 4).astype(np.int16)
    settings = {"max_evts": 0, "powspec_nevts": 7, "legacy": legacy}
    monkeypatch.setattr("radiograph.nodes.lightdqm.load.KEPT_BYTES", 0)
    found = ask(write(samples, [0] * 30), "power_spectra", **settings)
    monkeypatch.undo()
    rows = np.arange(7) if legacy else np.linspace(0, 29, 7).astype(int)
    few = ask(write(samples[rows], [0] * 7), "power_spectra", **settings)
    assert (found.n_events[:, 4:16] == 7).all()
    assert np.array_equal(found.mean_V2, few.mean_V2, equal_nan=True)


STATUS = [[0] * 64 for _ in range(2)]


@pytest.mark.parametrize("as_text", [str, lambda v: f"{float(v):.1f}"])
def test_status_file(write: Any, ask: Any, tmp_path: Path, as_text: Any) -> None:
    table = np.zeros((8, 64), int)
    table[1, 5], table[0, 0] = 3, -1
    status = tmp_path / "status.csv"
    status.write_text("\n".join(",".join(as_text(v) for v in row) for row in table) + "\n\n")
    found = ask(write(FLAT), "known_status", status=status)
    assert found.shape == (2, 64)
    assert (found[1, 5], found[0, 0], found[0, 4]) == (3, -1, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,4\n", r"shape \(2, 2\).*\(2, 64\) is needed"),
        ("\n".join([",".join(["0"] * 64)]), r"shape \(1, 64\)"),
        ("\n".join([",".join(["0"] * 64), ",".join(["0"] * 63)]), "no table of numbers"),
        ("adc,channel\n0,x\n", "no table of numbers"),
        ("\n".join([",".join(["7"] * 64)] * 2), "7 is no status"),
        ("", "needed"),
    ],
)
def test_wrong_status_files(write: Any, ask: Any, tmp_path: Path, text: str, message: str) -> None:
    status = tmp_path / "status.csv"
    status.write_text(text)
    with pytest.raises(InputError, match=message) as failure:
        ask(write(FLAT), "known_status", status=status)
    assert failure.value.exit_code == 3
    assert str(status) in failure.value.message


def test_without_a_status_file_only_inputs_without_sensor_are_known(write: Any, ask: Any) -> None:
    status = ask(write(FLAT), "known_status")
    assert (status[:, :4] == -1).all()
    assert (status == 0).sum() == 96
