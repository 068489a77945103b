"""Where a run writes: the HDF5 file and the figures, and whether it may."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...schemas.imaging.config import ImagingConfig
from ..config import LoadedConfig, resolved_path
from ..files import check_new_files
from ..files_of_settings import files_of_settings
from .reconstruction_output import compares

_COMPARISON: Final = "comparison"
_FIGURES: Final = ("n", "g", "all", _COMPARISON)


def check_outputs(
    loaded: LoadedConfig, sources: Sequence[Path], out: Path, *, overwrite: bool, figures: bool
) -> None:
    """UsageError if a file cannot be written, or would replace another without consent."""
    read = (*sources, *files_of_settings(loaded))
    paths = [out]
    if figures:
        formats = dict.fromkeys(("png", *loaded.config.vis.extra_formats))
        images = _drawn_images(loaded.config)
        paths += [figure_path(loaded, out, f"{s}.{e}") for s in images for e in formats]
    check_new_files(
        paths,
        read,
        overwrite=overwrite or loaded.config.io.overwrite,
        key="io.output_path",
        setting="[io] overwrite",
    )


def _drawn_images(config: ImagingConfig) -> list[str]:
    """The images that get a figure: those that exist of the ones that [vis] names."""
    is_on = {"n": config.run.neutrons, "g": config.run.gammas, "all": True}
    present = [name for name, on in is_on.items() if on]
    beside = [_COMPARISON] if compares(config) else []
    if config.vis.summed_dataset is None:
        return [*(name for name in present if name in config.vis.species), *beside]
    wanted = config.vis.summed_dataset.rstrip("/").rsplit("/", 1)[-1]
    return [*([wanted] if wanted in present else present[:1]), *beside]


def figure_path(loaded: LoadedConfig, out: Path, name: str) -> Path:
    """Where the figure ``<image>.<format>`` goes."""
    vis = loaded.config.vis
    species, extension = name.rsplit(".", 1)
    folder = out.parent if vis.png_dir is None else resolved_path(loaded, vis.png_dir)
    return folder / vis.filename_pattern.format(stem=out.stem, species=species, ext=extension)


def stale_figures(loaded: LoadedConfig, out: Path, drawn: list[Path]) -> list[str]:
    """Figures of an earlier run that stand beside a file they do not belong to."""
    formats = dict.fromkeys(("png", *loaded.config.vis.extra_formats))
    paths = [figure_path(loaded, out, f"{s}.{e}") for s in _FIGURES for e in formats]
    left = [str(path) for path in paths if path not in drawn and path.exists()]
    return [f"{path} is of an earlier run" for path in left]
