"""Bars that calibrate themselves: planted offsets and gains recovered, no source in it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging import bar_constants, calibration, calibration_error, simulated_pairs
from radiograph.nodes.imaging.bars import bars as bars_node
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.bars import BarExtents
from radiograph.schemas.imaging.calibration import BAR_CALIBRATION, PAIRS, Calibration, HitProfiles
from radiograph.schemas.imaging.detectors import Bar, Detectors, Geometry
from radiograph.schemas.imaging.images import PlaneFrame
from radiograph.schemas.imaging.uncertainty import Uncertainty

from .test_uncertainty import light_curve, true_events

PLANE = PlaneFrame((0.0, 0.0, -100.0), (0.0, 0.0, 1.0))
RESOLUTION = Uncertainty(sigma_time_ns=0.15, sigma_doi_cm=0.3, energy={"a": 0.05})
N_BARS = 8


def array() -> pd.DataFrame:
    """Two layers of four bars 7 cm long each way, 12 cm apart, along x and along y."""
    u = np.array([-9.0, -3.0, 3.0, 9.0])
    low = np.array([[-7.0, c - 0.01, -0.01] for c in u] + [[c - 0.01, -7.0, 11.99] for c in u])
    high = np.array([[7.0, c + 0.01, 0.01] for c in u] + [[c + 0.01, 7.0, 12.01] for c in u])
    return bars_node(BarExtents(np.arange(N_BARS), low, high, np.full(N_BARS, 5000)), Detectors())


def template() -> pd.DataFrame:
    """Pairs that name the bars, and the widest light and flight."""
    n = N_BARS
    material = pd.Categorical(["OGS"] * n, categories=["OGS"])
    return PAIRS.frame(
        {
            "det_id1": np.arange(n),
            "det_id2": (np.arange(n) + 4) % n,
            "material": material,
            "material2": material,
            "flight_ns": np.linspace(0.1, 30.0, n),
            "light1_MeVee": np.linspace(0.5, 9.0, n),
            "light2_MeVee": np.linspace(0.1, 9.0, n),
            **{f"{a}{k}_cm": np.zeros(n) for k in (1, 2) for a in "xyz"},
        }
    )


def constants(**columns: Any) -> pd.DataFrame:
    n = N_BARS
    base = {
        "det_id": np.arange(n),
        "along_offset_cm": np.zeros(n),
        "time_offset_ns": np.zeros(n),
        "time_walk_ns": np.zeros(n),
        "light_gain": np.ones(n),
        **{name: np.full(n, np.nan) for name in BAR_CALIBRATION.names if "_sigma" in name},
        "n_events": np.zeros(n),
        "source": pd.Categorical(["self"] * n, categories=["none", "file", "self"]),
    }
    return BAR_CALIBRATION.frame({**base, **columns})


@pytest.fixture(scope="module")
def perfect() -> pd.DataFrame:
    return simulated_pairs.simulated_pairs(
        template(),
        array(),
        light_curve(),
        14.8,
        np.array([0.0, 0.0, -100.0]),
        RESOLUTION,
        6000,
        seed=3,
    )


def test_edges_give_the_offsets_that_were_planted() -> None:
    rng = np.random.default_rng(1)
    bars = array()
    planted = np.array([0.4, -0.4, 0.3, 0.0, 0.35, 0.0, -0.3, 0.0])
    ids = rng.integers(0, N_BARS, 40_000)
    axes = bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    along = rng.uniform(-7.0, 7.0, len(ids)) + rng.normal(0.0, 0.1, len(ids)) + planted[ids]
    profiles = HitProfiles.of_hits(ids, along[:, None] * axes[ids])
    found = bar_constants.edge_offsets(profiles, bars, Detectors())
    assert found["along_offset_cm"].to_numpy() == pytest.approx(planted, abs=0.08)
    assert found["along_offset_cm"].to_numpy()[planted == 0].tolist() == [0.0, 0.0, 0.0]
    halves = HitProfiles.of_hits(ids[:9000], along[:9000, None] * axes[ids[:9000]]) + (
        HitProfiles.of_hits(ids[9000:], along[9000:, None] * axes[ids[9000:]])
    )
    assert np.array_equal(halves.key, profiles.key)
    assert np.array_equal(halves.count, profiles.count)


def test_a_bar_that_is_centred_elsewhere_needs_to_be_described() -> None:
    rng = np.random.default_rng(2)
    position = np.column_stack([rng.uniform(3.0, 17.0, 3000), np.zeros((3000, 2))])
    extents = BarExtents.of_hits(np.zeros(3000, int), position)
    profiles = HitProfiles.of_hits(np.zeros(3000, int), position)
    alone = bar_constants.edge_offsets(profiles, bars_node(extents, Detectors()), Detectors())
    assert alone["along_offset_cm"].tolist() == [0.0]
    bar = Bar(det_id=0, center=(9.6, 0.0, 0.0), axis=(-1.0, 0.0, 0.0), length=14.0)
    told = Detectors(geometry=Geometry(bars=(bar,)))
    found = bar_constants.edge_offsets(profiles, bars_node(extents, told), told)
    # 0.4 cm up the x axis is -0.4 cm along this bar.
    assert found["along_offset_cm"][0] == pytest.approx(-0.4, abs=0.05)


def test_times_and_gains_that_were_planted_are_found(perfect: pd.DataFrame) -> None:
    tau = np.array([0.2, -0.1, 0.0, 0.1, -0.2, 0.1, 0.0, -0.1])
    gain = np.array([0.95, 1.05, 1.0, 1.04, 1.0, 1.0, 1.0, 1.0])
    first, second = (perfect[f"det_id{k}"].to_numpy() for k in (1, 2))
    # Constants are taken off: the light as read is the true one over the gain.
    off = perfect.assign(
        flight_ns=perfect["flight_ns"] + tau[second] - tau[first],
        light1_MeVee=perfect["light1_MeVee"] / gain[first],
    )
    base, moved = (
        bar_constants.scatter_constants(p, constants(), array(), light_curve(), 14.8)
        for p in (perfect, off)
    )
    fired = np.bincount(first, minlength=N_BARS) >= 100
    change = (moved["time_offset_ns"] - base["time_offset_ns"]).to_numpy()
    assert change == pytest.approx(tau, abs=0.04)
    ratio = (moved["light_gain"] / base["light_gain"]).to_numpy()
    assert ratio[fired] == pytest.approx(gain[fired], abs=0.03)
    assert moved["light_gain"].to_numpy()[~fired].tolist() == [1.0] * int((~fired).sum())
    # What a perfect array gives is the bias; offsets add up to nothing.
    assert np.abs(base["time_offset_ns"]).max() < 0.1
    assert abs(base["time_offset_ns"].sum()) < 1e-2


def test_a_walk_that_was_planted_is_found(perfect: pd.DataFrame) -> None:
    """What a perfect array seems to have is its bias; a bar without pairs has none."""
    planted = np.array([0.9, 0.0, 0.5, 0.0, 0.4, 0.0, 0.6, 0.2])
    bar = {k: perfect[f"det_id{k}"].to_numpy() for k in (1, 2)}
    late = {
        k: planted[bar[k]] * (perfect[f"light{k}_MeVee"].to_numpy() ** -0.5 - 3.0**-0.5)
        for k in (1, 2)
    }
    off = perfect.assign(flight_ns=perfect["flight_ns"] + late[2] - late[1])
    base, moved, blind = (
        bar_constants.scatter_constants(p, constants(), array(), light_curve(), 14.8, walk=walk)
        for p, walk in ((perfect, True), (off, True), (off, False))
    )
    change = (moved["time_walk_ns"] - base["time_walk_ns"]).to_numpy()
    assert change == pytest.approx(planted, abs=0.15)
    assert np.abs(moved["time_offset_ns"] - base["time_offset_ns"]).max() < 0.05
    assert np.all(moved["time_walk_sigma_ns"] < 0.2)
    assert not blind["time_walk_ns"].any()
    assert blind["time_walk_sigma_ns"].isna().all()
    # A walk that is not looked for goes into offsets and gains.
    assert np.abs(blind["time_offset_ns"] - base["time_offset_ns"]).max() > 0.05


def test_corrected_times_have_no_walk() -> None:
    """Hand value: 0.6 ns sqrt(MeVee), light 4 MeVee: 0.6 (1/2 - 1/sqrt 3) = -0.0464 ns."""
    events = true_events([0.6]).assign(light1_MeVee=4.0, light2_MeVee=3.0, det_id1=0, det_id2=1)
    told = constants(time_walk_ns=np.full(N_BARS, 0.6), time_offset_ns=np.full(N_BARS, 0.1))
    found = bar_constants.corrected_events(events, told, array(), (1, 2), light=True)
    assert (events["t1_ns"] - found["t1_ns"])[0] == pytest.approx(0.1 - 0.04641, abs=1e-5)
    assert (events["t2_ns"] - found["t2_ns"])[0] == pytest.approx(0.1)


def test_the_bias_is_taken_off() -> None:
    """Slower neutrons pull the gains of a perfect array by a tenth; other seeds take that off."""
    settings = Calibration(mode="self", steps=("consistency", "bias"), simulated_pairs=6000, seed=9)
    source = np.array([0.0, 0.0, -100.0])
    read = (template(), array(), light_curve(), 14.8, source, RESOLUTION, 6000)
    measured = simulated_pairs.simulated_pairs(*read, seed=3, late=0.03)
    found = calibration.biased_bar_calibration(
        HitProfiles.of_hits(np.zeros(0, int), np.zeros((0, 3))),
        measured,
        array(),
        light_curve(),
        14.8,
        Detectors(),
        settings,
    )
    bias = calibration.bar_calibration_bias(
        measured, found, array(), light_curve(), 14.8, PLANE, RESOLUTION, settings
    )
    left = calibration.bar_calibration__unbiased(found, bias)
    assert np.abs(found["light_gain"] - 1.0).max() > 0.08
    assert np.abs(left["light_gain"] - 1.0).max() < 0.04
    assert np.abs(left["time_offset_ns"]).max() < 0.05


def test_slower_neutrons_from_everywhere_are_as_many_as_the_data_have(
    perfect: pd.DataFrame,
) -> None:
    array_of = simulated_pairs.perfect_constants(array())
    late = 0.015
    settings = (light_curve(), 14.8, np.array([0.0, 0.0, -100.0]), RESOLUTION, 3000)
    mixed = simulated_pairs.simulated_pairs(template(), array(), *settings, seed=3, late=late)
    found = bar_constants.late_share(mixed, array_of, array(), light_curve(), 14.8)
    assert found == pytest.approx(late, abs=0.004)
    alone = bar_constants.late_share(perfect, array_of, array(), light_curve(), 14.8)
    assert alone < 0.5 * late
    # As many as can be seen at most, and the same for the same seed.
    assert 0 < len(mixed) <= 3000
    again = simulated_pairs.simulated_pairs(template(), array(), *settings, seed=3, late=late)
    pd.testing.assert_frame_equal(mixed, again)


def test_the_late_share_counts_by_hand() -> None:
    one = template().iloc[[0] * 6].assign(z2_cm=12.0, light1_MeVee=4.0)
    expected, _ = bar_constants._expected_flight_ns(
        np.full(6, 4.0), np.full(6, 12.0), one["material"], light_curve(), 14.8
    )
    pairs = one.assign(flight_ns=expected + np.array([0.0, 0.9, -0.9, 0.1, 1.5, 2.5]))
    found = bar_constants.late_share(pairs, constants(), array(), light_curve(), 14.8)
    assert found == pytest.approx(1 / 4)
    none = pairs.iloc[:0]
    assert bar_constants.late_share(none, constants(), array(), light_curve(), 14.8) == 0.0


def test_no_source_enters_but_the_perfect_array() -> None:
    for function in (
        calibration.hit_profiles,
        calibration.scatter_pairs,
        calibration.biased_bar_calibration,
    ):
        names = set(inspect.signature(function).parameters)
        assert not names & {"prior", "plane_frame", "pixel_grid", "uncertainty"}


def test_constants_are_taken_off_events_and_the_input_stays() -> None:
    events = true_events([0.5, 0.8]).assign(det_id1=[0, 4], det_id2=[4, 99])
    before = events.copy(deep=True)
    table = constants(
        along_offset_cm=np.full(N_BARS, 0.5),
        time_offset_ns=np.arange(N_BARS) * 0.1,
        light_gain=np.full(N_BARS, 2.0),
    )
    found = calibration.neutron_calibrated_events__corrected(events, table, array())
    assert found["x1_cm"].tolist() == [-0.5, 0.0]
    assert found["y1_cm"].tolist() == [0.0, -0.5]
    assert (found["t2_ns"] - events["t2_ns"]).tolist() == pytest.approx([-0.4, 0.0])
    assert (found["light1_MeVee"] / events["light1_MeVee"]).tolist() == [2.0, 2.0]
    assert found.loc[1, "light2_MeVee"] == events.loc[1, "light2_MeVee"]
    pd.testing.assert_frame_equal(events, before)


def test_hits_are_taken_to_the_middle_of_their_bars() -> None:
    """Bar 1 lies along x at y = -3, z = 0; bar 6 along y at x = 3, z = 12; 99 is no bar."""
    events = true_events([0.6] * 2).assign(
        det_id1=[1, 99], det_id2=[6, 6],
        x1_cm=[2.0, 2.0], y1_cm=[-2.6, -2.6], z1_cm=[0.3, 0.3],
        x2_cm=[3.3, 2.9], y2_cm=[5.0, -4.0], z2_cm=[11.8, 12.2],
    )  # fmt: skip
    before = events.copy(deep=True)
    found = calibration.neutron_calibrated_events__snapped(events, array())
    pd.testing.assert_frame_equal(events, before)
    assert found[["x1_cm", "y1_cm", "z1_cm"]].to_numpy() == pytest.approx(
        np.array([[2.0, -3.0, 0.0], [2.0, -2.6, 0.3]])
    )
    assert found[["x2_cm", "y2_cm", "z2_cm"]].to_numpy() == pytest.approx(
        np.array([[3.0, 5.0, 12.0], [3.0, -4.0, 12.0]])
    )
    nothing = calibration.neutron_calibrated_events__snapped(events.iloc[:0], array())
    assert len(nothing) == 0
    table = constants(along_offset_cm=np.full(N_BARS, 0.5))
    both = calibration.neutron_calibrated_events__both(events, table, array())
    assert both["x1_cm"].tolist() == pytest.approx([1.5, 2.0])
    assert both["y1_cm"].tolist() == pytest.approx([-3.0, -2.6])


def test_errors_of_constants_are_drawn_and_joined() -> None:
    table = constants(
        time_offset_sigma_ns=np.full(N_BARS, 0.1), light_gain=np.full(N_BARS, 1.2),
        light_gain_sigma=np.full(N_BARS, 0.06),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    draws = [bar_constants.drawn_errors(table, rng) for _ in range(200)]
    late = np.stack([draw["time_offset_ns"] for draw in draws])
    gain = np.log(np.stack([draw["light_gain"] for draw in draws]))
    assert late.std() == pytest.approx(0.1, rel=0.05)
    assert gain.std() == pytest.approx(0.05, rel=0.05)
    bias = table.assign(light_gain=1.0, light_gain_sigma=0.05)
    left = bar_constants.without_bias(table, bias)
    assert left["light_gain"].tolist() == [pytest.approx(1.2)] * N_BARS
    assert left["light_gain_sigma"].tolist() == [pytest.approx(1.2 * 0.05 * np.sqrt(2.0))] * N_BARS
    assert left["time_offset_sigma_ns"].tolist() == [pytest.approx(0.1 * np.sqrt(2.0))] * N_BARS
    # No error known: nothing is moved.
    none = bar_constants.drawn_errors(constants(), rng)
    assert none["time_offset_ns"].tolist() == [0.0] * N_BARS
    assert none["light_gain"].tolist() == [1.0] * N_BARS


def test_errors_of_a_walk_move_times_by_the_light() -> None:
    """Hand value: 0.5 ns sqrt(MeVee), light 1 MeVee: 0.5 (1 - 1/sqrt 3) = 0.2113 ns later."""
    events = true_events([0.6]).assign(light1_MeVee=1.0, light2_MeVee=3.0, det_id1=0, det_id2=1)
    drawn = pd.DataFrame(
        {"time_offset_ns": [0.0, 0.1], "time_walk_ns": [0.5, 0.5], "light_gain": [1.0, 1.1]},
        index=[0, 1],
    )
    found = calibration_error._changed(events, drawn)
    assert (events["t1_ns"] - found["t1_ns"])[0] == pytest.approx(0.21132, abs=1e-5)
    assert (events["t2_ns"] - found["t2_ns"])[0] == pytest.approx(0.1)
    assert found["light1_MeVee"][0] == 1.0
    assert found["light2_MeVee"][0] == pytest.approx(3.3)
    known = constants(time_walk_sigma_ns=np.full(N_BARS, 0.3))
    rng = np.random.default_rng(1)
    walks = np.stack([bar_constants.drawn_errors(known, rng)["time_walk_ns"] for _ in range(200)])
    assert walks.std() == pytest.approx(0.3, rel=0.1)


def test_a_walk_is_taken_off_with_its_bias() -> None:
    found = constants(time_walk_ns=np.full(N_BARS, 0.9), time_walk_sigma_ns=np.full(N_BARS, 0.3))
    bias = constants(time_walk_ns=np.full(N_BARS, 0.4), time_walk_sigma_ns=np.full(N_BARS, 0.4))
    left = bar_constants.without_bias(found, bias)
    assert left["time_walk_ns"].to_numpy() == pytest.approx(0.5)
    assert left["time_walk_sigma_ns"].to_numpy() == pytest.approx(0.5)


def test_a_table_of_constants_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "# made by hand\ndet_id,along_offset_cm,time_offset_ns,light_gain\n"
        "7,0.1,-0.2,1.1\n3,0,0,1\n"
    )
    found = calibration.bar_calibration__file(file_ref(path))
    assert found["det_id"].tolist() == [3, 7]
    assert found["light_gain"].tolist() == [1.0, 1.1]
    assert found["source"].tolist() == ["file", "file"]


def test_the_file_of_a_run_gives_its_constants(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    told = constants(
        time_walk_ns=np.arange(N_BARS) * 0.1, time_offset_sigma_ns=np.full(N_BARS, 0.02)
    )
    with h5py.File(path, "w") as file:
        for name in told:
            if name != "source":
                file[f"calibration/{name}"] = told[name].to_numpy()
    found = calibration.bar_calibration__file(file_ref(path))
    numbers = [name for name in BAR_CALIBRATION.names if name not in ("source", "n_events")]
    pd.testing.assert_frame_equal(found[numbers], told[numbers])
    assert set(found["source"]) == {"file"}
    with h5py.File(path, "w") as file:
        file["calibration/det_id"] = [1]
    with pytest.raises(InputError, match="no column 'along_offset_cm'"):
        calibration.bar_calibration__file(file_ref(path))
    with h5py.File(path, "w") as file:
        file["images/n"] = [1]
    with pytest.raises(InputError, match="no /calibration in it"):
        calibration.bar_calibration__file(file_ref(path))


@pytest.mark.parametrize("step", ["walk", "bias"])
def test_steps_of_consistency_need_it(step: str) -> None:
    with pytest.raises(ValueError, match=f'"{step}" is .* of "consistency"'):
        Calibration(mode="self", steps=("edges", step))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("det_id,light_gain\n1,1\n", "no column 'along_offset_cm'"),
        ("det_id,along_offset_cm,time_offset_ns,light_gain\n1,0,x,1\n", "row 1"),
        ("det_id,along_offset_cm,time_offset_ns,light_gain\n1,0,0,0\n", "gains above 0"),
        ("det_id,along_offset_cm,time_offset_ns,light_gain\n1,0,0,1\n1,0,0,1\n", "twice"),
        ("", "not a table"),
    ],
)
def test_what_is_no_table_of_constants(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        calibration.bar_calibration__file(file_ref(path))


def test_without_pairs_nothing_is_changed() -> None:
    none = PAIRS.frame({name: template()[name][:0] for name in PAIRS.names})
    found = bar_constants.scatter_constants(none, constants(), array(), light_curve(), 14.8)
    assert found["time_offset_ns"].tolist() == [0.0] * N_BARS
    assert found["light_gain"].tolist() == [1.0] * N_BARS
