"""Hits as a table: columns and units, events, damage, what is refused; CSV and Parquet alike."""

from __future__ import annotations

import builtins
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging.readers import READERS, hits_table_files, text_bytes
from radiograph.nodes.imaging.readers.phits_usrdef import HITS_WITHOUT_MATERIAL
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.images import SourceRecords
from radiograph.schemas.imaging.reading import ReaderSettings

HITS_TABLE = READERS["hits_table"]
PLAIN = ReaderSettings(input_format="hits_table", cm_per_position_unit=1.0)
HEADING = "event_id,det_id,species,x_cm,y_cm,z_cm,t_ns,light_MeVee,psd,energy_deposited_MeV"
KINDS = ("csv", "parquet")


def row(event: object = 0, **other: object) -> str:
    """A row of a hit, with what differs from a sound one."""
    sound = {"det_id": 7, "species": "n", "x_cm": 1.5, "y_cm": -2, "z_cm": 3, "t_ns": 4.25,
             "light_MeVee": 0.5, "psd": "", "energy_deposited_MeV": ""}  # fmt: skip
    return ",".join(str(v) for v in (event, *{**sound, **other}.values()))


def write(folder: Path, *rows: str, heading: str = HEADING) -> Path:
    path = folder / "hits.csv"
    path.write_text("\n".join([heading, *rows, ""]))
    return path


def frame_of(n_events: int, hits_an_event: int = 2) -> pd.DataFrame:
    """Sound rows with values that no short decimal has."""
    rng = np.random.default_rng(3)
    n = n_events * hits_an_event
    columns = {name: rng.normal(size=n) for name in ("x_cm", "y_cm", "z_cm", "t_ns")}
    return pd.DataFrame(
        {
            "event_id": np.repeat(np.arange(n_events) * 3, hits_an_event),
            "det_id": np.arange(n) % 5,
            "species": np.where(np.arange(n) % 4 < 2, "n", "g"),
            **columns,
            "light_MeVee": rng.uniform(size=n),
            "psd": np.where(np.arange(n) % 3 == 0, np.nan, 0.2),
        }
    )


def written(folder: Path, frame: pd.DataFrame, kind: str, **how: Any) -> Path:
    path = folder / f"hits.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False, **how)
    else:
        frame.to_parquet(path, index=False, **how)
    return path


def read_all(path: Path, how: ReaderSettings = PLAIN, events: int = 1000) -> list[SourceRecords]:
    ranges = HITS_TABLE.event_ranges(path, events, how)
    return [HITS_TABLE.read(file_ref(path), r, how) for r in ranges]


def hits_of(records: list[SourceRecords]) -> pd.DataFrame:
    return pd.concat([r.hits for r in records], ignore_index=True)


def refusal(path: Path, how: ReaderSettings = PLAIN) -> InputError:
    with pytest.raises(InputError) as told:
        read_all(path, how)
    assert str(path) in told.value.message
    return told.value


def kinds(records: SourceRecords) -> list[tuple[str, int, int]]:
    return [(str(k), int(p), int(n)) for k, p, n in records.problems.itertuples(index=False)]


def test_values_of_a_small_table(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        row(4, psd=0.25),
        row(4, species="g", t_ns=-5, energy_deposited_MeV=2),
        row(9, species="unknown", x_cm="1e2"),
    )
    (found,) = read_all(path)
    HITS_WITHOUT_MATERIAL.validate(found.hits, "test")
    hits = found.hits
    # Events are numbered in the order of the file, as in every other format.
    assert hits["event_id"].tolist() == [0, 0, 1]
    assert hits["hit_in_event"].tolist() == [0, 1, 0]
    assert hits["species"].tolist() == ["n", "g", "unknown"]
    assert hits["x_cm"].tolist() == [1.5, 1.5, 100.0]
    # A clock may count from a trigger: a negative time is a time.
    assert hits["t_ns"].tolist() == [4.25, -5.0, 4.25]
    assert hits["light_MeVee"].tolist() == [0.5] * 3
    assert np.array_equal(hits["psd"], [0.25, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(hits["energy_deposited_MeV"], [np.nan, 2.0, np.nan], equal_nan=True)
    assert (found.raw_event_ids.tolist(), found.n_damaged_records) == ([0, 1], 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("events", [1, 3, 7, 1000])
def test_ranges_of_any_size_give_the_same_rows_to_the_last_bit(
    tmp_path: Path, kind: str, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks, batches and row groups that end within an event."""
    monkeypatch.setattr(text_bytes, "_BLOCK_BYTES", 256)
    monkeypatch.setattr(hits_table_files, "_ROWS_A_BATCH", 5)
    frame = frame_of(20, 3)
    path = written(tmp_path, frame, kind, **({} if kind == "csv" else {"row_group_size": 7}))
    records = read_all(path, events=events)
    assert len(records) == -(-20 // events)
    hits = hits_of(records)
    assert hits["event_id"].tolist() == np.repeat(np.arange(20), 3).tolist()
    for name in ("det_id", "x_cm", "y_cm", "z_cm", "t_ns", "light_MeVee", "psd"):
        assert np.array_equal(hits[name], frame[name], equal_nan=True), name
    assert hits["species"].tolist() == frame["species"].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_names_tell_units(tmp_path: Path, kind: str) -> None:
    given = frame_of(2)
    other = given.rename(columns={"x_cm": "x_mm", "y_cm": "pos_m", "t_ns": "when", "psd": "shape",
                                  "light_MeVee": "light_keVee", "event_id": "evt"})  # fmt: skip
    how = PLAIN.model_copy(
        update={
            "columns": {"event_id": "evt", "y_cm": "pos_m", "t_ns": "when", "psd": "shape"},
            "units": {"t_ns": "us", "z_cm": "cm"},
        }
    )
    hits = hits_of(read_all(written(tmp_path, other, kind), how))
    assert hits["x_cm"].to_numpy() == pytest.approx(given["x_cm"].to_numpy() / 10)
    assert hits["y_cm"].to_numpy() == pytest.approx(given["y_cm"].to_numpy() * 100)
    assert np.array_equal(hits["z_cm"], given["z_cm"])
    assert hits["t_ns"].to_numpy() == pytest.approx(given["t_ns"].to_numpy() * 1000)
    assert hits["light_MeVee"].to_numpy() == pytest.approx(given["light_MeVee"].to_numpy() / 1000)
    assert np.array_equal(hits["psd"], given["psd"], equal_nan=True)


def test_settings_for_all_positions_and_times_hold_where_no_name_tells(tmp_path: Path) -> None:
    frame = frame_of(2).rename(columns={"x_cm": "x", "y_cm": "y", "z_cm": "z", "t_ns": "t"})
    names = {"x_cm": "x", "y_cm": "y", "z_cm": "z", "t_ns": "t"}
    how = ReaderSettings(
        input_format="hits_table", cm_per_position_unit=0.1, time_units="ps", columns=names
    )
    hits = hits_of(read_all(written(tmp_path, frame, "csv"), how))
    assert hits["x_cm"].to_numpy() == pytest.approx(frame["x"].to_numpy() / 10)
    assert hits["t_ns"].to_numpy() == pytest.approx(frame["t"].to_numpy() / 1000)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"cm_per_position_unit": 0.1}, "'x_cm' is in cm by its name, mm by [io.adapter] unit_pos"),
        ({"time_units": "ps"}, "'t_ns' is in ns by its name, ps by [io.adapter] time_units"),
        ({"units": {"y_cm": "mm"}}, "'y_cm' is in cm by its name, mm by [io.adapter] units"),
    ],
)
def test_a_unit_that_is_told_in_two_ways(tmp_path: Path, update: dict[str, Any], said: str) -> None:
    told = refusal(write(tmp_path, row(), row()), PLAIN.model_copy(update=update))
    assert said in told.message
    assert told.code == "unit_told_twice"


@pytest.mark.parametrize("kind", KINDS)
def test_words_for_species(tmp_path: Path, kind: str) -> None:
    """Words or numbers of the file; n, g and unknown stand for themselves."""
    how = PLAIN.model_copy(update={"species": {"neutron": "n", "22": "g"}})
    frame = frame_of(2)
    frame["species"] = ["neutron", " n", "g", "unknown"]
    assert hits_of(read_all(written(tmp_path, frame, kind), how))["species"].tolist() == [
        "n", "n", "g", "unknown"]  # fmt: skip
    frame["species"] = [22, 22, 22, 22]
    assert set(hits_of(read_all(written(tmp_path, frame, kind), how))["species"]) == {"g"}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"x_cm": "abc"}, "bad_number"),
        ({"x_cm": "1,5"}, "wrong_fields"),
        ({"det_id": "True"}, "bad_number"),
        ({"y_cm": ""}, "not_finite"),
        ({"t_ns": "nan"}, "not_finite"),
        ({"z_cm": "-inf"}, "not_finite"),
        ({"det_id": ""}, "not_finite"),
        ({"det_id": 1.5}, "not_whole"),
        ({"det_id": 2**40}, "out_of_range"),
        ({"light_MeVee": "1e31"}, "out_of_range"),
        ({"light_MeVee": -0.1}, "negative_light"),
        ({"species": "proton"}, "unknown_species"),
        ({"species": ""}, "unknown_species"),
        ({"psd": "x"}, "bad_number"),
    ],
)
def test_damage_takes_its_event_and_no_other(
    tmp_path: Path, fault: dict[str, Any], kind: str
) -> None:
    path = write(tmp_path, row(1), row(1), row(5), row(5, **fault), row(8), row(8))
    (found,) = read_all(path)
    assert kinds(found) == [(kind, 4, 1)]
    # Which event a line with a field too many belongs to is not known: those beside it go.
    assert found.raw_event_ids.tolist() == ([0] if kind == "wrong_fields" else [0, 2])
    assert set(found.hits["event_id"]) == set(found.raw_event_ids.tolist())
    assert found.n_damaged_records == 1


@pytest.mark.parametrize("bad", ["", "x", "1.5", "1e3", "12345678901234567890", "nan"])
@pytest.mark.parametrize("events", [1, 2, 10])
def test_a_row_without_event_id_takes_the_events_beside_it(
    tmp_path: Path, bad: str, events: int
) -> None:
    """It may be a hit of either: neither may be imaged without it."""
    path = write(tmp_path, row(1), row(1), row(2), row(bad), row(3), row(3), row(4), row(4))
    records = read_all(path, events=events)
    assert [p for r in records for p in kinds(r)] == [("bad_event_id", 4, 1)]
    assert [e for r in records for e in r.raw_event_ids.tolist()] == [0, 2]
    assert hits_of(records)["event_id"].tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_row_is_shown(tmp_path: Path, kind: str) -> None:
    frame = frame_of(3).rename(columns={"x_cm": "x_mm"})
    frame.loc[2, "light_MeVee"] = -2.5
    path = written(tmp_path, frame, kind)
    said = HITS_TABLE.explanation(path, 3, PLAIN)
    assert said.startswith("Row 3 holds event_id = 3, det_id = 2, species = g, x_mm = ")
    assert "light_MeVee = -2.5" in said
    assert "[io.adapter] species" in said


def test_a_file_that_is_cut_off_loses_its_last_event(tmp_path: Path) -> None:
    path = write(tmp_path, row(1), row(1), row(2), row(2))
    path.write_text(path.read_text()[:-25])
    (found,) = read_all(path)
    assert kinds(found) == [("wrong_fields", 4, 1)]
    assert found.raw_event_ids.tolist() == [0]


def test_damage_is_shown_a_hundred_times_and_counted_always(tmp_path: Path) -> None:
    path = write(tmp_path, *(row(k, x_cm="") for k in range(150)))
    (found,) = read_all(path)
    assert found.problems["count"].sum() == 150
    assert len(found.problems) == 100
    assert found.problems["line_or_entry"].tolist() == list(range(1, 101))


def test_more_hits_in_an_event_than_can_be_numbered(tmp_path: Path) -> None:
    path = write(tmp_path, *[row(1)] * 32_769, row(2))
    (found,) = read_all(path)
    assert [(k, n) for k, _, n in kinds(found)] == [("too_many_hits", 1)]
    assert found.hits["event_id"].tolist() == [1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows_a_block", [1, 4])
def test_an_event_that_comes_back_is_refused(
    tmp_path: Path, kind: str, rows_a_block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_bytes, "_BLOCK_BYTES", 100 * rows_a_block)
    monkeypatch.setattr(hits_table_files, "_ROWS_A_BATCH", rows_a_block)
    frame = frame_of(3)
    frame["event_id"] = [1, 1, 5, 5, 1, 1]
    told = refusal(written(tmp_path, frame, kind))
    assert "row 5 has event id 1 after 5" in told.message
    assert told.code == "not_sorted"


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_column_names_what_is_there(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, frame_of(2).rename(columns={"light_MeVee": "L"}), kind)
    told = refusal(path)
    assert "no column 'light_MeVee' or 'light_eVee' or 'light_keVee'" in told.message
    assert "'L'" in told.message
    assert '[io.adapter] columns = {light_MeVee = "..."}' in told.message
    how = PLAIN.model_copy(update={"columns": {"light_MeVee": "L", "psd": "shape"}})
    assert "no column 'shape'" in refusal(path, how).message


def test_a_column_that_stands_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, row(), heading=HEADING.replace("psd", "x_cm"))
    assert "has the column 'x_cm' twice" in refusal(path).message


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_has_no_range(tmp_path: Path, kind: str) -> None:
    assert HITS_TABLE.event_ranges(written(tmp_path, frame_of(0), kind), 5, PLAIN) == []


@pytest.mark.parametrize("suffix", ["\n", "\r\n", "\n\n", "\n   \n"])
def test_line_ends_blank_lines_quotes_and_marks(tmp_path: Path, suffix: str) -> None:
    lines = [f'"{HEADING.replace(",", chr(34) + "," + chr(34))}"', row(1, species='"g"'),
             row(2, x_cm=" 7 "), row(2)]  # fmt: skip
    path = tmp_path / "hits.csv"
    path.write_bytes(b"\xef\xbb\xbf" + suffix.join(lines).encode())
    hits = hits_of(read_all(path, events=1))
    assert hits["event_id"].tolist() == [0, 1, 1]
    assert hits["species"].tolist() == ["g", "n", "n"]
    assert hits["x_cm"].tolist() == [1.5, 7.0, 1.5]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    frame = frame_of(4)
    hits = hits_of(read_all(written(tmp_path, frame, "csv", sep=delimiter), events=3))
    assert np.array_equal(hits["x_cm"], frame["x_cm"])


def test_compressed_text_gives_what_the_text_gives(tmp_path: Path) -> None:
    path = written(tmp_path, frame_of(30), "csv")
    plain = hits_of(read_all(path, events=7))
    packed = tmp_path / "hits.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    assert hits_of(read_all(packed, events=7)).equals(plain)
    packed.write_bytes(packed.read_bytes()[:-200])
    assert "cannot be unpacked to its end" in refusal(packed).message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADING + "\n" + row(1) + "\n" + "\0" * 50 + "\n", "holds 50 zero bytes"),
        (HEADING + "\n" + row(1) + "\n" + row(2, species='"n') + "\n" + row(2) + "\n", "a quote"),
        ("\x01\x02\x03\n1\n", "its first line is no text"),
        ("hello\nworld\n", "no column 'event_id'; it has 'hello'"),
    ],
)
def test_text_that_is_no_table(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "hits.csv"
    path.write_text(content)
    assert said in refusal(path).message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x_cm", ["a", "b", "c", "d"]),
        ("event_id", ["0", "0", "1", "1"]),
        ("t_ns", pd.to_datetime([0, 1, 2, 3])),
        ("species", [True, True, False, False]),
        ("z_cm", [[1.0], [2.0], [3.0], [4.0]]),
    ],
)
def test_columns_of_a_wrong_type(tmp_path: Path, name: str, values: Any) -> None:
    told = refusal(written(tmp_path, frame_of(2).assign(**{name: values}), "parquet"))
    assert f"column '{name}' is of the type" in told.message
    assert told.code == "wrong_type"


def test_missing_values_of_parquet(tmp_path: Path) -> None:
    frame = frame_of(4)
    frame["event_id"] = pd.array([2**53 + 1, 2**53 + 1, 2**53 + 3, 2**53 + 3, None, 2**53 + 4,
                                  2**53 + 5, 2**53 + 5], "Int64")  # fmt: skip
    frame["det_id"] = pd.array([None, 1, 1, 1, 1, 1, 1, 1], "Int64")
    frame["species"] = pd.Categorical(["n"] * 8)
    (found,) = read_all(written(tmp_path, frame, "parquet"))
    assert kinds(found) == [("bad_event_id", 5, 1), ("not_finite", 1, 1)]
    assert found.raw_event_ids.tolist() == [2]


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    path = written(tmp_path, frame_of(50), "parquet")
    path.write_bytes(path.read_bytes()[:-30])
    assert "cannot be read as Parquet" in refusal(path).message


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = written(tmp_path, frame_of(2), "parquet"), builtins.__import__

    def without(name: str, *args: Any, **how: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *args, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install radiograph[parquet]" in refusal(path).message


EVENTS = st.lists(
    st.lists(st.sampled_from(["good", "no_id", "no_x", "short"]), min_size=1, max_size=3),
    min_size=1,
    max_size=8,
)


@given(events=EVENTS, size=st.integers(1, 9), block=st.integers(60, 400))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_damage_reaches_an_event_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[list[str]], size: int, block: int
) -> None:
    """Each event that is read has all its rows; ranges and blocks change nothing."""
    forms = {"good": row, "no_id": lambda _: row("?"), "no_x": lambda k: row(k, x_cm=""),
             "short": lambda k: f"{k},7"}  # fmt: skip
    path = write(tmp_path, *(forms[f](k) for k, rows in enumerate(events) for f in rows))
    whole = read_all(path)
    monkeypatch.setattr(text_bytes, "_BLOCK_BYTES", block)
    parts = read_all(path, events=size)
    assert hits_of(parts).equals(hits_of(whole))
    assert pd.concat([r.problems for r in parts])["count"].sum() == whole[0].problems["count"].sum()
    assert sum(r.n_damaged_records for r in parts) == whole[0].n_damaged_records
    read = whole[0].hits.groupby("event_id").size().tolist()
    glued = {"no_id", "short"}
    expected = [
        len(rows)
        for k, rows in enumerate(events)
        if set(rows) == {"good"}
        and not (k and events[k - 1][-1] in glued)
        and not (k + 1 < len(events) and events[k + 1][0] in glued)
    ]
    assert read == expected
