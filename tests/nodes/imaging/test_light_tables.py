"""A user's light response: CSV and NPZ, what is refused and with which words."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging.readers.light_tables import read_light_table
from radiograph.schemas.errors import EXIT_INPUT, InputError

LIGHT, ENERGY = [0.0, 0.1, 0.5], [0.0, 1.0, 2.0]


class Bomb:
    """Unpickled, it would fail the test."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a light table was unpickled",))


def csv(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode("latin-1"))
    return path


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "table.npz"
    np.savez(path, **arrays)
    return path


def table(path: Path) -> tuple[list[float], list[float]]:
    read = read_light_table(file_ref(path))
    energy, light = read.energy_MeV, read.light_MeVee
    assert energy.dtype == light.dtype == np.float64
    return energy.tolist(), light.tolist()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as failure:
        read_light_table(file_ref(path))
    assert failure.value.exit_code == EXIT_INPUT
    assert failure.value.file == str(path)
    assert failure.value.key == "energy.lut_paths"
    assert str(path) in failure.value.message
    return failure.value.message


@pytest.mark.parametrize(
    "text",
    [
        "light_MeVee,energy_MeV\n0,0\n0.1,1\n0.5,2\n",
        "energy_MeV,light_MeVee\n0,0\n1,0.1\n2,0.5\n",
        "# by hand\nlight_MeVee, energy_MeV\r\n0, 0\r\n0.1, 1\r\n0.5, 2\r\n",
        "sigma,light_MeVee,note,energy_MeV\n9,0,a,0\n9,0.1,b,1\n9,0.5,,2\n",
    ],
)
def test_columns_of_a_csv_are_found_by_name(tmp_path: Path, text: str) -> None:
    assert table(csv(tmp_path, text)) == (ENERGY, LIGHT)


def test_npz_with_our_names_and_with_those_of_ngimager(tmp_path: Path) -> None:
    ours = npz(tmp_path, light_MeVee=LIGHT, energy_MeV=ENERGY, other=np.eye(2))
    assert table(ours) == (ENERGY, LIGHT)
    # ngimager 1.2.1 writes float32 arrays and a pickled array "meta" beside them.
    theirs = npz(
        tmp_path,
        L_inv=np.array(LIGHT, np.float32),
        E_inv=np.array(ENERGY, np.float32),
        meta=np.array({"bomb": Bomb()}, object),
    )
    energy, light = table(theirs)
    assert energy == ENERGY
    assert light == pytest.approx(LIGHT, rel=1e-6)


def test_our_names_win_over_those_of_ngimager(tmp_path: Path) -> None:
    both = npz(tmp_path, light_MeVee=LIGHT, energy_MeV=ENERGY, L_inv=[7, 8], E_inv=[7, 8])
    assert table(both) == (ENERGY, LIGHT)


def test_suffix_in_capitals(tmp_path: Path) -> None:
    path = npz(tmp_path, light_MeVee=LIGHT, energy_MeV=ENERGY)
    assert table(path.rename(tmp_path / "TABLE.NPZ")) == (ENERGY, LIGHT)


def test_csv_is_read_to_the_last_digit(tmp_path: Path) -> None:
    energy, light = [1.0000534132122993, 999.9999999999999, 1000.0], [1.0000218413770199, 2, 3]
    rows = "\n".join(f"{a!r},{b!r}" for a, b in zip(light, energy, strict=True))
    assert table(csv(tmp_path, f"light_MeVee,energy_MeV\n{rows}\n")) == (energy, light)


@given(
    st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=20, unique=True).map(sorted),
    st.randoms(use_true_random=False),
)
def test_what_is_written_comes_back(tmp_path_factory, energy, random) -> None:
    folder = tmp_path_factory.getbasetemp()
    light = sorted(random.sample(range(1, 1000), len(energy)))
    rows = "\n".join(f"{a!r},{b!r}" for a, b in zip(light, energy, strict=True))
    assert table(csv(folder, f"light_MeVee,energy_MeV\n{rows}\n")) == (energy, light)
    assert table(npz(folder, light_MeVee=light, energy_MeV=energy)) == (energy, light)


@pytest.mark.parametrize(
    ("light", "energy", "words"),
    [
        ([0.1, 0.1, 0.5], ENERGY, "light_MeVee must rise strictly; row 1 holds 0.1"),
        ([0.1, 0.5, 0.2], ENERGY, "light_MeVee must rise strictly; row 2 holds 0.2"),
        (LIGHT, [2.0, 1.0, 3.0], "energy_MeV must rise strictly; row 1 holds 1"),
        (LIGHT, [0.0, np.nan, 3.0], "energy_MeV must rise strictly; row 1 holds nan"),
        (LIGHT, [0.0, 1.0, np.inf], "energy_MeV must rise strictly; row 2 holds inf"),
        ([-0.1, 0.1, 0.5], ENERGY, "light_MeVee is negative in row 0: -0.1"),
        (LIGHT, [-1.0, 1.0, 3.0], "energy_MeV is negative in row 0: -1"),
        ([0.1], [1.0], "must be two equal columns"),
        ([], [], "must be two equal columns"),
    ],
)
def test_values_that_are_refused(tmp_path: Path, light: Any, energy: Any, words: str) -> None:
    assert words in refusal(npz(tmp_path, light_MeVee=light, energy_MeV=energy))
    rows = "".join(f"{a},{b}\n" for a, b in zip(light, energy, strict=True))
    assert words in refusal(csv(tmp_path, f"light_MeVee,energy_MeV\n{rows}"))


def test_columns_of_different_length_or_shape(tmp_path: Path) -> None:
    words = "must be two equal columns"
    assert words in refusal(npz(tmp_path, light_MeVee=[1, 2, 3], energy_MeV=[1, 2]))
    assert words in refusal(npz(tmp_path, light_MeVee=np.eye(2), energy_MeV=np.eye(2)))


def test_a_missing_column_lists_what_is_there(tmp_path: Path) -> None:
    message = refusal(csv(tmp_path, "light_MeVee,energy_keV\n1,2\n"))
    assert "needs the columns light_MeVee and energy_MeV" in message
    assert "it has light_MeVee, energy_keV." in message
    assert "it has energy_MeV, bright." in refusal(npz(tmp_path, energy_MeV=ENERGY, bright=LIGHT))
    # One name of each pair is no pair.
    assert "it has light_MeVee, E_inv." in refusal(npz(tmp_path, light_MeVee=LIGHT, E_inv=ENERGY))


def test_text_in_a_column_is_refused(tmp_path: Path) -> None:
    assert "not a light table" in refusal(csv(tmp_path, "light_MeVee,energy_MeV\n1,2\nx,3\n"))
    assert "not a light table" in refusal(npz(tmp_path, light_MeVee=["a", "b"], energy_MeV=[1, 2]))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    objects = np.array([Bomb(), Bomb()], object)
    assert "not a light table" in refusal(npz(tmp_path, light_MeVee=objects, energy_MeV=[1, 2]))
    plain = tmp_path / "pickle.npz"
    plain.write_bytes(pickle.dumps(Bomb()))
    assert "not a light table" in refusal(plain)


@pytest.mark.parametrize("name", ["table.csv", "table.npz"])
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\x89HDF\r\n", b"PK\x03\x04 cut off", b"\x93NUMPY", b"\xff\xfe,\x00"]
)
def test_files_of_another_kind(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refusal(path)


def test_one_array_under_the_name_of_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    with path.open("wb") as stream:
        np.save(stream, np.eye(2))
    assert "not a light table" in refusal(path)


def test_a_damaged_npz(tmp_path: Path) -> None:
    path = npz(tmp_path, light_MeVee=LIGHT, energy_MeV=ENERGY)
    data = bytearray(path.read_bytes())
    place = data.find(b"\x93NUMPY") + 130
    data[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    assert "not a light table" in refusal(path)
    path.write_bytes(bytes(data[: len(data) // 2]))
    assert "not a light table" in refusal(path)


def test_a_missing_file(tmp_path: Path) -> None:
    path = csv(tmp_path, "light_MeVee,energy_MeV\n0,0\n1,1\n")
    reference = file_ref(path)
    path.unlink()
    with pytest.raises(InputError, match="not a light table"):
        read_light_table(reference)


BAND = "light_MeVee,energy_MeV,light_low,light_high\n0,0,-0.1,0.1\n0.1,1,0.05,0.2\n"


def test_a_band_is_read_where_there_is_one(tmp_path: Path) -> None:
    band = read_light_table(file_ref(csv(tmp_path, BAND))).band_MeVee
    assert band is not None
    assert [side.tolist() for side in band] == [[-0.1, 0.05], [0.1, 0.2]]
    without = csv(tmp_path, "light_MeVee,energy_MeV\n0,0\n0.1,1\n")
    assert read_light_table(file_ref(without)).band_MeVee is None
    ones = np.arange(2.0)
    path = npz(tmp_path, L_inv=ones, E_inv=ones, light_low=ones - 1.0, light_high=ones + 2.0)
    band = read_light_table(file_ref(path)).band_MeVee
    assert band is not None
    assert [side.tolist() for side in band] == [[-1.0, 0.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.05,0.2", "0.15,0.2", "row 1, 0.1, is not between light_low = 0.15"),
        ("0.05,0.2", "0.1,0.1", "is not between"),
        ("-0.1,0.1", "nan,0.1", "row 0"),
        (",light_high", ",other", "light_low stands alone"),
    ],
)
def test_a_band_that_is_none_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refusal(csv(tmp_path, BAND.replace(old, new)))


def test_a_band_of_another_length_is_refused(tmp_path: Path) -> None:
    two, three = np.arange(2.0), np.arange(3.0)
    path = npz(tmp_path, L_inv=two, E_inv=two, light_low=three, light_high=three + 1.0)
    assert "must have a value a row" in refusal(path)
