"""What came of making a run again and comparing its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verification:
    """What came of the comparison.

    Attributes
    ----------
    compared
        How many datasets both files have.
    differing, missing, added
        Datasets with another content; those that the new run does not give, or gives beside.
    versions
        Libraries whose version is another one now, with both.
    """

    file: str
    compared: int
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    seconds: float
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether every dataset is equal."""
        return not (self.differing or self.missing or self.added)

    def as_json(self) -> dict[str, Any]:
        """The verification as plain values."""
        return {**vars(self), "equal": self.equal}
