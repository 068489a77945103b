"""Files that settings name to be read are not replaced by an output, of whatever pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers import registry
from radiograph.drivers.config import LoadedConfig
from radiograph.drivers.config_fields import bare, is_section
from radiograph.drivers.cosmics.cutset_files import shipped
from radiograph.drivers.files_of_settings import files_of_settings
from radiograph.drivers.overrides import alternatives, entries_of
from radiograph.schemas.settings import NamesFile, Section

Run = Callable[..., Any]


def marked(model: type[Section], at: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Dotted key, value with the name of a file in it, and whether it is read."""
    for name, field in model.model_fields.items():
        kind = bare(field.annotation)
        key = f"{at}.{name}".removeprefix(".")
        if is_section(kind):
            yield from marked(kind, key)
            continue
        whole = (field.annotation, *field.metadata)
        for one in alternatives(whole):
            inner: tuple[Any, ...] = (one,)
            value: Any = f"{key}.x"
            if get_origin(one) is Mapping or getattr(get_origin(one), "__name__", "") == "Mapping":
                inner, value = get_args(one)[1:], {"a": value}
            elif entries := entries_of(one):
                inner, value = entries, (value,)
            marks = [m for m in alternatives(tuple(inner)) if isinstance(m, NamesFile)]
            if marks:
                yield key, value, marks[0].is_read


def config_with(name: str, key: str, value: Any) -> Any:
    """The settings of a pipeline, unchecked, with one value; sections without defaults empty."""

    def built(model: type[Section], steps: list[str]) -> Any:
        values: dict[str, Any] = {}
        for field_name, field in model.model_fields.items():
            kind = bare(field.annotation)
            if steps[:1] == [field_name]:
                values[field_name] = built(kind, steps[1:]) if steps[1:] else value
            elif field.is_required():
                values[field_name] = None
        return model.model_construct(**values)

    return built(registry.definition(name).settings, key.split("."))


CASES = [
    (name, *case)
    for name in registry.names()
    for case in marked(registry.definition(name).settings)
]


def test_every_pipeline_has_such_settings() -> None:
    keys = {(name, key) for name, key, _, is_read in CASES if is_read}
    assert {name for name, _ in keys} == set(registry.names())
    assert {
        ("transients", "transients.labels"),
        ("transients", "transients.truth"),
        ("cosmics", "cuts.cutsets_file"),
        ("cosmics", "workspace.samples"),
        ("cosmics", "veto.signal_input"),
        ("germanium", "germanium.parameters_path"),
        ("germanium", "germanium.fft_path"),
        ("lightdqm", "lightdqm.channel_status_csv"),
    } <= keys
    written = {key for _, key, _, is_read in CASES if not is_read}
    assert written == {"io.output_path", "cache.dir", "vis.png_dir"}


@pytest.mark.parametrize(("name", "key", "value", "is_read"), CASES)
def test_a_file_of_a_setting_is_known(
    tmp_path: Path, name: str, key: str, value: Any, is_read: bool
) -> None:
    file = tmp_path / f"{key}.x"
    file.touch()
    toml = tmp_path / "run.toml"
    toml.touch()
    loaded = LoadedConfig(config_with(name, key, value), "", toml)
    found = files_of_settings(loaded)
    assert toml in found
    assert (file in found) is is_read


# The settings that name a file, and where that stands.
NAMED = [
    ("cosmics", "[cuts]\ncutsets_file = 'own.yaml'\n", "own.yaml"),
    ("cosmics", "[veto]\nsignal_input = 's.root'\n", "s.root"),
    ("germanium", "[germanium]\nparameters_path = 'par.yaml'\n", "par.yaml"),
    ("germanium", "[germanium]\nparameters_path = 'par.yaml'\n", "par.lh5"),
    (
        "imaging",
        "[pipeline]\nuntil='hits'\n[energy]\nstrategy='Edep'\n[io.extra_text_files]\nnote='n'\n",
        "n",
    ),
    ("lightdqm", "[lightdqm]\nchannel_status_csv = 's.csv'\n", "s.csv"),
    ("transients", "[transients]\nlabels = 'labels_{run}.csv'\n", "labels_001.csv"),
    ("transients", "[transients]\ntruth = 'truth.csv'\n", "truth.csv"),
    ("transients", "", "campaign/runs_summary.csv"),
    ("transients", "", "campaign/logbook.csv"),
]


@pytest.mark.parametrize("more", [(), ("--overwrite",)], ids=["plain", "overwrite"])
@pytest.mark.parametrize(("name", "text", "file"), NAMED)
def test_no_output_takes_the_place_of_what_a_setting_names(
    tmp_path: Path, radiograph: Run, name: str, text: str, file: str, more: tuple[str, ...]
) -> None:
    if name == "transients":
        archive = tar_of(small_members(), packed=False)
        toml = write_campaign(tmp_path, {"run_001": [archive]}, more=text)
    else:
        toml = tmp_path / "run.toml"
        pipeline = "[pipeline]\n"
        text = text.removeprefix(pipeline)
        toml.write_text(f"{pipeline}name = '{name}'\n{text}[io]\ninput_path = 'data'\n", "utf-8")
        (tmp_path / "data").write_text("x", "utf-8")
    kept = tmp_path / file
    if not kept.exists():
        own = shipped().read_text("utf-8") if name == "cosmics" else "adc,channel,status\n"
        kept.write_text(own, "utf-8")
    if file.endswith(".lh5"):
        (tmp_path / "par.yaml").write_text(f"a: loadlh5('$_/{file}', 'x')\n", "utf-8")
    before = kept.read_bytes()
    out = tmp_path / "out.h5"
    out.symlink_to(kept)
    done = radiograph("run", toml, "-o", out, *more)
    assert done.code == 2, done.err
    assert "is read by this run and would be replaced" in done.err
    assert kept.read_bytes() == before
    assert out.is_symlink()


def test_no_picture_of_the_graph_takes_the_place_of_what_a_setting_names(
    tmp_path: Path, radiograph: Run
) -> None:
    toml, kept, out = tmp_path / "run.toml", tmp_path / "own.yaml", tmp_path / "graph.svg"
    toml.write_text(
        "[pipeline]\nname='cosmics'\n[cuts]\ncutsets_file='own.yaml'\n[io]\ninput_path='x'\n"
    )
    kept.write_text(shipped().read_text("utf-8"), "utf-8")
    for read in (kept, toml):
        before = read.read_bytes()
        out.unlink(missing_ok=True)
        out.symlink_to(read)
        done = radiograph("graph", toml, "-o", out, "--overwrite")
        assert done.code == 2, done.err
        assert "is read by this run and would be replaced" in done.err
        assert read.read_bytes() == before
