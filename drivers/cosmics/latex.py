"""Texts as LaTeX: every sign of it escaped, no letter that pdflatex has none of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

_SIGNS: Final = {
    "%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "<": r"$<$", ">": r"$>$", "$": r"\$",
    "{": r"\{", "}": r"\}", "\\": r"\textbackslash{}", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
    "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "→": r"$\to$", "≤": r"$\le$",
    "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$", "∞": r"$\infty$", "∈": r"$\in$",
    "√": r"$\surd$", "µ": r"$\mu$", "ε": r"$\epsilon$", "ϑ": r"$\vartheta$", "ϕ": r"$\varphi$",
    "°": r"$^\circ$", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'",
}  # fmt: skip
# Those with a command, which has the name of the letter.
_GREEK: Final = frozenset("αβγδζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ")


def latex_of(text: str) -> str:
    """A text as LaTeX prints it, in one line and with ASCII alone.

    Accents are left out; a sign that pdflatex has no letter for stands as [U+4E2D].
    """
    made = "".join(_signs(" ".join(text.split())))
    # Two hyphens would be printed as a dash; a row may not begin with what \\ takes for its own.
    made = made.replace("--", "-{}-").replace("--", "-{}-")
    return f"{{}}{made}" if made[:1] in ("[", "*") else made


def _signs(text: str) -> Iterator[str]:
    for sign in text:
        if sign in _SIGNS:
            yield _SIGNS[sign]
        elif sign.isascii() and sign.isprintable():
            yield sign
        else:
            yield _letter(sign)


def _letter(sign: str) -> str:
    if sign in _GREEK:
        name = unicodedata.name(sign).split()[-1].lower().replace("lamda", "lambda")
        return rf"$\{name if sign.islower() else name.capitalize()}$"
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return plain if len(plain) == 1 and plain.isalnum() else f"[U+{ord(sign):04X}]"


def picture(file: str, options: str) -> str:
    r"""\includegraphics of a file, whose name may hold signs of LaTeX."""
    codes = "".join(rf"\catcode`\{sign}=12" for sign in "%#~" if sign in file)
    shown = rf"\includegraphics[{options}]{{{file}}}"
    return rf"{{{codes} {shown}}}" if codes else shown
