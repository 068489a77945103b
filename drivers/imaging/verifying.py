"""Is a file what its own settings give? The run is made again and every dataset compared."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import xxhash

from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ..config import LoadedConfig
from ..files import file_ref
from ..hdf5 import checked_blocks, datasets_of
from ..provenance import versions
from .run import run_imaging
from .saved import SavedRun, open_run
from .saved_record import RunRecord, SavedInput

# What tells of the making and not of the result: times, places, texts of the software.
NOT_COMPARED: Final = (
    "/provenance/",
    "/meta/config_effective/",
    "/meta/config_toml",
    "/meta/repo_bundle/",
    "/meta/README",
    "/meta/readme",
)


# Written since datasets carry checksums: a file of before, which has none, lacks nothing.
_ADDED_LATER: Final = frozenset({"/lm/event_cone_filter_code", "/lm/event_cone_filter_code_labels"})


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


def verify(path: Path, inputs: Sequence[Path] = ()) -> Verification:
    """Run the stored settings again, without cache, and compare every dataset by its hash.

    Parameters
    ----------
    path
        HDF5 file of a run.
    inputs
        Where its input files are now; by default where they were.

    Raises
    ------
    InputError
        If the file holds no settings, or an input is gone or has another content.
    """
    started = time.perf_counter()
    with open_run(path) as saved:
        loaded = _stored_config(saved)
        record = saved.record
        sources = _sources(record, path, inputs)
        before = dataset_hashes(saved.data.file)
        is_of_before = not any(
            item.fletcher32 for item in datasets_of(saved.data.file, path).values()
        )
    with tempfile.TemporaryDirectory(prefix="radiograph-verify-") as folder:
        out = Path(folder) / "again.h5"
        again = LoadedConfig(_again(loaded.config, sources, out), loaded.text, loaded.path)
        run_imaging(again, targets=record.targets)
        with h5py.File(out, "r") as file:
            after = dataset_hashes(file)
    for name in _ADDED_LATER - before.keys() if is_of_before else ():
        after.pop(name, None)
    common = [name for name in before if name in after]
    now = versions()
    return Verification(
        file=str(path),
        compared=len(common),
        differing=tuple(n for n in common if before[n] != after[n]),
        missing=tuple(n for n in before if n not in after),
        added=tuple(n for n in after if n not in before),
        seconds=round(time.perf_counter() - started, 3),
        versions={n: (v, now[n]) for n, v in record.versions.items() if now.get(n, v) != v},
    )


def dataset_hashes(file: h5py.File) -> dict[str, str]:
    """xxh3_128 of type, shape and content of every dataset that a run should give again.

    InputError for what cannot be read.
    """
    path = Path(file.filename)
    return {
        name: _hash(item, path)
        for name, item in datasets_of(file, path).items()
        if not name.startswith(NOT_COMPARED)
    }


def _hash(dataset: h5py.Dataset, path: Path) -> str:
    # A text is the same in a field of its own length and in a longer one.
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    kind = "text" if is_text else dataset.dtype.str
    digest = xxhash.xxh3_128(f"{kind} {dataset.shape}".encode())
    for part in checked_blocks(dataset, path):
        if is_text:
            for text in part.ravel():
                content = text if isinstance(text, bytes) else str(text).encode()
                digest.update(len(content).to_bytes(8, "little") + content)
        else:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _stored_config(saved: SavedRun) -> LoadedConfig:
    record = saved.record
    if not record.is_ours:
        msg = (
            f"{saved.path}: was written by {record.software or 'another program'}; only files of "
            "radiograph can be verified."
        )
        raise InputError(msg, file=saved.path, code="foreign_file")
    if record.config_text is None:
        msg = (
            f"{saved.path}: holds no config, since it was run with [hdf5] include_config = false. "
            "A file can be verified if it is run with include_config = true."
        )
        raise InputError(msg, file=saved.path, key="hdf5.include_config", code="no_config")
    where = Path(record.config_path) if record.config_path else saved.path
    return LoadedConfig(saved.config, record.config_text, where)


def _again(config: ImagingConfig, sources: Sequence[Path], out: Path) -> ImagingConfig:
    """The settings as they ran, with other places and no figures."""
    paths = tuple(str(p.absolute()) for p in sources)
    io = config.io.model_copy(
        update={
            "input_path": paths[0] if len(paths) == 1 else paths,
            "restart_path": None,
            "output_path": str(out),
        }
    )
    vis = config.vis.model_copy(update={"export_png_on_write": False, "png_dir": None})
    return config.model_copy(update={"io": io, "vis": vis})


def _sources(record: RunRecord, path: Path, given: Sequence[Path]) -> list[Path]:
    """The input files of the run as they are found now, with the content they had."""
    if given and len(given) != len(record.inputs):
        msg = f"{path}: was run over {len(record.inputs)} input files; {len(given)} are given"
        raise InputError(msg, file=path, key="input_path")
    found = []
    for k, source in enumerate(record.inputs):
        now = given[k] if given else _found(source, path, record)
        if not source.failure and file_ref(now).content_hash != source.content_hash:
            msg = (
                f"{now}: is not the file that {path} was made of: its content has changed. Give "
                "the original with --input-path."
            )
            raise InputError(msg, file=now, key="input_path", code="other_content")
        found.append(now)
    return found


def _found(source: SavedInput, path: Path, record: RunRecord) -> Path:
    """Where an input was, seen from here, from the config, or beside the output."""
    stored = Path(source.path)
    folders = [Path(record.config_path).parent] if record.config_path else []
    places = [stored, *(f / stored for f in folders), path.parent / stored.name]
    there = next((p for p in places if p.exists()), None)
    if there is None and not source.failure:
        msg = f"{stored}: the input of {path} is no longer there. Give it with --input-path."
        raise InputError(msg, file=stored, key="input_path")
    return there or stored
