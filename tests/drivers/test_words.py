"""One word for one thing: `init` for every pipeline, `lightdqm judge`, `imaging inspect`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.config import load_config
from radiograph.drivers.definition import Definition
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.schemas.errors import UsageError
from radiograph.schemas.light_simulation import LightSimulationSettings

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "argv", "settings"),
    [
        ("imaging", (), "phits_edep.toml"),
        ("imaging", ("--pipeline", "imaging"), "phits_edep.toml"),
        ("lightdqm", ("--pipeline", "lightdqm"), "lightdqm.toml"),
    ],
)
def test_init_makes_what_runs(
    tmp_path: Path, radiograph: Run, name: str, argv: tuple[str, ...], settings: str
) -> None:
    folder = tmp_path / "new"
    made = radiograph("init", folder, *argv, "--events", 30)
    assert made.code == 0, made.err
    config, data = (Path(line) for line in made.out.splitlines()[:2])
    assert (config, data.is_file()) == (folder / settings, True)
    assert load_config(config).config.pipeline.name == name
    done = radiograph("run", config, "--json", "--no-cache")
    assert done.code in (0, 4), done.err
    assert (done.json["pipeline"], done.json["input"]) == (name, [str(data)])
    again = radiograph("init", folder, *argv, "--events", 30)
    assert (again.code, "exists already" in again.err) == (2, True)
    assert radiograph("init", folder, *argv, "--events", 30, "--overwrite").code == 0


def test_init_of_what_cannot_be(tmp_path: Path, radiograph: Run) -> None:
    unknown = radiograph("init", tmp_path, "--pipeline", "light")
    assert (unknown.code, "There is: imaging, lightdqm" in unknown.err) == (2, True)
    less = radiograph("init", tmp_path / "a", "--pipeline", "lightdqm", "--events", -1)
    assert (less.code, "--events" in less.err) == (2, True)
    (tmp_path / "file").touch()
    wrong = radiograph("init", tmp_path / "file", "--pipeline", "lightdqm")
    assert (wrong.code, "is a file; name a folder" in wrong.err) == (2, True)
    assert {p.name for p in tmp_path.iterdir()} == {"file"}
    with pytest.raises(UsageError, match="makes no data"):
        Definition("toy").starter(tmp_path, None, 1, False)


def test_the_older_word_for_a_verdict_answers_with_the_new_one(
    tmp_path: Path, radiograph: Run
) -> None:
    settings = LightSimulationSettings(n_events=20, n_adcs=2, n_samples=120)
    file = write_light_simulation(settings, tmp_path).out
    argv = (file, "--no-store", "--no-cache")
    judged = radiograph("lightdqm", "judge", *argv, "--json")
    assert judged.code in (0, 4), judged.err
    older = radiograph("lightdqm", "check", *argv, "--json")
    assert (older.code, older.json) == (judged.code, judged.json)
    assert "`radiograph lightdqm judge`" in older.err
    assert "judge`" not in judged.err
    assert radiograph("lightdqm", "check", *argv, "--quiet").err == ""
    listed = radiograph("lightdqm", "--help").out
    assert "judge" in listed
    assert "\n  check" not in listed


def test_inspect_belongs_to_imaging_and_keeps_its_short_form(
    project: Path, radiograph: Run
) -> None:
    assert radiograph("run", project / "run.toml").code == 0
    argv = ("inspect", project / "image.h5", "--cone", 3, "--json")
    own, short = radiograph("imaging", *argv), radiograph(*argv)
    assert (own.code, own.json["cone"]["cone_id"]) == (0, 3)
    assert (short.code, short.json) == (0, own.json)
    assert "inspect" in radiograph("imaging", "--help").out
