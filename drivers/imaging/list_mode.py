"""A file with the pixels of each cone made of one without, and back; no cone is built again.

Every other dataset is copied as it is. What is added equals what a run in list mode writes: the
cones stand in the file as they were computed, and the new footprints must sum to its images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import h5py
import numpy as np

from ...nodes.imaging.tracing import image_of
from ...schemas.errors import InputError
from ..files import check_new_files, new_output
from ..hdf5 import datasets_of, need_room, new_file, read_through, write_array
from ..hdf5_rows import SIDE_SUFFIX, RowWriter
from .layout import FOOTPRINT_DATASETS, FOOTPRINT_PATHS
from .output import write_offsets_and_pairs
from .saved import SavedRun, open_run
from .tracing import footprint_blocks

PairTable = Literal["auto", "always", "never"]
_LINKS: Final = "/images/list_mode"
_LEFT_OUT: Final = frozenset({*FOOTPRINT_PATHS, _LINKS})


def with_footprints(
    source: Path, out: Path, *, pair_table: PairTable | None = None, overwrite: bool = False
) -> None:
    """Write ``source`` with footprints, offsets and, as [hdf5] pair_table says, pairs.

    ``pair_table`` replaces that setting.

    Raises
    ------
    InputError
        If the file holds no images of radiograph, or its cones do not give them back.
    UsageError
        If ``out`` exists and ``overwrite`` is not given.
    """
    with open_run(source) as saved:
        saved.need("cones")
        saved.need("image")
        wish = pair_table or saved.config.hdf5.pair_table

        def add(file: h5py.File) -> None:
            _write_footprints(file, saved)
            write_offsets_and_pairs(file, wish)
            _set_settings(file, {"run.list": "true", "hdf5.pair_table": f'"{wish}"'})

        _convert(saved, out, add, overwrite=overwrite)


def without_footprints(source: Path, out: Path, *, overwrite: bool = False) -> None:
    """Write ``source`` without the pixels of each cone; how many each lights stays."""
    with open_run(source) as saved:
        _convert(saved, out, lambda f: _set_settings(f, {"run.list": "false"}), overwrite=overwrite)


def _convert(
    saved: SavedRun, out: Path, change: Callable[[h5py.File], None], *, overwrite: bool
) -> None:
    check_new_files([out], (), overwrite=overwrite)
    if not saved.record.is_ours:
        msg = (
            f"{saved.path}: was written by {saved.record.software or 'another program'}. Start a "
            'run from it: [io] input_format = "hdf5_ngimager".'
        )
        raise InputError(msg, file=saved.path, code="foreign_file")
    for dataset in datasets_of(saved.data.group, saved.path).values():
        read_through(dataset, saved.path)
    with new_output(out) as temporary:
        need_room(temporary, saved.path.stat().st_size)
        with new_file(temporary) as file:
            _copy(saved.data.group, file)
            change(file)


def _copy(source: h5py.Group, target: h5py.Group) -> None:
    """Everything but the footprints; links stay links."""
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name in source:
        path = f"{source.name.rstrip('/')}/{name}"
        link = source.get(name, getlink=True)
        if path in _LEFT_OUT:
            continue
        if isinstance(link, h5py.SoftLink):
            target[name] = h5py.SoftLink(link.path)
        elif isinstance(source[name], h5py.Group) and any(p.startswith(path) for p in _LEFT_OUT):
            _copy(source[name], target.create_group(name))
        else:
            source.copy(source[name], target, name=name)


def _write_footprints(file: h5py.File, saved: SavedRun) -> None:
    """Footprints from the cones, a bounded number at a time, checked against the images."""
    drawn = {name: np.zeros(saved.grid.shape, np.uint32) for name in ("n", "g")}
    lit_before = saved.data.rows("/lm/cone_lit_pixels")
    with RowWriter(file, FOOTPRINT_DATASETS, Path(file.filename + SIDE_SUFFIX)) as writer:
        for first, part in footprint_blocks(saved, again=True):
            lit = np.diff(part.offsets)
            if not np.array_equal(lit, lit_before[first : first + part.n_cones]):
                raise _differs(saved)
            species = saved.data.span("/cones/species", first, first + part.n_cones)
            for code, name in enumerate(drawn):
                drawn[name] += image_of(part, saved.grid, species == code)
            writer.append({"/lm/footprint_pixels": part.pixels})
        writer.finish({})
    for name, image in drawn.items():
        if name in saved.images and not np.array_equal(image, saved.images[name]):
            raise _differs(saved)


def _differs(saved: SavedRun) -> InputError:
    why = "" if saved.cones_are_exact else ": it holds its cones in float32 only"
    msg = (
        f"{saved.path}: its cones do not give back its images{why}. Run it again in list mode "
        "(--list)."
    )
    return InputError(msg, file=saved.path, code="not_reproduced")


def _set_settings(file: h5py.File, values: dict[str, str]) -> None:
    """The effective settings that a conversion changes, as JSON."""
    file["meta"].attrs["run_list"] = values["run.list"] == "true"
    table = file["meta/config_effective"]
    keys, stored = (table[name].asstr()[()].tolist() for name in ("keys", "values"))
    description = table["values"].attrs["description"]
    # Written anew: a text has no more room than the longest before it.
    del table["values"]
    changed = [values.get(key, value) for key, value in zip(keys, stored, strict=True)]
    write_array(table, "values", changed, "", description)
