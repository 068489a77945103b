"""[io] of every pipeline: the same keys, older names of them, what is read and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from all_settings import setting_keys
from radiograph.drivers.config import config_rows, load_config
from radiograph.drivers.config_fields import field_named
from radiograph.drivers.input_paths import input_paths, is_output_file, last_output
from radiograph.drivers.lightdqm.opening import STORE_NAME
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.drivers.registry import definition, names
from radiograph.schemas.errors import ConfigError, InputError, UsageError
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.settings import InputOutput, PipelineSettings

Run = Callable[..., Any]

IMAGING = '[energy]\nstrategy = "Edep"\n[pipeline]\nuntil = "hits"\n'
LIGHT = '[pipeline]\nname = "lightdqm"\n'
TEXTS = {"imaging": IMAGING, "lightdqm": LIGHT}
ALIASES = [(name, *pair) for name in TEXTS for pair in definition(name).setting_aliases.items()]


def written(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def toml(key: str, value: str) -> str:
    section, _, name = key.rpartition(".")
    return f"[{section}]\n{name} = {value}\n"


def value_of(key: str) -> str:
    return "true" if key.endswith("overwrite") else '"here"'


@pytest.mark.parametrize("name", TEXTS)
def test_every_pipeline_has_the_same_io(name: str) -> None:
    settings = definition(name).settings
    assert issubclass(settings, PipelineSettings)
    assert {f"io.{key}" for key in InputOutput.model_fields} <= set(setting_keys(settings))
    assert name in names()


@pytest.mark.parametrize(("name", "old", "new"), ALIASES)
def test_an_older_name_is_taken_and_stored_under_the_new(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    model = definition(name).settings
    section, _, key = old.rpartition(".")
    found = field_named(model, section)
    assert found is None or field_named(found[1].annotation, key) is None  # type: ignore[arg-type]
    value = value_of(old)
    by_file = load_config(written(tmp_path, TEXTS[name] + toml(old, value)), shell_folder=tmp_path)
    own = load_config(written(tmp_path, TEXTS[name] + toml(new, value)))
    assert by_file.config == own.config
    assert new in {k for k, _, _ in config_rows(by_file.config)}
    plain = written(tmp_path, TEXTS[name])
    as_flag = load_config(plain, overrides=[f"{new}={value}"], shell_folder=tmp_path).config
    by_old = load_config(plain, overrides=[f"{old}={value}"], shell_folder=tmp_path)
    assert by_old.config == as_flag
    # A file, or a flag of the command, is overruled under either name.
    there = written(tmp_path, TEXTS[name] + toml(old, "false" if value == "true" else '"there"'))
    assert load_config(there, overrides=[f"{new}={value}"], shell_folder=tmp_path).config == as_flag
    settings = {new: True if value == "true" else "here"}
    given = load_config(plain, overrides=[f"{old}={value}"], settings=settings,
                        shell_folder=tmp_path)  # fmt: skip
    assert given.config == as_flag


@pytest.mark.parametrize(("name", "old", "new"), ALIASES)
def test_both_names_at_once_are_an_error_that_names_both(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    value = value_of(old)
    same = old.rpartition(".")[0] == new.rpartition(".")[0]
    more = toml(new, value) + toml(old, value).partition("\n")[2] if same else (
        toml(new, value) + toml(old, value)
    )  # fmt: skip
    with pytest.raises(ConfigError) as of_file:
        load_config(written(tmp_path, TEXTS[name] + more))
    plain = written(tmp_path, TEXTS[name])
    with pytest.raises(ConfigError) as of_shell:
        load_config(plain, overrides=[f"{old}={value}", f"{new}={value}"])
    for error in (of_file, of_shell):
        message = error.value.message
        assert f"{new} and {old} are two names of one setting" in message
        assert error.value.key == new
    assert f"--set {old}" in of_shell.value.message


def test_a_wrong_value_is_told_with_the_name_that_was_written(tmp_path: Path) -> None:
    path = written(tmp_path, f"{LIGHT}[lightdqm]\noverwrite = 3\noutput_dir = 4\n")
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert "(written lightdqm.overwrite)" in error.value.message
    assert "(written lightdqm.output_dir)" in error.value.message
    with pytest.raises(ConfigError, match=r"io = 3|\[io\] is"):
        load_config(written(tmp_path, f"io = 3\n{LIGHT}[lightdqm]\noverwrite = true\n"))


def test_what_is_a_file_to_write_and_what_a_folder() -> None:
    assert all(is_output_file(Path(name)) for name in ("a.h5", "b/A.H5", "c.hdf5"))
    assert not any(is_output_file(Path(name)) for name in ("a", "h5", "run.v2", "a.h5/b"))


def of_list(tmp_path: Path, text: str, **more: Any) -> list[Path]:
    (tmp_path / "files.txt").write_text(text)
    loaded = load_config(
        written(tmp_path, IMAGING), settings={"io.file_list": str(tmp_path / "files.txt"), **more}
    )
    return input_paths(loaded, lambda folder: sorted(folder.iterdir()))


def test_a_list_of_files_in_a_text_file(tmp_path: Path) -> None:
    """Names are relative to the list; a pattern and a folder stand for their files."""
    folder = tmp_path / "day_1"
    folder.mkdir()
    for name in ("a_2", "a_10"):
        (folder / name).touch()
        (tmp_path / name).touch()
    found = of_list(tmp_path, "# of Monday\n\nnone.out\n  a_*\nday_1\n/far\n")
    assert [str(p.relative_to(tmp_path)) for p in found[:-1]] == [
        "none.out", "a_2", "a_10", "day_1/a_10", "day_1/a_2",
    ]  # fmt: skip
    assert found[-1] == Path("/far")
    with pytest.raises(ConfigError, match="both name the input"):
        of_list(tmp_path, "a\n", **{"io.input_path": "a"})
    with pytest.raises(ConfigError, match="twice"):
        of_list(tmp_path, "a\n./a\n")
    with pytest.raises(InputError, match="names no file"):
        of_list(tmp_path, "# nothing\n")
    (tmp_path / "files.txt").unlink()
    loaded = load_config(written(tmp_path, IMAGING + '[io]\nfile_list = "files.txt"\n'))
    with pytest.raises(InputError, match="cannot be read"):
        input_paths(loaded, lambda folder: [folder])


def test_a_folder_is_read_and_a_folder_written(
    project: Path, radiograph: Run, simulated: Path
) -> None:
    data = project / "data"
    data.mkdir()
    for name in ("e_10.out", "e_2.out", "other.txt"):
        (data / name).write_bytes((simulated / "events.out").read_bytes())
    argv = ("run", project / "run.toml", "--until", "hits", "--json")
    done = radiograph(*argv, data, "-o", project / "out")
    assert done.code == 0, done.err
    assert [Path(p).name for p in done.json["input"]] == ["e_2.out", "e_10.out"]
    assert done.json["output"] == str(project / "out" / "e_2.h5")
    assert (project / "out" / "e_2.h5").is_file()
    # What the command names stands in the place of a list that the file names.
    (project / "files.txt").write_text("none.out\n")
    settings = (project / "run.toml").read_text().replace(
        'input_path = "events.out"', 'file_list = "files.txt"'
    )  # fmt: skip
    (project / "run.toml").write_text(settings)
    done = radiograph(*argv, "-o", project / "b.h5")
    assert (done.code, done.json["error"]["key"]) == (3, "io.file_list")
    assert "Correct what [io] file_list names." in done.json["error"]["message"]
    assert radiograph(*argv, data / "e_2.out", "-o", project / "b.h5").code == 0


def test_the_last_output_of_a_folder(tmp_path: Path) -> None:
    def last(out: str) -> Path:
        return last_output(
            load_config(written(tmp_path, IMAGING), overrides=[f"io.output_path={out}"])
        )

    assert last(str(tmp_path / "a.h5")) == tmp_path / "a.h5"
    with pytest.raises(UsageError, match="holds no output"):
        last(str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.h5").touch()
    assert last(str(tmp_path / "out")) == tmp_path / "out" / "b.h5"


@pytest.mark.parametrize("late", [False, True])
def test_a_bad_file_ends_the_run_where_the_settings_say_so(
    project: Path, radiograph: Run, simulated: Path, late: bool
) -> None:
    """``late``: what is wrong is seen when the other file has been read."""
    good = (simulated / "events.out").read_text()
    bad = project / "bad.out"
    bad.write_text(good + "ne 1 1 1 1 1 ; nonsense\n" * 90 if late else "")
    before = {p.name for p in project.iterdir()}
    argv = ("run", project / "run.toml", project / "events.out", bad)
    done = radiograph(*argv, "--set", "io.on_bad_file=fail")
    assert done.code == 3
    assert "bad.out" in done.err
    assert {p.name for p in project.iterdir()} == before
    assert radiograph(*argv).code == 3
    assert (project / "image.h5").exists()


@pytest.mark.usefixtures("quickly_drawn")
@pytest.mark.parametrize("argv", [(), ("--target", "fractions")])
@pytest.mark.parametrize("known", [False, True])
def test_of_light_files_all_is_written_or_nothing(
    tmp_path: Path, radiograph: Run, known: bool, argv: tuple[str, ...]
) -> None:
    """``known``: the store of runs is there before, and stays as it was."""
    for k in (0, 1, 2):
        settings = LightSimulationSettings(n_events=20, n_adcs=2, n_samples=120, subrun=k, seed=k)
        write_light_simulation(settings, tmp_path / "data")
    first, *files = sorted((tmp_path / "data").glob("*.hdf5"))
    toml_file = written(tmp_path, f"{LIGHT}[lightdqm]\nwrite_json_blobs = true\n")
    run = ("run", toml_file, "--no-cache", "--json", "-o", tmp_path / "out", *argv)
    if known:
        assert radiograph("lightdqm", "check", first, "-c", toml_file, "--no-cache", "--store",
                          tmp_path / "out" / STORE_NAME).code in (0, 4)  # fmt: skip
    before = contents(tmp_path)
    bad = tmp_path / "bad.FLOW.hdf5"
    bad.write_bytes(b"nothing")
    done = radiograph(*run, *files, bad, "--set", "io.on_bad_file=fail")
    assert done.code == 3
    assert "bad.FLOW.hdf5" in done.json["error"]["message"]
    bad.unlink()
    assert contents(tmp_path) == before
    one_by_one = radiograph(*run, *files, "-o", tmp_path / "other")
    together = radiograph(*run, *files, "--set", "io.on_bad_file=fail")
    assert together.code in (0, 4), together.err
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {p.name for p in (tmp_path / "other").iterdir()} | (
        {STORE_NAME} if known else set()
    )
    assert [Path(p).name for p in together.json["files"]] == [
        Path(p).name for p in one_by_one.json["files"]
    ]
    if not argv:
        with RunStore(tmp_path / "out" / STORE_NAME) as store:
            assert [run.identity.subrun for run in store.runs()] == [0] * known + [1, 2]


def contents(folder: Path) -> dict[Path, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".sqlite-shm",))
    return {p: p.read_bytes() for p in files}
