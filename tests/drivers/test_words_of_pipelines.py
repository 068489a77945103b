"""What a run says and where it writes is alike for every pipeline: warnings, endings, places."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers import files, registry

Run = Callable[..., Any]

SECTIONS = {
    "imaging": "until = 'hits'\n[energy]\nstrategy = 'Edep'\n",
}


def settings_of(name: str, folder: Path) -> Path:
    """Settings of a pipeline that name an input that is there, of whatever content."""
    if name == "transients":
        return write_campaign(folder, {"run_001": [tar_of(small_members(), packed=False)]})
    toml = folder / "run.toml"
    text = f"[pipeline]\nname = '{name}'\n{SECTIONS.get(name, '')}[io]\ninput_path = 'data'\n"
    toml.write_text(text, "utf-8")
    (folder / "data").write_text("x", "utf-8")
    return toml


@pytest.mark.parametrize("name", registry.names())
def test_a_run_writes_no_hdf5_under_the_name_of_a_picture(
    tmp_path: Path, radiograph: Run, name: str
) -> None:
    done = radiograph("run", settings_of(name, tmp_path), "-o", tmp_path / "z.png")
    assert done.code == 2, done.err
    assert "z.png" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "z.png").exists()
    assert not (tmp_path / "z.h5").exists()


@pytest.mark.parametrize("name", registry.names())
def test_an_output_below_a_file_is_refused(tmp_path: Path, radiograph: Run, name: str) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    done = radiograph("run", settings_of(name, tmp_path), "-o", tmp_path / "file" / "a.h5")
    assert done.code == 2, done.err
    assert "is a file" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", registry.names())
def test_quiet_keeps_warnings(
    tmp_path: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fault(_path: Path, _read: Sequence[Path]) -> str:
        logging.getLogger("radiograph.run").info("as usual")
        logging.getLogger("radiograph.run").warning("a share is lost")
        return "is of this test"

    monkeypatch.setattr(files, "fault_of_place", fault)
    done = radiograph("run", settings_of(name, tmp_path), "-o", tmp_path / "a.h5", "-q")
    assert done.code == 2, done.err
    assert "a share is lost" in done.err
    assert "as usual" not in done.err
    assert done.out == ""


@pytest.mark.parametrize("name", registry.names())
def test_a_folder_that_may_not_be_written(
    tmp_path: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever runs the tests may write everywhere: the answer of the system is given."""
    toml = settings_of(name, tmp_path)
    shut = tmp_path / "shut"
    shut.mkdir()
    may = files.os.access
    monkeypatch.setattr(files.os, "access", lambda p, mode: Path(p) != shut and may(p, mode))
    done = radiograph("run", toml, "-o", shut / "deep" / "a.h5")
    assert done.code == 2, done.err
    assert f"no permission to write in {shut}" in done.err
    assert list(shut.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("lightdqm", ("lightdqm", "trend", "--config")),
        ("cosmics", ("cosmics", "cuts", "--config")),
        ("transients", ("transients", "status")),
    ],
)
def test_settings_of_another_pipeline(
    tmp_path: Path, radiograph: Run, name: str, argv: tuple[str, ...]
) -> None:
    """A command that belongs to a pipeline takes no settings of another."""
    done = radiograph(*argv, settings_of("imaging", tmp_path))
    assert done.code == 2, done.err
    assert f'name = "imaging"; this command needs name = "{name}"' in done.err
    assert len(done.err.strip().splitlines()) == 1
