"""The settings base: strict, frozen, no unknown key; and every field says what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import pytest
from pydantic import Field, ValidationError, create_model
from radiograph.drivers.config_fields import sections
from radiograph.schemas.imaging.config import Fast, ImagingConfig, Run
from radiograph.schemas.imaging.detectors import Bar, Detectors
from radiograph.schemas.imaging.filters import HitFilters, HitFiltersBySpecies, resolved
from radiograph.schemas.imaging.physics import Energy, LinePrior, Prior
from radiograph.schemas.imaging.plane import Plane
from radiograph.schemas.imaging.vis import Vis
from radiograph.schemas.settings import Axis3, Section, Window, meanings

PLANE = {
    "origin": [0, 0, 0],
    "normal": [0, 0, 1],
    "u_min": -1,
    "u_max": 1,
    "du": 0.5,
    "v_min": -1,
    "v_max": 1,
    "dv": 0.5,
}


class Sample(Section):
    flag: bool = False
    count: int = 0
    share: float = Field(default=0.5, ge=0)
    name: str = ""
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (0.0, 0.0)
    many: tuple[int, ...] = ()
    nested: tuple[tuple[int, ...], ...] = ()
    table: Mapping[str, int] = Field(default={})
    axis: Axis3 = (0.0, 0.0, 1.0)
    window: Window = (0.0, 1.0)


def kinds(data: dict[str, object], model: type[Section] = Sample) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return [e["type"] for e in caught.value.errors()]


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("flag", "yes", "bool_type"),
        ("flag", 1, "bool_type"),
        ("count", "5", "int_type"),
        ("count", 1.0, "int_type"),
        ("count", True, "int_type"),
        ("share", "0.5", "float_type"),
        ("share", True, "float_type"),
        ("share", -1, "greater_than_equal"),
        ("share", float("nan"), "finite_number"),
        ("share", float("inf"), "finite_number"),
        ("name", 3, "string_type"),
        ("kind", "A", "literal_error"),
        ("pair", [1.0], "missing"),
        ("pair", [1.0, 2.0, 3.0], "too_long"),
        ("pair", 1.0, "tuple_type"),
        ("many", [1, "2"], "int_type"),
        ("table", {"a": "1"}, "int_type"),
        ("axis", [0, 0, 0], "value_error"),
        ("window", [2, 1], "value_error"),
        ("Flag", True, "extra_forbidden"),
    ],
)
def test_nothing_is_converted_silently(key: str, value: object, kind: str) -> None:
    assert kinds({key: value}) == [kind]


def test_whole_numbers_may_stand_for_floats_and_arrays_for_tuples() -> None:
    data = {"share": 1, "pair": [1, 2], "many": [1, 2], "nested": [[1], [2, 3]]}
    section = Sample.model_validate(data)
    assert (section.share, section.pair, section.many) == (1.0, (1.0, 2.0), (1, 2))
    assert type(section.share) is float
    assert section.nested == ((1,), (2, 3))
    assert data == {"share": 1, "pair": [1, 2], "many": [1, 2], "nested": [[1], [2, 3]]}


def test_a_section_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().count = 1


def test_default_tables_are_not_shared() -> None:
    assert Run().meta == {}
    assert Run().meta is not Run().meta


def test_keys_of_material_map_become_numbers() -> None:
    detectors = Detectors.model_validate({"material_map": {"200": "OGS", "-1": "M600"}})
    assert detectors.material_map == {200: "OGS", -1: "M600"}
    assert Detectors(material_map={3: "OGS"}).material_map == {3: "OGS"}


@pytest.mark.parametrize("key", ["a", "1.0", "01", "+1", "", " 1", "1_0"])
def test_other_keys_of_material_map_are_errors(key: str) -> None:
    assert kinds({"material_map": {key: "OGS"}}, Detectors) == ["int_type"]


def test_a_date_in_run_meta_is_kept_as_text() -> None:
    import tomllib

    table = tomllib.loads("meta = {day = 2024-05-01, at = 07:32:00, n = 1, ok = true}")
    assert Run.model_validate(table).meta == {
        "day": "2024-05-01",
        "at": "07:32:00",
        "n": 1,
        "ok": True,
    }


def test_colormap_has_two_spellings() -> None:
    assert Vis.model_validate({"cmap": "gray"}).colormap == "gray"
    assert Vis.model_validate({"colormap": "gray"}).colormap == "gray"
    assert Vis().colormap == "cividis"
    assert kinds({"cmap": "gray", "colormap": "gray"}, Vis) == ["extra_forbidden"]
    assert kinds({"cmap": "gry"}, Vis) == ["value_error"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"u_max": 1.1}, "4.2 steps of du = 0.5"),
        ({"u_max": -2}, "u_max -2 is not above u_min -1"),
        ({"u_axis": [0, 1, 1]}, "u_axis [0.0, 1.0, 1.0] is not orthogonal to normal"),
        ({"u_axis": [1, 0, 0], "v_axis": [1, 1, 0]}, "v_axis [1.0, 1.0, 0.0] is not orthogonal"),
    ],
)
def test_a_plane_that_cannot_be(change: dict[str, object], part: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Plane.model_validate(PLANE | change)
    assert part in str(caught.value)


def test_a_plane_of_lists() -> None:
    plane = Plane.model_validate(PLANE)
    assert plane.normal == (0.0, 0.0, 1.0)


def test_a_bar_needs_a_unit_axis() -> None:
    bar = {"det_id": 1, "center": [0, 0, 0], "axis": [0, 0, 2], "length": 3}
    with pytest.raises(ValidationError, match="length 2; give a unit vector"):
        Bar.model_validate(bar)
    assert Bar.model_validate(bar | {"axis": [0, 0, 1], "size": [1, 2]}).size == (1.0, 2.0)


def test_prior_points_are_lists_or_tables() -> None:
    for point in ([1, 2, 3], {"r0": [1, 2, 3]}):
        prior = Prior.model_validate({"type": "point", "point": point})
        assert prior.target_cm == (1.0, 2.0, 3.0)


def test_a_ray_is_the_segment_to_its_head() -> None:
    line = LinePrior.model_validate({"r0": [0, -1, 4], "direction": [0, 8, 0]})
    assert line.ends == ((0.0, -1.0, 4.0), (0.0, 7.0, 4.0))
    assert Prior(type="line", line=line).target_cm == (0.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ({"strategy": "FixedEn"}, "needs fixed_En_MeV"),
        ({"strategy": "ToF"}, "exactly one of"),
        ({"strategy": "ToF", "tof": {"start_time_ns": 0, "start_det_id": 1}}, "exactly one of"),
    ],
)
def test_a_strategy_needs_its_numbers(data: dict[str, object], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        Energy.model_validate(data)


def test_a_species_override_wins_key_by_key() -> None:
    hits = HitFiltersBySpecies.model_validate(
        {"min_light_MeVee": 0.5, "psd_min": 0.1, "neutron": {"min_light_MeVee": 0.0}}
    )
    neutron: HitFilters = resolved(hits, hits.neutron)
    gamma: HitFilters = resolved(hits, hits.gamma)
    assert (neutron.min_light_MeVee, neutron.psd_min) == (0.0, 0.1)
    assert (gamma.min_light_MeVee, gamma.psd_min) == (0.5, 0.1)


def test_defaults_of_the_design() -> None:
    config = ImagingConfig.model_validate({"energy": {"strategy": "Edep"}})
    run = config.run
    assert (run.neutrons, run.gammas, run.fast, run.list) == (True, True, False, False)
    assert (run.max_events, run.max_cones, run.diagnostics_level) == (0, 0, 1)
    assert (run.workers, run.chunk_cones, run.chunk_events) == ("auto", "auto", 2**18)
    assert (run.sbp_engine, config.pipeline.until, config.imaging.method) == (
        "scan",
        "image",
        "sbp",
    )
    assert (config.cones.directionality, config.cones.nappe) == ("axis", "forward")
    assert config.cones.kinematics == "classical"
    assert config.filters.events.tof_window_ns == (0.0, 1e9)
    assert config.detectors.default_material == "UNK"
    assert (config.fast.plane_downsample, config.fast.sbp_engine) == (1, None)
    metrics = config.vis.projections.metrics
    assert (metrics.enabled, metrics.u.edge_low_frac, metrics.u.edge_high_frac) == (False, 0.2, 0.8)
    assert metrics.v.min_counts == 100.0
    assert config.vis.filename_pattern == "{species}_{stem}.{ext}"
    assert (config.io.max_bad_fraction, config.io.input_format) == (0.01, "phits_usrdef")
    assert (config.hdf5.include_config, config.hdf5.include_repo_bundle) == (True, True)
    assert config.plane is None
    assert Fast() == config.fast


def every_field() -> Iterator[tuple[str, str, bool, bool]]:
    for name, model in sections(ImagingConfig):
        for key, field in model.model_fields.items():
            described = bool(field.description or meanings(model).get(key))
            known = field.is_required() or field.default_factory is None
            yield name, key, described, known


def test_every_field_is_described_and_has_a_plain_default() -> None:
    fields = list(every_field())
    assert len(fields) > 150
    assert [f[:2] for f in fields if not f[2]] == []
    assert [f[:2] for f in fields if not f[3]] == []


class Described(Sample):
    count: int = 1
    """More than
    one line.
    """
    own: str = ""
    """Its own."""
    silent: str = ""


class Heir(Described):
    own: str = "b"
    """Said anew."""


def test_meanings_are_the_texts_under_settings() -> None:
    assert meanings(Described) == {"count": "More than\none line.", "own": "Its own."}
    assert meanings(Heir) == {"count": "More than\none line.", "own": "Said anew."}
    assert meanings(Sample) == {}
    properties = Heir.model_json_schema()["properties"]
    assert properties["own"]["description"] == "Said anew."
    assert "description" not in properties["silent"]


def test_meanings_of_a_model_without_source_are_empty() -> None:
    made = create_model("Made", __base__=Section, size=(int, 0))
    assert meanings(made) == {}
