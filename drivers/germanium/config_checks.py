"""Settings of germanium that cannot be together, or need what is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ...schemas.germanium.config import GermaniumConfig
from ..definition import Fault


def faults(config: GermaniumConfig, _folder: Path, skip: frozenset[str]) -> Iterator[Fault]:
    """Problems of a config; sections in ``skip`` are known to be wrong already."""
    if "output" not in skip:
        yield from _of_formats(config, skip)
    if "germanium" in skip:
        return
    settings = config.germanium
    if settings.svm_path and not settings.parameters_path and find_spec("sklearn") is None:
        text = "svm_path: training an SVM needs scikit-learn: pip install 'radiograph[svm]'"
        yield Fault("germanium", text, ("germanium.svm_path",))


def _of_formats(config: GermaniumConfig, skip: frozenset[str]) -> Iterator[Fault]:
    formats = config.output.formats
    if "parquet" in formats and find_spec("pyarrow") is None:
        text = "formats: parquet needs pyarrow: pip install 'radiograph[parquet]'"
        yield Fault("output", text, ("output.formats",))
    if formats and "germanium" not in skip and "hit" not in config.germanium.tiers:
        text = (
            f"formats = {list(formats)} are of the hit tier, which [germanium] tiers = "
            f'{list(config.germanium.tiers)} leaves out; add "hit" there, or set formats = []'
        )
        yield Fault("output", text, ("output.formats",))
