"""Random runs: every lit pixel traces back to hits, and the fate of every kept hit is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from radiograph.drivers import pipeline
from radiograph.drivers.imaging.saved import SavedRun, open_run
from radiograph.drivers.imaging.tracing import cones_through
from radiograph.schemas.imaging.codes import ConeFilter, EventFilter, RawEventFate

Run = Callable[..., Any]


def random_events(seed: int, n: int) -> str:
    """PHITS text: windows of two to five hits of either kind, some of them hopeless."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(n):
        kind = "n" if rng.random() < 0.6 else "g"
        n_hits = int(rng.integers(2 if kind == "n" else 3, 6))
        hits = []
        t = rng.uniform(0, 10)
        for _ in range(n_hits):
            t += rng.choice([0.0, rng.uniform(0.1, 6.0)], p=[0.1, 0.9])
            x, y = rng.normal(0, 10, 2)
            z = 60 + rng.uniform(0, 30)
            light = rng.exponential(1.5 if kind == "n" else 0.6) + 1e-3
            hits.append(f"{rng.integers(11, 15)} {light:.5f} {x:.4f} {y:.4f} {z:.4f} {t:.4f}")
        lines.append(f"{kind}e 1 1 {k} 1 1 ; {' , '.join(hits)} ,")
    return "\n".join(lines) + "\n"


SETTINGS = st.fixed_dictionaries(
    {
        "filters.hits.min_light_MeVee": st.sampled_from([0.0, 0.3]),
        "filters.events.tof_window_ns": st.sampled_from(["[0, 1e9]", "[0.5, 6.0]"]),
        "filters.cones.max_delta_theta_deg": st.sampled_from([0, 40]),
        "cones.directionality": st.sampled_from(['"axis"', '"surface"', '"off"']),
        "cones.nappe": st.sampled_from(['"forward"', '"both"']),
        "run.max_events": st.sampled_from([0, 40]),
        "run.max_cones": st.sampled_from([0, 25]),
        "run.chunk_events": st.sampled_from([30, 262144]),
        "run.workers": st.sampled_from([1, 3]),
        "shaping.neutron_policy": st.sampled_from(['"time_asc"', '"all_combinations"']),
        "run.sbp_engine": st.sampled_from(['"scan"', '"poly"']),
    }
).filter(lambda s: (s["run.sbp_engine"], s["cones.nappe"]) != ('"poly"', '"both"'))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1), chosen=SETTINGS)
def test_random_runs_can_be_traced(
    seed: int, chosen: dict[str, Any], place: Path, radiograph: Run, settings: str
) -> None:
    (place / "events.out").write_text(random_events(seed, 90), "utf-8")
    (place / "run.toml").write_text(settings, "utf-8")
    overrides = [a for key, value in chosen.items() for a in ("--set", f"{key}={value}")]
    done = radiograph("run", place / "run.toml", "--list", "--overwrite", "-q", *overrides)
    assert done.code == 0, done.err
    with open_run(place / "image.h5") as saved:
        assert_pixels_lead_to_hits(saved, seed)
        assert_kept_hits_have_a_fate(saved, place, overrides)


def assert_pixels_lead_to_hits(saved: SavedRun, seed: int) -> None:
    """Footprints sum to the images; cones have events, events have kept hits of one window."""
    cones, events, hits = saved.cones, saved.events, saved.hits
    whole = saved.footprints
    cone_of = np.repeat(np.arange(saved.n_cones), np.diff(whole.offsets.astype(np.int64)))
    for name in ("n", "g"):
        mine = cones["species"].to_numpy()[cone_of] == name
        image = np.bincount(whole.pixels[mine], minlength=saved.grid.nu * saved.grid.nv)
        np.testing.assert_array_equal(image.reshape(saved.grid.shape), saved.images[name])
    np.testing.assert_array_equal(saved.images["n"] + saved.images["g"], saved.images["all"])
    lit = np.flatnonzero(saved.images["all"])
    for pixel in np.random.default_rng(seed).permutation(lit)[:5]:
        region = np.arange(saved.images["all"].size).reshape(saved.grid.shape) == pixel
        through = cones_through(saved, region)
        assert len(through) == saved.images["all"].ravel()[pixel]
        assert (through["lit_in_region"] == 1).all()
    # Every cone, so every pixel: cone -> event -> hits, and back.
    behind = events.take(cones["event_index"])
    np.testing.assert_array_equal(behind["cone_id"], cones["cone_id"])
    assert behind["species"].tolist() == cones["species"].tolist()
    for k in (1, 2, 3):
        has_hit = np.isfinite(behind[f"t{k}_ns"].to_numpy())
        assert has_hit.all() or k == 3
        rows = behind[f"hit{k}_row"].to_numpy()
        assert ((rows >= 0) == has_hit).all()
        of_hit = hits.take(rows[has_hit])
        assert (of_hit["filter_code"] == 0).all()
        assert of_hit["species"].tolist() == behind["species"][has_hit].tolist()
        for hit, event in (
            ("event_id", "event_id"), ("t_ns", f"t{k}_ns"), ("det_id", f"det_id{k}"),
        ):  # fmt: skip
            np.testing.assert_array_equal(of_hit[hit], behind[event][has_hit])
        for a in "xyz":
            np.testing.assert_allclose(of_hit[f"{a}_cm"], behind[f"{a}{k}_cm"][has_hit], rtol=1e-6)


def assert_kept_hits_have_a_fate(saved: SavedRun, place: Path, overrides: list[str]) -> None:
    """Each kept hit is in a dropped window, left by shaping, or in an event with one fate."""
    from radiograph.drivers.config import load_config

    flags = [v for v in overrides if v != "--set"]
    loaded = load_config(place / "run.toml", overrides=flags)
    names = ["raw_event_fate"]
    for s in ("neutron", "gamma"):
        names += [f"{s}_filtered_hits", f"{s}_shaped_events", f"{s}_event_filter_code"]
        names += [f"{s}_cone_filter_code", f"{s}_filtered_events", f"{s}_back_projection"]
    found = pipeline("imaging", loaded).run(names)
    counters = saved.record.all_counters
    fates: dict[str, int] = {}
    for s, letter, n_hits in (("neutron", "n", 2), ("gamma", "g", 3)):
        hits, shaped = found[f"{s}_filtered_hits"], found[f"{s}_shaped_events"]
        assert len(hits) == counters[f"hits_after_filters_{letter}"]
        codes = found[f"{s}_event_filter_code"]
        assert len(codes) == len(shaped) == counters[f"shaped_events_{letter}"]
        used = np.zeros(len(hits), bool)
        for k in range(1, n_hits + 1):
            used[shaped[f"hit{k}_row"]] = True
        raw = found["raw_event_fate"]
        fate_of_window = raw[hits["event_id"].to_numpy()] if len(raw) else raw
        # A hit that no event uses is of a window that gave none, or is one of too many.
        left = ~used
        of_dropped = fate_of_window[left] != RawEventFate.kept
        in_kept = np.isin(hits["event_id"].to_numpy()[left], shaped["event_id"].to_numpy())
        other = hits["event_id"].to_numpy()[left]
        other_species = np.isin(other, found["gamma_shaped_events"]["event_id"]) | np.isin(
            other, found["neutron_shaped_events"]["event_id"]
        )
        assert (of_dropped | in_kept | other_species).all()
        for code in EventFilter:
            fates[f"{s} event {code.name}"] = int((codes == code).sum())
        kept = fates[f"{s} event kept"]
        assert (
            kept == len(found[f"{s}_filtered_events"]) == counters[f"events_after_filters_{letter}"]
        )
        cone_codes = found[f"{s}_cone_filter_code"]
        assert len(cone_codes) == kept
        n_cones = int((cone_codes == ConeFilter.kept).sum())
        assert n_cones == counters[f"cones_kept_{letter}"]
        lit = found[f"{s}_back_projection"].lit_pixels
        assert len(lit) == n_cones
        assert counters[f"cones_imaged_{letter}"] == int((lit > 0).sum())
        assert counters[f"cones_missed_plane_{letter}"] == int((lit == 0).sum())
    assert sum(v for k, v in fates.items() if k.endswith("kept")) == saved.n_events
