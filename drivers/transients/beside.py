"""What is written beside the file of a run, made from that file alone: tables, figures, a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ...nodes.transients.pictures import run_pictures
from ...schemas.transients.config import TransientsConfig
from ..config import LoadedConfig
from ..files import replaced_file
from .page import write_page
from .stored import read_run
from .tables import write_csv_tables, write_parquet_table

_PICTURES: Final = (
    "map_amplitude",
    "map_decay",
    "map_half_life",
    "cross_sections",
    "gallery",
    "baselines",
    "amplitude_decay",
    "quality_counts",
    "scores",
    "detection",
)
_WITH_TABLES: Final = ("features", "outliers", "maps")


def _table_paths(config: TransientsConfig, out: Path) -> dict[str, Path]:
    if config.pipeline.until not in _WITH_TABLES:
        return {}
    paths: dict[str, Path] = {}
    if "csv" in config.output.formats:
        paths |= {"usable": out.with_suffix(".csv"), "all": out.with_name(f"{out.stem}_all.csv")}
    if "parquet" in config.output.formats:
        paths["parquet"] = out.with_suffix(".parquet")
    return paths


def _picture_path(out: Path, name: str) -> Path:
    return out.with_name(f"{out.stem}_{name}.png")


def beside_paths(
    loaded: LoadedConfig[TransientsConfig], out: Path, targets: Sequence[str]
) -> list[Path]:
    """Every file that a run may write beside its own."""
    if targets:
        return []
    config = loaded.config
    found = list(_table_paths(config, out).values())
    if config.output.figures:
        found += [_picture_path(out, name) for name in _PICTURES]
    return [*found, out.with_suffix(".html")] if config.output.report else found


def write_beside(loaded: LoadedConfig[Any], out: Path) -> list[Path]:
    """Write tables, pictures and page of a run's file, as the settings ask for; their names."""
    config: TransientsConfig = loaded.config
    run = read_run(out)
    paths = _table_paths(config, out)
    written: list[Path] = []
    if run.features is not None and "usable" in paths:
        write_csv_tables(run, paths["usable"], paths["all"])
        written += [paths["usable"], paths["all"]]
    if run.features is not None and "parquet" in paths:
        write_parquet_table(run, paths["parquet"])
        written.append(paths["parquet"])
    needs_pictures = config.output.figures or config.output.report
    pictures = dict(run_pictures(run)) if needs_pictures else {}
    if config.output.figures:
        for name, content in pictures.items():
            path = _picture_path(out, name)
            with replaced_file(path) as temporary:
                temporary.write_bytes(content)
            written.append(path)
    if config.output.report:
        page = out.with_suffix(".html")
        write_page(out, run, pictures, page)
        written.append(page)
    return written
