"""The scanner of PHITS text: numbers against ``float``, compiled against plain Python."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from radiograph.nodes.imaging.kernels import text_numbers
from radiograph.nodes.imaging.kernels import usrdef_text as kernel


def bytes_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def number(text: str) -> tuple[bool, float, int]:
    data = bytes_of(text)
    return text_numbers.read_number(data, 0, len(data))


def plain_number(text: str) -> tuple[bool, float, int]:
    data = bytes_of(text)
    with np.errstate(over="ignore", invalid="ignore"):
        read, value, at = text_numbers.read_number.py_func(data, 0, len(data))
    return bool(read), float(value), at


@st.composite
def tokens(draw, max_digits: int = 25, max_exponent: int = 330) -> tuple[str, str]:
    """(token as PHITS may write it, the same for ``float``)."""
    digits = draw(st.text("0123456789", min_size=1, max_size=max_digits))
    point = draw(st.integers(0, len(digits)) | st.none())
    mantissa = draw(st.sampled_from(["", "-", "+"])) + (
        digits if point is None else f"{digits[:point]}.{digits[point:]}"
    )
    if draw(st.booleans()):
        return mantissa, mantissa
    power = draw(st.integers(-max_exponent, max_exponent))
    letter = draw(st.sampled_from("eEdD"))
    shown = str(power) if power < 0 else draw(st.sampled_from(["", "+"])) + str(power)
    if abs(power) >= 100 and draw(st.booleans()):
        letter, shown = "", f"{power:+d}"
    return f"{mantissa}{letter}{shown}", f"{mantissa}e{power}"


def written_digits(token: str) -> int:
    mantissa = re.split("[eEdD]", token)[0].lstrip("+-").replace(".", "")
    return len(mantissa.lstrip("0"))


@given(tokens())
@example(("1.2345678901234567e300", "1.2345678901234567e300"))
@example(("123456789012345678e290", "123456789012345678e290"))
@example(("1.5e308", "1.5e308"))
@example(("9e999", "9e999"))
@example(("1e-400", "1e-400"))
@example(("0e5000", "0e5000"))
@example(("1.5e-305", "1.5e-305"))
@example(("2.250738585072014e-308", "2.250738585072014e-308"))
# Nineteen nines do not fit into eight bytes.
@example(("999.9999999999999999", "999.9999999999999999"))
@example(("2800000000000000100000000e300", "2800000000000000100000000e300"))
def test_numbers_are_those_of_float_within_one_ulp(token) -> None:
    text, usual = token
    read, value, at = number(text)
    expected = float(usual)
    assert read
    assert at == len(text)
    if abs(expected) < 1.7e308:
        # Below the normal numbers a digit is no longer worth a constant share.
        assert abs(value - expected) <= np.spacing(max(abs(expected), 2.3e-308))
    else:
        assert value == pytest.approx(expected, rel=1e-15) or math.isinf(value)
    assert math.copysign(1, value) == math.copysign(1, expected)


@given(tokens(max_digits=15, max_exponent=22))
@example(("8.8618E-01", "8.8618E-01"))
@example(("1.23456789012345E-22", "1.23456789012345E-22"))
def test_short_numbers_are_exactly_those_of_float(token) -> None:
    text, usual = token
    assert written_digits(usual) <= 15
    assert number(text)[1] == float(usual)


@given(st.floats(1e-250, 1e250).map(lambda x: -x) | st.floats(1e-250, 1e250), st.integers(1, 17))
def test_written_floats_come_back(value: float, digits: int) -> None:
    text = f"{value:.{digits - 1}E}"
    found = number(text)[1]
    assert abs(found - float(text)) <= np.spacing(abs(value))
    if digits <= 15:
        assert found == float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Fortran writes D exponents, and drops the letter before three digits.
        ("1.0D-05", 1e-5), ("1.0d+05", 1e5), ("1.0-105", 1e-105), ("-2.5+123", -2.5e123),
        ("1.", 1.0), (".5", 0.5), ("-.5E1", -5.0), ("+3", 3.0), ("007", 7.0), ("-0.0", -0.0),
        ("  4.5", 4.5), ("\t4.5", 4.5),
    ],
)  # fmt: skip
def test_forms_of_fortran(text: str, value: float) -> None:
    read, found, at = number(text)
    assert read
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)
    assert at == len(text)


@pytest.mark.parametrize("end", [" 2", "\t2", "\r", ",2", ";2", ""])
def test_what_ends_a_number(end: str) -> None:
    assert number("12.5" + end) == (True, 12.5, 4)


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "+", ".", "-.", "abc", "none", "E5", "1.2.3", "1E", "1E+", "1.0F5",
     "1.0-", "1E5x", "0x10", "1_000", "--1", "1-", "**********", "na", "in", "12a",
     "-36.192-16", "1.0+5", "1.0-0001"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    assert not number(text)[0]
    assert not plain_number(text)[0]


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "inf", "Inf", "-INF", "Infinity", "+inf"])
def test_words_for_not_a_number(text: str) -> None:
    read, value, at = number(text)
    assert read
    assert math.isnan(value)
    assert at == len(text)


@given(st.text("0123456789.+-eEdDnaif ,;\t\r", max_size=12))
@example("1;0000000")
def test_reading_is_that_of_the_plain_form(text: str) -> None:
    assert [repr(x) for x in number(text)] == [repr(x) for x in plain_number(text)]


@given(st.text("0123456789.+-eEdD", min_size=1, max_size=10))
def test_what_float_reads_is_read_and_the_other_way(text: str) -> None:
    fortran = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+|[+-]\d{3})?", text)
    read, value, _ = number(text)
    assert read == (fortran is not None)
    if read:
        usual = re.sub(r"(?<=[\d.])([+-])", r"e\1", re.sub("[dD]", "e", text))
        assert value == pytest.approx(float(usual), rel=1e-15)


@given(st.integers(0, 10**18 - 1), st.integers(-330, 330))
def test_scaling_is_that_of_the_plain_form(mantissa: int, exponent: int) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        plain = text_numbers._scaled.py_func(np.int64(mantissa), exponent)
    assert text_numbers._scaled(mantissa, exponent) == plain


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", 0), ("   ", 0), ("\r", 0), ("\t \r", 0), ("! ne 1", 0), ("# x", 0), ("  !", 0),
        ("ne 0", 1), ("  ne\t0", 1), ("ge 0", 2), ("\rne 0", 1), ("rx 14", 3), (" In 2112", 4),
        ("  Out 22", 5), ("\tOut\t22", 5), ("ne", -1), ("neutron 1", -1), ("xe 1", -1),
        ("In", -1), ("Out", -1), ("12 3", -1), ("NE 1", -1),
    ],
)  # fmt: skip
def test_kinds_of_lines(line: str, kind: int) -> None:
    data = bytes_of(line)
    assert kernel.line_kind(data, 0, len(data)) == kind
    assert kernel.line_kind.py_func(data, 0, len(data)) == kind


LINES = [
    "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8 2.0 1 2 3 5 ,",
    "ge 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8 2.0 1 2 3 5 , 9 1 1 1 1 1",
    "ne 0 1 2 3 4 ; 7 1.0 1 2 3",
    "ne 0 1",
    "ne ",
    "ge 0 1 2 3 4 ; 7 -1.0 1 2 3 4",
    "rx 14 6 6 4 0 4 37471 2 3 200 -3.6 1.6E1 3.4E-01",
    "rx 14 6",
    "  In 2112 5.3E+01 1.0",
    "  In 2112",
    " Out 2212 2.8 1.0 , 2112 5.9 1.0",
    "! comment, r",
    "what is this, r",
    "",
    " " * 80 + "ne 0 1 2 3 4 ; 7 1.0 1 2 3 4",
]
texts = st.lists(st.sampled_from(LINES), max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(lines))
)


def scanned(form, bounds, text: str, cut_off: bool) -> list:
    data = bytes_of(text)
    n_hits, n_reactions, n_products = bounds(data)
    n_events = sum(line.split()[:1] in (["ne"], ["ge"]) for line in text.split("\n"))
    columns = [
        np.full(n_hits, -9, np.int64), np.full(n_hits, -9, np.int16),
        np.full(n_hits, -9, np.int8), np.full(n_hits, -9, np.int32), np.full((5, n_hits), -9.0),
        np.zeros(n_events, np.bool_),
        np.full(n_reactions, -9, np.int64), np.full(n_reactions, -9, np.int32),
        np.full((11, n_reactions), -9, np.int64), np.full((4, n_reactions), -9.0),
        np.full(n_products, -9, np.int64), np.full(n_products, -9, np.int32),
        np.full(n_products, -9, np.int64), np.full((2, n_products), -9.0),
    ]  # fmt: skip
    counts = np.zeros(kernel.N_KINDS, np.int64)
    lines = np.zeros((kernel.N_KINDS, kernel.SHOWN_PER_KIND), np.int64)
    sizes = form(data, 1, 40, 0.1, 1e9, cut_off, *columns, counts, lines)
    assert sizes[0] == n_events
    events, hits, reactions, products, lines_read = sizes
    assert lines_read == len(text.split("\n")) - (text == "" or text.endswith("\n"))
    used = [hits] * 5 + [events] + [reactions] * 4 + [products] * 4
    kept = [c[..., :n].tolist() for c, n in zip(columns, used, strict=True)]
    return [[int(size) for size in sizes], *kept, counts.tolist(), lines.tolist()]


@given(texts, st.booleans())
@example("\n".join(LINES), False)
def test_scanning_is_that_of_the_plain_form(text: str, cut_off: bool) -> None:
    compiled = scanned(kernel.scan_usrdef, kernel.upper_bounds, text, cut_off)
    plain = scanned(kernel.scan_usrdef.py_func, kernel.upper_bounds.py_func, text, cut_off)
    assert repr(compiled) == repr(plain)


@given(texts, st.integers(1, 4))
@example("\r" + LINES[0], 1)
@example("\n".join(LINES), 1)
def test_event_starts_are_those_of_the_lines(text: str, every: int) -> None:
    data = bytes_of(text)
    starts, at = [], 0
    for number_, line in enumerate(text.split("\n"), start=1):
        if re.match(r"[ \t\r]*[ng]e[ \t]", line):
            starts.append((at, number_))
        at += len(line) + 1
    room = len(starts) + 1
    for form in (kernel.event_starts, kernel.event_starts.py_func):
        byte, line = np.full(room, -1), np.full(room, -1)
        events, _ = form(data, every, 0, 1, 0, byte, line)
        assert events == len(starts)
        found = list(zip(byte.tolist(), line.tolist(), strict=True))
        expected = starts[::every]
        assert found[: len(expected)] == expected
        assert found[len(expected) :] == [(-1, -1)] * (room - len(expected))
