"""Output files that were damaged or hold what cannot be: refused in a sentence, never a bug."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.hdf5 import (
    create_checked,
    datasets_of,
    read_through,
    write_array,
    write_text,
)
from radiograph.schemas.errors import InputError

Run = Callable[..., Any]
RESTART = ("--set", "io.input_format='hdf5_ngimager'", "-q", "-o", "b.h5", "--overwrite")


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, radiograph: Run, simulated: Path, settings: str
) -> Path:
    """A folder with whole.h5 of a run in list mode, and its settings."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "run.toml").write_text(settings, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    done = radiograph("run", folder / "run.toml", "--list", "-o", folder / "whole.h5", "-q")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def bad(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a damaged file is put; the folder is the working folder."""
    monkeypatch.chdir(made)
    shutil.copy("whole.h5", "bad.h5")
    return Path("bad.h5")


def restart(radiograph: Run, *settings: str) -> Any:
    changed = [word for setting in settings for word in ("--set", setting)]
    return radiograph("run", "run.toml", "--list", "--input-path", "bad.h5", *RESTART, *changed)


def flipped(content: bytearray, draw: random.Random, place: int) -> None:
    content[place] ^= 1 << draw.randrange(8)


def zeroed(content: bytearray, draw: random.Random, place: int) -> None:
    length = len(content[place : place + draw.choice([8, 512, 20_000])])
    content[place : place + length] = bytes(length)


def cut(content: bytearray, draw: random.Random, place: int) -> None:
    del content[place:]


def stretches(path: Path) -> list[tuple[int, int]]:
    """Where numbers of the run stand in a file, and its first bytes."""
    found = [(0, 3000)]
    with h5py.File(path) as file:
        for name, dataset in datasets_of(file, path).items():
            if dataset.chunks and not name.startswith("/meta/repo_bundle"):
                chunks = map(dataset.id.get_chunk_info, range(dataset.id.get_num_chunks()))
                found += [(c.byte_offset, c.size) for c in chunks]
    return found


def assert_told(done: Any, place: object) -> None:
    """One sentence that names the file, exit code 3; or nothing was amiss."""
    assert done.code in (0, 3), (place, done.err)
    if done.code == 3:
        assert "bad.h5" in done.err, place
        assert len(done.err.strip().splitlines()) == 1, (place, done.err)


@pytest.mark.parametrize("damage", [flipped, zeroed, cut])
def test_a_damaged_file_is_a_sentence_to_every_command(
    bad: Path, radiograph: Run, damage: Callable[..., None]
) -> None:
    whole = bad.read_bytes()
    draw = random.Random(damage.__name__)
    among = stretches(bad)
    n_told = 0
    for k in range(6):
        begin, size = draw.choice(among) if k % 2 else (0, len(whole))
        place = begin + draw.randrange(size)
        content = bytearray(whole)
        damage(content, draw, place)
        bad.write_bytes(content)
        told = radiograph("info", "bad.h5")
        assert_told(told, place)
        begun = restart(radiograph)
        assert_told(begun, place)
        n_told += begun.code == 3
        if k % 2:
            # What all of the file is read for would else be made at length, and said to be well.
            assert_told(radiograph("verify", "bad.h5"), place)
        if told.code == 3 or (k == 1 and begun.code == 3):
            assert_told(radiograph("report", "bad.h5", "-o", "r.html", "--overwrite"), place)
    assert n_told >= 3


@pytest.mark.parametrize(
    "dataset",
    ["/cones/theta_rad", "/cones/exact/theta_rad", "/lm/hit_t_ns", "/lm/event_hit_index",
     "/hits/t_ns", "/lm/footprint_pixels", "/images/summed/all", "/raw_events/ranges"],
)  # fmt: skip
def test_a_bit_that_changed_in_the_numbers_is_noticed(
    bad: Path, radiograph: Run, dataset: str
) -> None:
    with h5py.File(bad) as file:
        chunk = file[dataset].id.get_chunk_info(0)
    content = bytearray(bad.read_bytes())
    content[chunk.byte_offset + 21] ^= 4
    bad.write_bytes(content)
    done = restart(radiograph)
    assert done.code == 3, done.out
    assert f"bad.h5: {dataset} cannot be read" in done.err


def is_checked(dataset: h5py.Dataset) -> bool:
    """Whether HDF5 compares a checksum when it reads a dataset."""
    layout = dataset.id.get_create_plist().get_layout()
    return bool(dataset.fletcher32 or layout == h5py.h5d.COMPACT or 0 in dataset.shape)


def test_every_dataset_has_a_checksum(made: Path) -> None:
    path = made / "whole.h5"
    with h5py.File(path) as file:
        found = datasets_of(file, path)
        assert len(found) > 200
        without = [
            name
            for name, dataset in found.items()
            # A text that no object header holds stands in the heap of HDF5.
            if not is_checked(dataset) and dataset.id.get_storage_size() < 60_000
        ]
        assert without == []
        assert found["/cones/theta_rad"].fletcher32


def test_a_file_without_checksums_is_read_as_before(bad: Path, radiograph: Run) -> None:
    with h5py.File("whole.h5") as file, h5py.File(bad, "w") as old:
        old.attrs.update(file.attrs)
        for name in file:
            _copy_unchecked(file[name], old, name)
        for name, dataset in datasets_of(old, bad).items():
            assert not dataset.fletcher32, name
    told, before = (radiograph("info", f"{n}.h5").out.splitlines()[1:] for n in ("bad", "whole"))
    assert sorted(told) == sorted(before)
    for begin in ("cones.nappe='both'", "energy.strategy='Edep'"):
        done = restart(radiograph, begin)
        assert done.code == 0, done.err


def test_a_file_of_before_is_verified_without_what_came_later(bad: Path, radiograph: Run) -> None:
    with h5py.File("whole.h5") as file, h5py.File(bad, "w") as old:
        old.attrs.update(file.attrs)
        for name in file:
            _copy_unchecked(file[name], old, name)
        del old["lm/event_cone_filter_code"], old["lm/event_cone_filter_code_labels"]
    assert radiograph("verify", "bad.h5").code == 0
    with h5py.File(bad, "r+") as old:
        del old["lm/event_recoil_code"]
    done = radiograph("verify", "bad.h5")
    assert done.code == 4
    assert "/lm/event_recoil_code" in done.out


def replaced(file: h5py.File, name: str, value: Any) -> None:
    del file[name]
    file[name] = value


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("values", lambda kept: kept[:20]),
        ("keys", lambda kept: np.arange(len(kept))),
        ("keys", lambda kept: [b"", *kept[1:], b"a"]),
        ("values", lambda kept: [b"[1,"] * len(kept)),
    ],
)
def test_settings_that_are_not_whole_are_no_start(
    bad: Path, radiograph: Run, name: str, change: Callable[..., Any]
) -> None:
    """A setting that is absent would count as one that has not changed."""
    with h5py.File(bad, "r+") as file:
        place = f"meta/config_effective/{name}"
        replaced(file, place, change(list(file[place][()])))
    done = restart(radiograph, "cones.nappe='both'")
    assert done.code == 3, done.err
    assert "/meta/config_effective cannot be read" in done.err


@pytest.mark.parametrize("value", [np.nan, [1, 2], b"many", h5py.Empty("f8")])
def test_a_counter_that_counts_nothing(bad: Path, radiograph: Run, value: Any) -> None:
    with h5py.File(bad, "r+") as file:
        name = next(n for n in file["meta/counters"] if n.startswith("s3_"))
        replaced(file, f"meta/counters/{name}", value)
    done = restart(radiograph, "cones.nappe='both'")
    assert done.code == 3, done.err
    assert name.removeprefix("s3_") in done.err


def test_problems_that_are_no_list(bad: Path, radiograph: Run) -> None:
    with h5py.File(bad, "r+") as file:
        replaced(file, "provenance/problems", '{"a": 1}')
    for done in (radiograph("info", "bad.h5"), restart(radiograph)):
        assert done.code in (0, 3), done.err
    done = radiograph("info", "bad.h5")
    assert done.code == 3
    assert "/provenance/problems cannot be read (it is no list of problems)" in done.err


def test_a_dataset_without_values(bad: Path, radiograph: Run) -> None:
    with h5py.File(bad, "r+") as file:
        file["lm/note"] = h5py.Empty("f8")
    assert restart(radiograph).code == 0
    with h5py.File(bad, "r+") as file:
        replaced(file, "cones/theta_rad", h5py.Empty("f8"))
    done = restart(radiograph, "cones.nappe='both'")
    assert done.code == 3, done.err
    assert "/cones/theta_rad cannot be read (it holds no values)" in done.err


def test_a_row_number_that_makes_ranges_without_end(bad: Path, radiograph: Run) -> None:
    with h5py.File(bad, "r+") as file:
        file["raw_events/ranges"][-1] = [0, 2**50]
    done = restart(radiograph, "filters.hits.min_light_MeVee=0.06")
    assert done.code == 3, done.err
    assert "its greatest raw event id is 1125899906842623" in done.err


def test_a_long_text_keeps_its_bytes_of_zero(tmp_path: Path) -> None:
    text = "before\0after" * 10_000
    with h5py.File(tmp_path / "long.h5", "w") as file:
        write_text(file, "long", text, "a text")
    with h5py.File(tmp_path / "long.h5") as file:
        assert file["long"].asstr()[()] == text


def _copy_unchecked(item: Any, target: h5py.Group, name: str) -> None:
    if isinstance(item, h5py.Dataset):
        copied = target.create_dataset(name, data=item[()], dtype=item.dtype)
    else:
        copied = target.create_group(name)
        for part in item:
            if isinstance(item.get(part, getlink=True), h5py.HardLink):
                _copy_unchecked(item[part], copied, part)
    copied.attrs.update(item.attrs)


def test_checksums_of_texts_numbers_and_tables(tmp_path: Path) -> None:
    path = tmp_path / "few.h5"
    with h5py.File(path, "w", libver="latest") as file:
        write_array(file, "texts", ["one", "zwölf"], "", "")
        write_array(file, "number", 3.5, "cm", "")
        write_array(file, "nothing", np.zeros(0), "", "")
        create_checked(file, "grows", (0, 2), "i4", maxshape=(None, 2))
    with h5py.File(path) as file:
        assert all(map(is_checked, datasets_of(file, path).values()))
        assert file["texts"].asstr()[()].tolist() == ["one", "zwölf"]
        assert file["number"][()] == 3.5
        chunk = file["texts"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 2] ^= 1
    path.write_bytes(content)
    with h5py.File(path) as file, pytest.raises(InputError, match=r"few\.h5: /texts cannot"):
        read_through(file["texts"], path)


# What a file may not hold: dataset, place, value.
VALUES = [
    ("cones/event_index", 3, -1),
    ("cones/event_index", 3, 10**6),
    ("cones/theta_rad", 2, np.nan),
    ("cones/theta_rad", 2, 9.0),
    ("cones/exact/theta_rad", 2, np.nan),
    ("cones/exact/apex_cm", (2, 1), np.inf),
    ("cones/axis_xyz", (2, 1), np.nan),
    ("cones/species", 1, 2),
    ("cones/recoil_code", 1, 9),
    ("cones/gamma_hit_order", (1, 1), 7),
    ("lm/event_type", 5, 2),
    ("lm/event_id", 5, -9),
    ("lm/event_hit_index", (2, 0), -9),
    ("lm/event_hit_index", (2, 0), -1),
    ("lm/event_hit_index", (2, 0), 10**6),
    ("lm/hit_material_id", (2, 0), 99),
    ("lm/event_cone_id", 4, -2),
    ("lm/event_cone_id", 4, 10**6),
    ("lm/event_imaged_cone_id", 4, 10**6),
    ("lm/event_recoil_code", 4, 8),
    ("lm/event_gamma_hit_order", (4, 1), 5),
    ("lm/footprint_pixels", 6, 10**6),
    ("lm/cone_pixel_indices", (6, 0), 10**6),
    ("lm/cone_pixel_indices", (6, 1), 10**6),
    ("candidates/event_index", 4, -1),
    ("candidates/event_index", 4, 10**6),
    ("candidates/species", 4, 3),
    ("candidates/recoil_code", 4, 3),
    ("candidates/hit_order", (4, 1), 3),
    ("candidates/status", 4, 200),
    ("hits/event_id", 7, -1),
    ("hits/species", 7, 3),
    ("hits/material_id", 7, 50),
    ("hits/filter_code", 7, 99),
    ("hits/t_ns", 7, np.nan),
    ("hits/x_cm", 7, np.inf),
    ("raw_events/ranges", (0, 0), -1),
]


@pytest.mark.parametrize(("dataset", "place", "value"), VALUES)
def test_a_value_that_cannot_be_is_refused(
    bad: Path, radiograph: Run, dataset: str, place: Any, value: Any
) -> None:
    with h5py.File(bad, "r+") as file:
        file[dataset][place] = value
    row = place[0] if isinstance(place, tuple) else place
    done = restart(radiograph)
    assert done.code == 3, done.err
    said = f"bad.h5: /{dataset} holds {value} in row {row}; allowed: "
    assert said in done.err
    for argv in (
        ("inspect", "bad.h5", "--event", "2"),
        ("inspect", "bad.h5", "--region", "-5,5,-5,5"),
        ("export", "bad.h5", "--to", "csv", "-o", "tables", "--overwrite"),
    ):
        other = radiograph(*argv)
        assert_told(other, argv)
        if other.code == 3:
            assert said in other.err, argv


def test_a_report_says_which_value_cannot_be(bad: Path, radiograph: Run) -> None:
    with h5py.File(bad, "r+") as file:
        file["cones/species"][3] = 99
    done = radiograph("report", "bad.h5", "-o", "r.html", "--overwrite")
    assert done.code == 3, done.err
    assert "bad.h5: /cones/species holds 99 in row 3" in done.err


SHAPES = [
    ("lm/hit_pos_cm", lambda a: a[:, :, 0]),
    ("lm/event_hit_index", lambda a: a[:, :1]),
    ("lm/event_id", lambda a: a[:-1]),
    ("cones/event_index", lambda a: a[:-2]),
    ("cones/axis_xyz", lambda a: a.ravel()),
    ("hits/t_ns", lambda a: a[:-1]),
    ("hits/filter_code", lambda a: np.append(a, a[:1])),
    ("candidates/hit_order", lambda a: a[:, :2]),
    ("lm/footprint_offsets", lambda a: a[:-1]),
    ("lm/cone_pixel_indices", lambda a: a[:, 0]),
    ("raw_events/ranges", lambda a: a.ravel()),
]


@pytest.mark.parametrize(("dataset", "change"), SHAPES)
def test_a_table_of_another_shape_is_refused(
    bad: Path, radiograph: Run, dataset: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    with h5py.File(bad, "r+") as file:
        values = change(file[dataset][()])
        del file[dataset]
        file[dataset] = values
    done = restart(radiograph)
    assert done.code == 3, done.err
    assert f"/{dataset} " in done.err
    for argv in (
        ("inspect", "bad.h5", "--event", "2"),
        ("inspect", "bad.h5", "--cone", "2"),
        ("export", "bad.h5", "--to", "csv", "-o", "tables", "--overwrite"),
    ):
        assert_told(radiograph(*argv), argv)
