"""Every input of a graph names the settings that it is made of: those, and no others."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pytest
from all_settings import setting_keys
from pydantic import ValidationError
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.config import load_config
from radiograph.drivers.config_fields import bare, is_section, sections
from radiograph.drivers.definition import Definition
from radiograph.drivers.graph_inputs import Context, made, setting
from radiograph.drivers.lightdqm import inputs as light_inputs
from radiograph.drivers.overrides import alternatives, entries_of
from radiograph.drivers.registry import definition
from radiograph.drivers.setting_keys import covers, in_effect, only_there
from radiograph.schemas.imaging.detectors import Bar, DetectorPlacement
from radiograph.schemas.imaging.physics import LinePrior, LutPaths, PointPrior
from radiograph.schemas.settings import Section

TABLE = "light_MeVee,energy_MeV\n0.0,0.0\n10.0,20.0\n"
# Settings that go along with the one that changes: in one of these settings each key matters.
BASES: Mapping[str, tuple[tuple[str, list[str]], ...]] = {
    "imaging": (
        ("phits_edep", []),
        ("phits_edep", ["prior.type='point'", "prior.point=[0.0, 0.0, 1.0]",
                        "run.sbp_engine='poly'"]),
        ("phits_edep", ["prior.type='line'", "energy.strategy='ToF'",
                        "energy.tof.start_det_id=7",
                        "prior.line={p0 = [0.0, 0.0, 0.0], p1 = [2.0, 0.0, 0.0]}"]),
        ("phits_edep", ["prior.type='line'", "energy.strategy='ToF'",
                        "energy.tof.start_time_ns=7.0",
                        "prior.line={r0 = [0.0, 0.0, 0.0], direction = [2.0, 0.0, 0.0]}"]),
        ("tof", []),
        ("phits_edep", ["prior.type='point'", "prior.point=[0.0, 0.0, 1.0]",
                        "energy.strategy='ToF'", "energy.tof.start_time_ns=7.0"]),
        ("novo_ddaq_elut", ["energy.lut_paths={OGS = {proton = 'a.csv'}}"]),
        ("novo_ddaq_fixeden", []),
    ),
    "lightdqm": (
        ("lightdqm", []),
        ("lightdqm", ["lightdqm.channel_status_csv='a.csv'", "lightdqm.units='V'"]),
        ("lightdqm", ["lightdqm.legacy=true", "lightdqm.units='ADC14'"]),
        ("lightdqm", ["lightdqm.legacy=true", "lightdqm.units='V'"]),
    ),
}  # fmt: skip
# Keys that are true though no value here shows it, and why.
JUSTIFIED: Mapping[tuple[str, str], str] = {
    ("event_range", "run.chunk_events"): "given with each part",
    ("neutron_shaping", "io.input_format"): "the formats that there are agree on neutrons",
    **{
        ("earlier_runs", f"lightdqm.{key}"): "the session looks them up in the store"
        for key in ("store", "ncomp", "reference_run", "legacy")
    },
}
SPECIAL: Mapping[str, list[Any]] = {
    "lightdqm.time_zone": ["UTC"],
    "lightdqm.baseline_band_adc16": [(-29000.0, -26000.0)],
    "calibration.steps": [("consistency", "bias")],
    "plane.v_axis": [(0.1, 1.0, 0.2), (-0.1, -1.0, 0.2)],
    "detectors.material_map": [{7: "M600"}],
    "detectors.geometry.bars": [
        (Bar(det_id=7, center=(0.0, 0.0, 0.0), axis=(1.0, 0.0, 0.0), length=9.0),)
    ],
    "detectors.geometry.detectors": [(DetectorPlacement(id=7),)],
    "energy.lut_paths": [{"OGS": LutPaths(proton="other")}],
    "prior.point": [PointPrior(r0=(7.0, 7.0, 7.0))],
    "prior.line": [LinePrior(p0=(7.0, 7.0, 7.0), p1=(0.0, 1.0, 0.0))],
}


def others(annotation: Any, value: Any) -> Iterator[Any]:
    """Values of a kind that are not the one given."""
    for kind in alternatives(annotation):
        if typing.get_origin(kind) is Literal:
            yield from (choice for choice in typing.get_args(kind) if choice != value)
        elif kind is type(None):
            yield from () if value is None else (None,)
        elif kind is bool:
            yield not value
        elif kind in (int, float):
            yield kind(7) if value != 7 else kind(8)
        elif kind is str:
            yield "other"
        elif typing.get_origin(kind) is tuple:
            entries = entries_of(kind)
            yield tuple(next(others(e, k)) for k, e in enumerate(entries))
            yield from ((),) if value and len(entries) != len(typing.get_args(kind)) else ()


def changed(config: Any, key: str, value: Any) -> Any:
    """A config with another value, unchecked: what it is made into is what counts here."""
    step, _, rest = key.partition(".")
    return config.model_copy(
        update={step: changed(getattr(config, step), rest, value) if rest else value}
    )


def changes(config: Section) -> Iterator[tuple[str, Any]]:
    """Each setting and each section that need not be there, with another value of it."""
    annotations = {
        f"{name}.{key}".removeprefix("."): field.annotation
        for name, section in sections(type(config))
        for key, field in section.model_fields.items()
    }
    for key, annotation in annotations.items():
        try:
            now = setting(config, key)
        except AttributeError:
            continue  # of a section that is not there
        if is_section(bare(annotation)):
            # What must be there is no setting.
            found: list[Any] = [None]
            found += SPECIAL.get(key, []) if now is not None else []
        else:
            found = SPECIAL.get(key) or list(others(annotation, now))
        for value in found:
            if value != now and (value is not None or may_go(config, key)):
                yield key, value


def may_go(config: Section, key: str) -> bool:
    """Whether the file can do without a key or section that is there."""
    try:
        type(config).model_validate(changed(config, key, None).model_dump(exclude_unset=True))
    except ValidationError:
        return False
    return True


def prints(pipeline: Definition, config: Any, context: Context) -> dict[str, str]:
    rows = (*pipeline.inputs, *pipeline.choices)
    return {name: fingerprint(value) for name, value in made(rows, config, context).items()}


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


def configs(name: str, folder: Path) -> Iterator[Any]:
    for number, (shipped, overrides) in enumerate(BASES[name]):
        with resources.as_file(resources.files("radiograph.configs") / f"{shipped}.toml") as path:
            config = load_config(path, overrides=overrides, shell_folder=folder).config
        yield config
        if "plane" in type(config).model_fields and number < 2:
            yield config.model_copy(update={"plane": None})


@pytest.mark.parametrize("name", BASES)
def test_keys_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is not in the keys changes no value; each that is changes one."""
    monkeypatch.setattr(light_inputs, "datetime", Clock)
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "other").write_text(TABLE.replace("20.0", "30.0"))
    pipeline, context = definition(name), Context(tmp_path, "file")
    rows = {row.name: row for row in (*pipeline.inputs, *pipeline.choices)}
    seen: set[tuple[str, str]] = set()
    tried: set[str] = set()
    for config in configs(name, tmp_path):
        before = prints(pipeline, config, context)
        for key, value in changes(config):
            tried.add(key)
            after = prints(pipeline, changed(config, key, value), context)
            for row in {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}:
                # A section that comes or goes brings its settings with it.
                hits = {k for k in rows[row].keys if covers(k, key) or covers(key, k)}
                hits -= {k for k in hits if covers(key, k) and k != key and value is not None}
                assert hits, f"{key} = {value!r} changes {row}, which does not name it"
                seen |= {(row, k) for k in hits if covers(k, key)}
    named = {(row.name, key) for row in rows.values() for key in row.keys}
    # A setting with one allowed value cannot be changed.
    fixed = set(setting_keys(pipeline.settings)) - tried
    idle = {(row, key) for row, key in named - seen if key not in fixed}
    assert idle == {pair for pair in JUSTIFIED if pair in named}


@pytest.mark.parametrize("name", BASES)
def test_keys_are_those_of_the_settings(name: str) -> None:
    pipeline = definition(name)
    whole = {key for key, _ in sections(pipeline.settings)}
    known = whole | set(setting_keys(pipeline.settings))
    for row in (*pipeline.inputs, *pipeline.choices):
        assert {key.removesuffix("?") for key in row.keys} <= known, row.name
        assert {key for key in row.keys if only_there(key)} <= {f"{key}?" for key in whole}


def test_what_no_result_depends_on_is_no_setting_in_effect() -> None:
    """Where a file stands, how much is said, how many threads: none of it makes a node run."""
    for name, without in {
        "imaging": {"cache", "hdf5", "io.file_list", "io.input_path", "io.on_bad_file",
                    "io.output_path", "io.overwrite",
                    "run.chunk_cones", "run.diagnostics_level", "run.jit", "run.progress",
                    "run.workers"},
        "lightdqm": {"cache", "io", "lightdqm.nfiles", "lightdqm.start_run", "lightdqm.temp_dir",
                     "lightdqm.write_parquet", "lightdqm.write_json_blobs"},
    }.items():  # fmt: skip
        keys = list(setting_keys(definition(name).settings))
        effective = in_effect(definition(name), dict.fromkeys(keys))
        for key in without:
            assert [k for k in keys if covers(key, k)] != [], key
            assert [k for k in effective if covers(key, k)] == [], key
        assert "lightdqm.ptps16bit" in effective or "plane.du" in effective
