"""PHITS usrdef text: what is read, what is damaged and where, and ranges of whole events.

The lines are shaped like those of the published sets: event line, ``rx`` with ten integers and a
position, ``In`` with the projectile, ``Out`` with the products.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging.readers import READERS, text_bytes, usrdef_columns
from radiograph.nodes.imaging.readers.phits_usrdef import (
    HITS_WITHOUT_MATERIAL,
    event_ranges,
    metadata,
    read,
)
from radiograph.schemas.errors import InputError
from radiograph.schemas.imaging.images import SourceRecords
from radiograph.schemas.imaging.reading import ReaderSettings
from radiograph.schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from radiograph.schemas.sources import EventRange

CM_NS = ReaderSettings(input_format="phits_usrdef", cm_per_position_unit=1.0)
HEADER = "!Required final counter 1 value = 2\n!  #iomp  #batch  #history  #no  #name\n\n"
NEUTRON = (
    "ne          0         1     37471         6         4 ;       200  3.5420E+00 -3.6192E+00  "
    "1.6499E+01  3.4674E-01  4.6892E+00 ,       210  6.3588E-01 -3.3907E+00  1.6800E+01  "
    "5.8677E-01  4.7539E+00 ,"
)
GAMMA = (
    "ge          0         1    117867         6         1 ;       210  1.8265E+00  2.8782E+00  "
    "1.7138E+01 -1.2679E-01  3.8209E+00 ,       220  3.2731E+00  3.5546E+00  1.8200E+01 "
    "-4.7890E-02  3.8654E+00 ,       230  7.6675E-01  4.2956E+00  1.9600E+01 -2.6472E-01  "
    "3.9260E+00"
)
REACTION = (
    "rx 14   6   7  4  0   4     37471         2         3         200             -3.6192E+00  "
    "1.6499E+01  3.4674E-01\n"
    "  In      2112  5.3682E+01  1.0000E+00\n"
    " Out      2212  2.8762E+01  1.0000E+00 ,      2112  5.9897E+00  0.5000E+00"
)


def event(kind: str = "ne", *hits: str) -> str:
    return f"{kind} 0 1 2 3 4 ; " + " , ".join(hits or ("7 1.0 1 2 3 4", "8 2.0 1 2 3 5"))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    """Records of a text, read in one range, or in ranges of ``every`` events."""
    path = tmp_path_factory.mktemp("phits") / "events.out"

    def build(text: str | bytes, how: ReaderSettings = CM_NS, every: int | None = None) -> Any:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        ranges = event_ranges(path, every or 10**6, how)
        records = [read(file_ref(path), r, how) for r in ranges]
        for part in records if every is None else ():
            HITS_WITHOUT_MATERIAL.validate(part.hits, "hits")
            PROBLEMS.validate(part.problems, "problems")
            REACTIONS.validate(part.reactions, "reactions")
            PRODUCTS.validate(part.products, "products")
        assert all(r.n_damaged_records == r.problems["count"].sum() for r in records)
        return records[0] if every is None else (ranges, records)

    return build


def problems(records: SourceRecords) -> list[tuple]:
    return list(records.problems.itertuples(index=False, name=None))


def test_a_neutron_and_a_gamma_event(parsed) -> None:
    records = parsed(f"{HEADER}{NEUTRON}\n\n{GAMMA}\n")
    hits = records.hits
    assert hits["event_id"].tolist() == [0, 0, 1, 1, 1]
    assert hits["hit_in_event"].tolist() == [0, 1, 0, 1, 2]
    assert hits["det_id"].tolist() == [200, 210, 210, 220, 230]
    assert hits["species"].tolist() == ["n", "n", "g", "g", "g"]
    assert hits["light_MeVee"].tolist() == [3.5420, 0.63588, 1.8265, 3.2731, 0.76675]
    assert hits["energy_deposited_MeV"].equals(hits["light_MeVee"].rename("energy_deposited_MeV"))
    assert hits["psd"].isna().all()
    assert hits.loc[1, ["x_cm", "y_cm", "z_cm", "t_ns"]].tolist() == [
        -3.3907, 16.800, 0.58677, 4.7539,
    ]  # fmt: skip
    assert records.raw_event_ids.tolist() == [0, 1]
    assert records.n_raw_events == 2
    assert problems(records) == []
    assert records.n_hits_clipped == records.n_hits_particle == (0, 0, 0)
    assert len(records.reactions) == len(records.products) == 0


def test_reaction_records_are_kept_as_truth(parsed) -> None:
    second = REACTION.replace("2112  5.3682E+01", "22  1.5").replace("rx 14   6", "rx 14   1")
    text = f"{HEADER}{NEUTRON}\n{REACTION}\n{second}\n\n{GAMMA}\n\n{NEUTRON}\n{REACTION}\n"
    records = parsed(text)
    assert problems(records) == []
    truth = records.reactions
    assert truth["event_id"].tolist() == [0, 0, 2]
    assert truth["reaction_in_event"].tolist() == [0, 1, 0]
    first = truth.iloc[0].to_dict()
    assert first == {
        "event_id": 0, "reaction_in_event": 0, "ncol": 14, "target_Z": 6, "target_N": 7,
        "jcl": 4, "kcl": 0, "history": 37471, "no": 2, "name": 3, "det_id": 200,
        "x_cm": -3.6192, "y_cm": 16.499, "z_cm": 0.34674,
        "projectile_kf": 2112, "projectile_energy_MeV": 53.682,
    }  # fmt: skip
    assert truth["target_Z"].tolist() == [6, 1, 6]
    assert truth["projectile_kf"].tolist() == [2112, 22, 2112]
    products = records.products
    assert products["event_id"].tolist() == [0, 0, 0, 0, 2, 2]
    assert products["reaction_in_event"].tolist() == [0, 0, 1, 1, 0, 0]
    assert products["kf"].tolist() == [2212, 2112] * 3
    assert products["energy_MeV"].tolist() == [28.762, 5.9897] * 3
    assert products["weight"].tolist() == [1.0, 0.5] * 3
    # The hits are those of the file without truth.
    plain = parsed(f"{HEADER}{NEUTRON}\n{GAMMA}\n{NEUTRON}\n")
    pd.testing.assert_frame_equal(records.hits, plain.hits)


def test_a_reaction_without_projectile(parsed) -> None:
    records = parsed(f"{NEUTRON}\n{REACTION.splitlines()[0]}\n")
    assert records.reactions["projectile_kf"].tolist() == [0]
    assert records.reactions["projectile_energy_MeV"].isna().all()
    assert problems(records) == []


def test_comments_blank_lines_and_line_ends(parsed) -> None:
    lines = ["# x", "", NEUTRON, "   ", "!ne 0 1 2 3 4 ; 1 1 1 1 1 1", "  " + GAMMA, "\t# end"]
    plain = parsed("\n".join(lines))
    assert plain.hits["event_id"].tolist() == [0, 0, 1, 1, 1]
    for text in ("\n".join(lines) + "\n", "\r\n".join(lines), "\r\n".join(lines) + "\r\n"):
        other = parsed(text)
        pd.testing.assert_frame_equal(other.hits, plain.hits)
        assert problems(other) == []


@pytest.mark.parametrize("tail", ["", " ", ",", " , ", ",\r", " ,\t"])
def test_a_trailing_comma_is_no_hit(parsed, tail: str) -> None:
    records = parsed(event() + tail + "\n")
    assert len(records.hits) == 2
    assert problems(records) == []


def test_numbers_of_fortran(parsed) -> None:
    records = parsed(event("ne", "7 1.0D-01 1.0-105 -2.5+009 .5 1.D1", "8 2 1 2 3 1.0d+01"))
    hits = records.hits
    assert hits["light_MeVee"].tolist() == [0.1, 2.0]
    assert hits["x_cm"].tolist() == [1e-105, 1.0]
    assert hits["y_cm"].tolist() == [-2.5e9, 2.0]
    assert hits["z_cm"].tolist() == [0.5, 3.0]
    assert hits["t_ns"].tolist() == [10.0, 10.0]


def test_positions_in_mm_and_times_in_ps(parsed) -> None:
    how = ReaderSettings(input_format="phits_usrdef", cm_per_position_unit=0.1, time_units="ps")
    text = f"{event('ne', '7 1.0 10 -20 30 4000', '8 2.0 1 2 3 500')}\n{REACTION}\n"
    records = parsed(text, how)
    first = records.hits.iloc[0]
    assert (first["x_cm"], first["y_cm"], first["z_cm"]) == pytest.approx((1.0, -2.0, 3.0))
    assert first["t_ns"] == pytest.approx(4.0)
    assert records.hits["light_MeVee"].tolist() == [1.0, 2.0]
    truth = records.reactions.iloc[0]
    assert (truth["x_cm"], truth["z_cm"]) == pytest.approx((-0.36192, 0.034674))


CLOSED = "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4.5 , 8 1.0 1 2 3 2.1872E+01 ,"


@pytest.mark.parametrize("n_cut", range(1, 9))
def test_a_number_cut_in_two_is_no_number(parsed, n_cut: int) -> None:
    """``2.1872E+0`` and ``2.18`` are numbers, but not the one that was written."""
    text = f"{CLOSED}\n{CLOSED}\n{CLOSED}"
    records = parsed(text[:-n_cut])
    assert problems(records) == [("cut_off", 3, 1)]
    assert records.raw_event_ids.tolist() == [0, 1]


@pytest.mark.parametrize("end", ["", "\n", " \r\n", "\n\n"])
def test_a_file_that_ends_with_a_whole_line(parsed, end: str) -> None:
    assert len(parsed(f"{CLOSED}\n{CLOSED}{end}").raw_event_ids) == 2
    # A file that closes no line is read as it is.
    bare = CLOSED.removesuffix(" ,")
    assert len(parsed(f"{bare}\n{bare}{end}").raw_event_ids) == 2


@pytest.mark.parametrize("n_lines", [1, 20])
def test_a_hole_of_zero_bytes_is_not_one_damaged_line(parsed, n_lines: int) -> None:
    line = f"{CLOSED}\n"
    hole = "\0" * (n_lines * len(line) - 7)
    with pytest.raises(InputError, match=rf"{len(hole):,} zero bytes .* at byte {len(line) + 3}:"):
        parsed(f"{line}{line[:3]}{hole}{line[-4:]}{line}")


def test_a_last_line_that_is_no_event_is_not_cut_off(parsed) -> None:
    assert problems(parsed(f"{CLOSED}\n{CLOSED}\n! the end")) == []


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("bad_number", "ne 0 1 2 3 4 ; 7 abc 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4x , 8 1 1 1 1 1"),
        ("bad_number", "ne 0 1 2 3 4 ; 7.5 1.0 1 2 3 4"),
        ("out_of_range", "ne 0 1 2 3 4 ; 9999999999 1.0 1 2 3 4"),
        # Beyond 2^53 a number is not known to the last digit.
        ("bad_number", "ne 0 1 9007199254740993 3 4 ; 7 1.0 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 4 ; 7 ********** 1 2 3 4"),
        ("bad_number", "ne 0 1 x 3 4 ; 7 1.0 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 4 5 ; 7 1.0 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 ; 7 1.0 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 5 , 8 1 1 1 1 1"),
        ("bad_number", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , , 8 1 1 1 1 1"),
        ("truncated_hit", "ne 0 1 2 3 4 ; 7 1.0 1 2 3"),
        ("truncated_hit", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8"),
        ("truncated_hit", "ne 0 1 2 3 4 ; 7 1.0 1 2 , 8 1 1 1 1 1"),
        ("truncated_hit", "ne 0 1 2 3 4"),
        ("truncated_hit", "ne 0 1 2"),
        ("truncated_hit", "ne "),
        ("no_hits", "ne 0 1 2 3 4 ;"),
        ("no_hits", "ge 0 1 2 3 4 ;  \r"),
        ("not_finite", "ne 0 1 2 3 4 ; 7 1.0 NaN 2 3 4"),
        ("not_finite", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8 1 1 1 1 -inf"),
        ("not_finite", "ne 0 1 2 3 4 ; 7 1.0+999 1 2 3 4"),
        ("not_finite", "ne 0 1 2 3 4 ; 7 nan 1 2 3 4"),
        ("bad_number", "ne 0 1 2 3 4 ; 7 1.0 1 -36.192-16 3 4"),
        ("out_of_range", "ne 0 1 2 3 4 ; 7 1.0 1e300 2 3 4 , 8 1 1 1 1 1"),
        ("out_of_range", "ne 0 1 2 3 4 ; 7 1.0 1 2 3 -2e30 , 8 1 1 1 1 1"),
        ("too_many_hits", "ne 0 1 2 3 4 ; " + " , ".join(["7 1.0 1 2 3 4"] * 32768)),
        ("negative_light", "ge 0 1 2 3 4 ; 7 1 1 1 1 1 , 7 -1.0E-9 1 2 3 4"),
        ("unknown_line", "neutron 0 1 2 3 4 ; 7 1.0 1 2 3 4"),
        ("unknown_line", "Traceback (most recent call last):"),
        ("unknown_line", "ne"),
    ],
)
def test_damage_is_named_with_its_line_and_leaves_no_hit(parsed, kind: str, line: str) -> None:
    records = parsed(f"! head\n{event()}\n\n{line}\n{event('ge')}\n")
    assert problems(records) == [(kind, 4, 1)]
    is_event = line[:3] in ("ne ", "ge ")
    # The damaged event keeps its number in the file.
    ids = [0, 2] if is_event else [0, 1]
    assert records.raw_event_ids.tolist() == ids
    assert records.hits["event_id"].tolist() == [ids[0]] * 2 + [ids[1]] * 2
    assert records.hits["hit_in_event"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "line",
    [
        "rx 14 6 6 4 0 4 37471 2 3 200 -3.6 1.6",
        "rx 14 6 6 4 0 4 37471 2 3 -3.6 1.6 0.3",
        "rx 14 6 x 4 0 4 37471 2 3 200 -3.6 1.6 0.3",
        "In 2112 5.3",
        "In 2112 5.3 1.0 , 22 1.0 1.0",
        "Out 2212 2.8 1.0 , 2112",
        "Out 2212 2.8 1.0 2112 5.9 1.0",
    ],
)
def test_a_bad_reaction_line_leaves_the_event(parsed, line: str) -> None:
    records = parsed(f"{NEUTRON}\n{REACTION}\n{line}\n{GAMMA}\n")
    assert problems(records) == [("bad_reaction", 5, 1)]
    assert records.raw_event_ids.tolist() == [0, 1]
    assert len(records.hits) == 5
    # The whole reaction before it is as it was.
    assert records.reactions["projectile_energy_MeV"].tolist() == [53.682]
    assert records.products["kf"].tolist() == [2212, 2112]


def test_the_particles_of_a_bad_reaction_are_given_to_no_other(parsed) -> None:
    bad = "rx 14 6 x 4 0 4 37471 2 3 200 -3.6 1.6 0.3\n In 22 1.0 1.0\n Out 11 0.5 1.0"
    records = parsed(f"{NEUTRON}\n{REACTION}\n{bad}\n{REACTION}\n")
    assert problems(records) == [("bad_reaction", 5, 1)]
    assert records.reactions["projectile_kf"].tolist() == [2112, 2112]
    assert records.products["kf"].tolist() == [2212, 2112] * 2
    assert records.products["reaction_in_event"].tolist() == [0, 0, 1, 1]


def test_particles_without_a_reaction_are_damage(parsed) -> None:
    records = parsed(f"{NEUTRON}\n In 22 1.0 1.0\n Out 11 0.5 1.0\n")
    assert problems(records) == [("bad_reaction", 2, 1), ("bad_reaction", 3, 1)]
    assert len(records.products) == 0


def test_the_truth_of_a_damaged_event_goes_with_it(parsed) -> None:
    records = parsed(f"{event()}\nne 0 1 2 3 4 ; 7 1.0\n{REACTION}\n{event()}\n{REACTION}\n")
    assert problems(records) == [("truncated_hit", 2, 1)]
    assert records.reactions["event_id"].tolist() == [2]
    assert records.products["event_id"].tolist() == [2, 2]


def test_many_faults_are_counted_all_and_shown_to_a_hundred(parsed) -> None:
    text = f"{event()}\n" + "ne 0 1 2 3 4 ;\n" * 130 + "bad line\n" * 2
    records = parsed(text)
    found = records.problems
    empty = found[found["kind"] == "no_hits"]
    assert len(empty) == 100
    assert empty["line_or_entry"].tolist() == list(range(2, 102))
    assert empty["count"].tolist() == [1] * 99 + [31]
    assert problems(records)[-2:] == [("unknown_line", 132, 1), ("unknown_line", 133, 1)]
    assert records.n_damaged_records == 132
    assert records.raw_event_ids.tolist() == [0]


def test_only_damaged_events(parsed) -> None:
    ranges, records = parsed("ne 0 1\nge \n", every=1)
    assert [(r.first_event, r.n_events) for r in ranges] == [(0, 1), (1, 1)]
    assert [len(r.hits) for r in records] == [0, 0]
    assert [r.n_raw_events for r in records] == [0, 0]
    assert [problems(r)[0][1] for r in records] == [1, 2]


def test_short_damaged_lines_have_room(parsed) -> None:
    ranges, records = parsed("ne \n" * 40, every=1)
    assert [r.first_line for r in ranges] == list(range(1, 41))
    assert sum(r.n_damaged_records for r in records) == 40


@pytest.mark.parametrize("text", ["", "! only\n# comments\n\n", "\n", "what is this\n", "rx 1 2\n"])
def test_a_file_without_event_lines_has_no_range(tmp_path: Path, text: str) -> None:
    path = tmp_path / "none.out"
    path.write_text(text)
    assert event_ranges(path, 10, CM_NS) == []


def test_ranges_of_whole_events(parsed) -> None:
    text = f"{HEADER}{NEUTRON}\n{REACTION}\n\n{GAMMA}\n{NEUTRON}\n{REACTION}\n! end\n"
    ranges, records = parsed(text, every=2)
    assert ranges == [
        EventRange(0, 2, 0, text.index(f"{NEUTRON}\n{REACTION}\n! end"), 1),
        EventRange(2, 1, text.index(f"{NEUTRON}\n{REACTION}\n! end"), len(text), 10),
    ]
    assert [r.raw_event_ids.tolist() for r in records] == [[0, 1], [2]]
    assert records[1].hits["event_id"].tolist() == [2, 2]
    assert records[1].reactions["event_id"].tolist() == [2]


@pytest.mark.parametrize(("block", "tail"), [(64, 8), (97, 97), (1 << 22, 1 << 16)])
def test_blocks_do_not_matter_to_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, tail: int
) -> None:
    """Lines longer than a block, and line ends farther back than the tail that is looked at."""
    lines = ["!", event("ne"), "", event("ge", *["7 1.0 1 2 3 4"] * 20), event("ne"), "rx", "!"] * 3
    path = tmp_path / "events.out"
    path.write_text("\n".join(lines))
    begin = [k for k, line in enumerate(lines) if line[:2] in ("ne", "ge")]
    monkeypatch.setattr(text_bytes, "_BLOCK_BYTES", block)
    monkeypatch.setattr(text_bytes, "TAIL_BYTES", tail)
    found = event_ranges(path, 2, CM_NS)
    assert [(r.first_event, r.n_events) for r in found] == [(0, 2), (2, 2), (4, 2), (6, 2), (8, 1)]
    # Of the first range all that is before the first event; of the others, their first line.
    starts = [0, *(len("\n".join(lines[:k])) + 1 for k in begin[2::2])]
    assert [r.first_byte for r in found] == starts
    assert [r.last_byte for r in found] == [*starts[1:], path.stat().st_size]
    assert [r.first_line for r in found] == [1, *(k + 1 for k in begin[2::2])]


def test_a_file_that_lacks_its_last_byte_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.out"
    path.write_text(event() + "\n")
    (whole,) = event_ranges(path, 10, CM_NS)
    longer = replace(whole, last_byte=whole.last_byte + 1)
    with pytest.raises(InputError, match="has become shorter while it was read"):
        read(file_ref(path), longer, CM_NS)


def test_zero_bytes_are_named_by_their_place_in_the_file(parsed) -> None:
    text = f"{event()}\n{event()}\n{event()} \0\n"
    with pytest.raises(InputError, match=f"the first at byte {text.index(chr(0)):,}:"):
        parsed(text, every=1)


def test_the_greatest_region_is_that_of_four_bytes(parsed) -> None:
    largest, beyond = ("7 1.0 1 2 3 4", f"{2**31 - 1} 1 1 2 3 4"), (f"{2**31} 1 1 2 3 4",)
    records = parsed(f"{event('ne', *largest)}\n{event('ne', *beyond)}\n")
    assert records.hits["det_id"].tolist() == [7, 2**31 - 1]
    assert problems(records) == [("out_of_range", 2, 1)]


@pytest.mark.parametrize("end", [",", " , ", ",\t"])
def test_a_last_line_closed_as_the_first_is_whole(parsed, end: str) -> None:
    """Blanks after the comma that closes an event line are no sign of a cut."""
    records = parsed(f"{event()} ,\n  {event()} {end}")
    assert problems(records) == []
    assert records.hits["event_id"].tolist() == [0, 0, 1, 1]


def test_a_first_line_after_blanks_says_how_lines_are_closed(parsed) -> None:
    records = parsed(f"  {event()} ,\n{event()}")
    assert problems(records) == [("cut_off", 2, 1)]
    assert records.hits["event_id"].tolist() == [0, 0]


def test_a_hit_without_light_is_a_hit(parsed) -> None:
    records = parsed(event("ne", "7 0.0 1 2 3 4", "8 2.0 1 2 3 5") + "\n")
    assert records.hits["light_MeVee"].tolist() == [0.0, 2.0]
    assert problems(records) == []


def test_an_empty_range_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.out"
    path.write_text(f"{event()}\n")
    size = path.stat().st_size
    records = read(file_ref(path), EventRange(1, 0, size, size, 2), CM_NS)
    HITS_WITHOUT_MATERIAL.validate(records.hits, "hits")
    assert len(records.hits) == records.n_raw_events == records.n_damaged_records == 0


PIECES = [
    event(), event("ge", "7 1 1 1 1 1", "8 1 1 1 1 2", "9 1 1 1 1 3"), event("ne", "7 1 1 1 1 1"),
    f"{event()}\n{REACTION}", "", "! comment", "ne 0 1 2 3 4 ; 7 1.0", "ne 0 1", "what", "ne ",
    " " * 100 + event("ge"), "rx 1 2", "\rne 0 1 2 3 4 ; 7 1.0 2 3 4 5",
]  # fmt: skip


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_size_of_range_gives_the_same_records(parsed, pieces, every, line_end, closed) -> None:
    text = line_end.join("\n".join(pieces).split("\n")) + (line_end if closed else "")
    ranges, records = parsed(text, every=every)
    _, whole = parsed(text, every=10**6)
    n_events = sum(bool(re.match(r"[ \t\r]*[ng]e[ \t]", line)) for line in text.split("\n"))
    assert sum(r.n_events for r in ranges) == n_events
    if not whole:
        assert not ranges
        return
    expected = whole[0]
    for name in ("hits", "reactions", "products", "problems"):
        parts = [getattr(r, name).astype({"kind": str} if name == "problems" else {})
                 for r in records]  # fmt: skip
        one = getattr(expected, name)
        if name == "problems":
            keys = ["line_or_entry", "kind", "count"]
            joined = pd.concat(parts)[keys].sort_values(keys).to_numpy().tolist()
            assert joined == one.astype({"kind": str})[keys].sort_values(keys).to_numpy().tolist()
        else:
            pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), one)
    ids = np.concatenate([r.raw_event_ids for r in records])
    assert ids.tolist() == expected.raw_event_ids.tolist()
    # The ranges cover the file without a gap.
    assert [r.first_byte for r in ranges[1:]] == [r.last_byte for r in ranges[:-1]]
    assert (ranges[0].first_byte, ranges[-1].last_byte) == (0, len(text.encode()))
    # Every event is read whole or damaged.
    kinds = ("unknown_line", "bad_reaction")
    damaged = [count for kind, _, count in problems(expected) if kind not in kinds]
    assert len(ids) + sum(damaged) == n_events


def test_the_format_in_the_table_of_readers(tmp_path: Path) -> None:
    reader = READERS["phits_usrdef"]
    assert (reader.positions_in_mm, reader.record) == (False, "line")
    assert (reader.neutron_policy, reader.gamma_policy) == ("time_asc", "time_asc")
    path = tmp_path / "events.out"
    path.write_text(event())
    assert metadata(file_ref(path), CM_NS).values == {}


def test_frames_are_the_readers_own(parsed) -> None:
    hits = parsed(f"{NEUTRON}\n").hits
    assert not np.shares_memory(hits["light_MeVee"].to_numpy(), hits["x_cm"].to_numpy())


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_find_what_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(usrdef_columns, "_FEWEST_BYTES", 1)
    event = "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8 2.0 1 2 3 5 ,\n"
    truth = "rx 14 6 6 4 0 4 37471 2 3 200 -3.6 1.6E1 3.4E-01\n In 2112 5.3E+01 1.0\n"
    bad = "ne 0 1 2 3 4 ; 7 -1.0 1 2 3 4\n"
    path = tmp_path / "a.out"
    path.write_text("! head\n" + (event + truth + " Out 2212 2.8 1.0\n" + bad + "odd\n") * 150)
    everything = event_ranges(path, 10**6, CM_NS)[0]
    (_, second) = event_ranges(path, 200, CM_NS)
    ref = file_ref(path)
    for events in (everything, second):
        one, several = (read(ref, events, CM_NS, n) for n in (1, threads))
        for name in ("hits", "reactions", "products", "problems"):
            pd.testing.assert_frame_equal(getattr(several, name), getattr(one, name))
        assert several.raw_event_ids.tolist() == one.raw_event_ids.tolist()
        assert several.n_damaged_records == one.n_damaged_records
    assert one.n_damaged_records == 100


def test_as_many_hits_as_can_be_numbered_are_read(parsed) -> None:
    records = parsed(event("ne", *["7 1.0 1 2 3 4"] * 32767))
    assert records.hits["hit_in_event"].tolist() == list(range(32767))
    assert problems(records) == []


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff  "])
def test_a_byte_order_mark_costs_no_event(parsed, mark: str) -> None:
    text = f"{CLOSED}\n{CLOSED}\n{CLOSED}\n"
    plain = parsed(text)
    found = parsed((mark + text).encode("utf-8"))
    pd.testing.assert_frame_equal(found.hits, plain.hits)
    assert problems(found) == []
    assert problems(parsed((mark + text[:-4]).encode("utf-8"))) == [("cut_off", 3, 1)]


@pytest.mark.parametrize("place", range(10))
def test_a_reaction_is_read_with_its_own_numbers_or_not_at_all(parsed, place: int) -> None:
    """A number beyond four bytes is no other number; history and particle may be longer."""
    numbers = REACTION.split()[1:11]
    numbers[place] = str(2**32 + 5)
    head, _, rest = REACTION.partition("200 ")
    records = parsed(f"{event()}\nrx {' '.join(numbers)} {rest}\n")
    assert head
    if 5 <= place <= 8:
        assert problems(records) == []
        assert len(records.reactions) == 1
    else:
        assert [kind for kind, _, _ in problems(records)] == ["bad_reaction"]
        assert len(records.reactions) == 0


COMMAS = "ne 0 1 2 3 4 ; 7 1,5 1,0 2 3 4 , 8 2,0 1 2 3 5 ,"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (COMMAS, "Line 2 has decimal commas (1,5), and a comma ends a hit."),
        ("ne 0 1 2 3 4 ; 7 1,5 1 2 3 4", "Line 2 has decimal commas"),
        ("ne 0 1 2 3 4 ; 7 1.0 1 2 3 4,8 2.0 1 2 3", ""),
        ("ne 0 1 2 3 4 ; 7 1.0 1 2 3 , 8 2.0 1 2 3", ""),
        ("ne 0 1 2 3 4 ; 7 1,5 abc 2 3 4", ""),
    ],
)
def test_decimal_commas_explain_a_line_that_points_would_mend(
    tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "a.out"
    path.write_text(f"! head\n{line}\n")
    assert READERS["phits_usrdef"].explanation(path, 2, CM_NS).startswith(said)
    assert bool(READERS["phits_usrdef"].explanation(path, 2, CM_NS)) == bool(said)


def test_commas_without_blanks_end_hits(parsed) -> None:
    """A file may do without blanks around its commas: nothing of it is a decimal comma."""
    plain = parsed(event("ne", "7 1.0 1 2 3 4", "8 2.0 1 2 3 5") + "\n")
    found = parsed("ne 0 1 2 3 4 ; 7 1.0 1 2 3 4,8 2.0 1 2 3 5\n")
    pd.testing.assert_frame_equal(found.hits, plain.hits)
    assert problems(found) == []


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_compressed_text_is_read_as_the_text_is(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranges are those of the text: bytes and lines count what is unpacked."""
    monkeypatch.setattr(text_bytes, "_BLOCK_BYTES", 64)
    text = HEADER + f"{NEUTRON}\n{REACTION}\n{GAMMA} ,\n" * 4 + f"{NEUTRON[:-9]}"
    plain, packed = tmp_path / "a.out", tmp_path / "a.out.packed"
    plain.write_text(text)
    packed.write_bytes(pack(text.encode()))
    ranges = event_ranges(plain, 3, CM_NS)
    assert event_ranges(packed, 3, CM_NS) == ranges
    assert len(ranges) == 3
    for found in ranges:
        expected = read(file_ref(plain), found, CM_NS, 2)
        records = read(file_ref(packed), found, CM_NS, 2)
        pd.testing.assert_frame_equal(records.hits, expected.hits)
        pd.testing.assert_frame_equal(records.reactions, expected.reactions)
        assert problems(records) == problems(expected)
    assert problems(records) == [("cut_off", 24, 1)]


def test_compressed_text_that_is_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.out.gz"
    content = "".join(f"{event('ne', f'7 {k}.5 1 2 3 4')}\n" for k in range(2000))
    path.write_bytes(gzip.compress(content.encode())[:-400])
    with pytest.raises(InputError, match=r"cannot be unpacked to its end .* Copy it again"):
        event_ranges(path, 10, CM_NS)
