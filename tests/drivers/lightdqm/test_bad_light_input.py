"""Light files that are wrong or unusual, through the commands: one clear answer each.

Nothing is written for a file that cannot be read, and unusual shapes are no fault.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.schemas.light_simulation import LightSimulationSettings

Command = Callable[..., Any]
SMALL: dict[str, Any] = {"n_events": 40, "n_adcs": 2, "n_samples": 200, "seed": 2}
SETTINGS = """\
[pipeline]
name = "lightdqm"
[lightdqm]
input_path = "{name}"
output_dir = "out"
[cache]
enabled = false
"""


def simulated(folder: Path, **settings: Any) -> Path:
    model = LightSimulationSettings.model_validate(SMALL | settings)
    return write_light_simulation(model, folder).out


def settings_file(data: Path, more: str = "") -> Path:
    """A TOML file beside the data that looks at it."""
    path = data.parent / "run.toml"
    text = SETTINGS.format(name=data.name).replace("[cache]", f"{more}\n[cache]")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("light"))


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of a sound file, to be spoilt."""
    copy = tmp_path / sound.name
    copy.write_bytes(sound.read_bytes())
    return copy


def no_waveforms(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["light/wvfm"]


def no_events(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["light/events"]


def fewer_rows(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["light/wvfm/data"].resize((30,))


def empty(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for name in ("light/wvfm/data", "light/events/data"):
            file[name].resize((0,))


def waveforms_of(dtype: Any, field: str = "samples") -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file["light/wvfm/data"]
            file.create_dataset("light/wvfm/data", data=np.zeros(40, np.dtype([(field, *dtype)])))

    return spoil


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def text_instead(path: Path) -> None:
    path.write_text("no light here\n")


def nothing_inside(path: Path) -> None:
    path.write_bytes(b"")


def other_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["charge/hits"] = np.arange(3)


def field_of(name: str, dtype: str, value: float) -> Callable[[Path], None]:
    """A field of the event table as another type, with one value changed."""

    def spoil(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            rows = file["light/events/data"][()]
            kinds = [(n, dtype if n == name else t.base, t.shape) for n, (t, *_) in fields(rows)]
            other = np.zeros(len(rows), kinds)
            for n in rows.dtype.names:
                other[n] = rows[n]
            other[name][3] = value
            del file["light/events/data"]
            file["light/events/data"] = other

    return spoil


def fields(rows: np.ndarray) -> Any:
    return [(n, rows.dtype.fields[n]) for n in rows.dtype.names]


def compressed(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


BAD = [
    (field_of("utime_ms", "f8", np.nan), "'utime_ms' holds "),
    (field_of("tai_ns", "f8", 0.5), "that cannot be int64, the first in row 3: 0.5"),
    (field_of("tai_ns", "u8", 2**64 - 1), "in row 3: 18446744073709551615"),
    (field_of("trig_type", "f4", 0.5), "'trig_type' holds 1 value that cannot be int64"),
    (field_of("id", "f8", np.inf), "'id' holds 1 value that cannot be int64, the first in row 3"),
    (field_of("wvfm_valid", "f8", np.nan), "'wvfm_valid' holds "),
    (compressed, "it is compressed (gzip). Unpack it first (gunzip)"),
    (pipe, "is a pipe, a socket or a device"),
    (no_waveforms, "has no dataset light/wvfm/data"),
    (no_events, "has no dataset light/events/data"),
    (other_hdf5, "it is no light file, or has no light waveforms"),
    (fewer_rows, "has 40 events but 30 rows of waveforms"),
    (empty, "holds no events"),
    (truncated, "is cut off"),
    (text_instead, "is no HDF5 file"),
    (nothing_inside, "the file is empty (0 bytes)"),
    (waveforms_of(("<i2", (2, 32, 50))), "of shape (2, 32, 50)"),
    (waveforms_of(("<f4", (2, 64, 50))), "float32"),
    (waveforms_of(("<i2", (2, 64, 50)), "voltage"), "has no field 'samples'"),
    (waveforms_of(("<i2", (64, 50))), "of shape (64, 50)"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD)
def test_bad_files_are_told_and_nothing_is_written(
    radiograph: Command, data: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(data)
    toml = settings_file(data)
    before = {p: p.read_bytes() for p in data.parent.rglob("*") if p.is_file()}
    for command in (
        ("run", toml, "--quiet"),
        ("lightdqm", "judge", data, "--no-store", "-c", toml),
    ):
        done = radiograph(*command)
        assert done.code == 3, done.out + done.err
        assert message in done.out + done.err
        assert data.name in done.out + done.err
        assert "Traceback" not in done.err
    assert {p: p.read_bytes() for p in data.parent.rglob("*") if p.is_file()} == before


def test_a_damaged_chunk_is_told(radiograph: Command, tmp_path: Path) -> None:
    """Compressed waveforms whose bytes are wrong: HDF5 fails in the middle of the file."""
    model = LightSimulationSettings.model_validate(SMALL)
    data = write_light_simulation(model, tmp_path, compression="gzip").out
    with h5py.File(data) as file:
        chunk = file["light/wvfm/data"].id.get_chunk_info(20)
    with data.open("r+b") as stream:
        stream.seek(chunk.byte_offset + 100)
        stream.write(bytes(200))
    done = radiograph("run", settings_file(data), "--quiet")
    assert done.code == 3
    assert "cannot be read to its end" in done.err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there(radiograph: Command, tmp_path: Path) -> None:
    toml = settings_file(tmp_path / "absent.FLOW.hdf5")
    done = radiograph("run", toml)
    assert done.code == 3
    assert "no such file" in done.err
    done = radiograph("lightdqm", "judge", tmp_path / "absent.FLOW.hdf5", "--no-store")
    assert done.code == 3
    assert "absent.FLOW.hdf5" in done.out + done.err


def test_one_bad_file_of_two_leaves_the_other(radiograph: Command, data: Path) -> None:
    other = data.with_name(data.name.replace("_p0", "_p1"))
    other.write_bytes(data.read_bytes())
    truncated(data)
    done = radiograph("lightdqm", "judge", data, other, "--no-store", "--json")
    assert done.code == 3
    states = [file["status"] for file in done.json["files"]]
    assert states == ["unreadable", "pass"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_samples": 600},
        {"n_samples": 101},
        {"n_adcs": 4},
        {"layout": "adc64"},
        {"triggers": {"beam_fraction": 0.0}},
        {"triggers": {"beam_fraction": 1.0}},
        {"n_events": 1},
        {"n_events": 2},
    ],
)
def test_unusual_files_are_looked_at(
    radiograph: Command, tmp_path: Path, settings: dict[str, Any]
) -> None:
    data = simulated(tmp_path, **settings)
    done = radiograph("lightdqm", "judge", data, "--no-store", "--no-cache", "--json")
    assert done.code == 0, done.out + done.err
    verdict = {row["check"]: row["status"] for row in done.json["files"][0]["checks"]}
    assert "fail" not in verdict.values()
    if settings.get("layout") == "adc64":
        assert verdict["triggers"] == "no_data"
        assert verdict["timestamps"] == "pass"


def test_an_event_table_without_trigger_type(radiograph: Command, data: Path) -> None:
    with h5py.File(data, "r+") as file:
        rows = file["light/events/data"][:]
        kept = [name for name in rows.dtype.names if name != "trig_type"]
        del file["light/events/data"]
        file.create_dataset(
            "light/events/data",
            data=rows[kept].astype(np.dtype([(name, rows.dtype[name]) for name in kept])),
        )
    done = radiograph("lightdqm", "judge", data, "--no-store", "--no-cache", "--json")
    assert done.code == 0, done.out + done.err
    rows_of = {row["check"]: row for row in done.json["files"][0]["checks"]}
    assert rows_of["triggers"]["status"] == "no_data"
    assert "40 of unknown trigger" in rows_of["triggers"]["reason"]
    assert rows_of["dead"]["status"] in ("pass", "no_data")


GOOD_ROW = ",".join(["0"] * 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GOOD_ROW}\n", "has the shape (1, 64)"),
        (f"{GOOD_ROW[:-2]}\n{GOOD_ROW[:-2]}\n", "has the shape (2, 63)"),
        (f"{GOOD_ROW}\n{GOOD_ROW[:-2]}\n", "is no table of numbers"),
        (f"{GOOD_ROW}\n{GOOD_ROW[:-1]}x\n", "is no table of numbers"),
        (f"{GOOD_ROW}\n{GOOD_ROW[:-1]}7\n", "7 is no status"),
        ("", "is empty"),
        (b"\xff\xfe0,0", "cannot be read as text"),
    ],
)
def test_a_wrong_status_file_is_told(
    radiograph: Command, data: Path, text: str | bytes, message: str
) -> None:
    content = text.encode() if isinstance(text, str) else text
    (data.parent / "status.csv").write_bytes(content)
    toml = settings_file(data, 'channel_status_csv = "status.csv"')
    for command in (("run", toml), ("lightdqm", "judge", data, "-c", toml, "--no-store")):
        done = radiograph(*command, "--quiet")
        assert done.code == 2, done.err
        assert message in done.err
        assert "status.csv" in done.err
        assert "UNREADABLE" not in done.out
    assert not (data.parent / "out").exists()


def test_a_status_file_that_is_not_there(radiograph: Command, data: Path) -> None:
    toml = settings_file(data, 'channel_status_csv = "status.csv"')
    done = radiograph("run", toml, "--quiet")
    assert done.code == 2
    assert "there is no file" in done.err
    assert not (data.parent / "out").exists()


def test_status_files_of_other_forms_are_read(radiograph: Command, data: Path) -> None:
    """Whole numbers or floats, and rows of ADCs that this file does not have."""
    row = ",".join("-1.0" if c % 16 < 4 else "0.0" for c in range(64))
    (data.parent / "status.csv").write_text(f"{row}\n" * 8)
    toml = settings_file(data, 'channel_status_csv = "status.csv"')
    done = radiograph("run", toml, "--quiet", "--target", "dqm_verdict")
    assert done.code == 0, done.err


def test_a_yaml_file_is_told(radiograph: Command, data: Path) -> None:
    yaml = data.parent / "run.yaml"
    yaml.write_text(f"lightdqm:\n  input_path: {data.name}\n")
    for command in (("run", yaml), ("lightdqm", "judge", data, "--no-store", "-c", yaml)):
        done = radiograph(*command)
        assert done.code == 2
        assert "TOML" in done.err
        assert "run.yaml" in done.err


def test_a_folder_without_light_files(radiograph: Command, data: Path) -> None:
    toml = settings_file(data, 'file_syntax = "cosmic"')
    toml.write_text(toml.read_text().replace(f'"{data.name}"', '"."'))
    for command in (("run", toml), ("lightdqm", "judge", data.parent, "--no-store", "-c", toml)):
        done = radiograph(*command)
        assert done.code == 3
        assert "cosmic*.FLOW.hdf5" in done.err


def test_outputs_are_not_replaced_without_consent(radiograph: Command, data: Path) -> None:
    toml = settings_file(data)
    out = data.parent / "out"
    out.mkdir()
    precious = out / f"{data.name.removesuffix('.FLOW.hdf5')}_light_dqm_flatline.png"
    precious.write_text("precious")
    done = radiograph("run", toml, "--quiet")
    assert done.code == 2
    assert "exists already" in done.err
    assert [p.name for p in out.iterdir()] == [precious.name]
    assert precious.read_text() == "precious"
