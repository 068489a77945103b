"""Is a file what its own settings give? The run is made again and every dataset compared."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import h5py
import numpy as np
import xxhash

from ...nodes.addresses import address_of
from ...nodes.hdf5_heaps import opened_hdf5
from ...schemas.errors import InputError
from ..config import LoadedConfig
from ..definition import Definition
from ..files import REMOTE, SAMPLED, file_ref, sampled_file_ref
from ..graph_inputs import with_settings
from ..hdf5 import checked_blocks, datasets_of
from ..provenance import pipeline_of_path, versions
from ..registry import DEFAULT, definition, names
from .record import RunRecord, StoredInput, record_at
from .verification import Verification

# What tells of the making and not of the result: times, places, texts of the software.
NOT_COMPARED: Final = (
    "/provenance/",
    "/meta/config_effective/",
    "/meta/config_json",
    "/meta/config_toml",
    "/meta/log",
    "/meta/repo_bundle/",
    "/meta/README",
    "/meta/readme",
)
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def verify(path: Path, inputs: Sequence[Path] = ()) -> Verification:
    """Run the stored settings of any pipeline again, without cache, and compare every dataset.

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
    name = pipeline_of_path(path)
    flow = definition(name if name in names() else DEFAULT)
    return flow.verify(flow, path, inputs)


def verify_run_file(flow: Definition, path: Path, inputs: Sequence[Path]) -> Verification:
    """The same of a file that the engine wrote."""
    record = record_at(path)
    loaded = record.loaded(path, flow.settings)

    def again(sources: list[Path], folder: Path) -> Path:
        # Files beside it name each other, so they are called as they were.
        out = folder / path.name
        run_again(flow, record, loaded, sources, out)
        return out

    return verified(path, record, inputs, again)


def run_again(
    flow: Definition,
    record: RunRecord,
    loaded: LoadedConfig[Any],
    sources: Sequence[Path],
    out: Path,
    changed: Mapping[str, Any] = _NOTHING,
) -> None:
    """Run settings again, to another file; ``changed`` are other settings by their dotted key."""
    of_role: dict[str, list[str]] = {source.role: [] for source in flow.sources}
    for path, stored in zip(sources, record.inputs, strict=True):
        # Before roles were stored every file was of the first; others are made of settings.
        of_role.get(stored.role or flow.sources[0].role, []).append(str(path.absolute()))
    named = {source.key: of_role[source.role] for source in flow.sources}
    values = {key: ps[0] if len(ps) == 1 else tuple(ps) for key, ps in named.items() if ps}
    config = with_settings(loaded.config, {**changed, **values, "io.output_path": str(out)})
    flow.run(replace(loaded, config=config), targets=record.targets)


def verified(
    path: Path,
    record: RunRecord,
    inputs: Sequence[Path],
    again: Callable[[list[Path], Path], Path],
    counts: Callable[[str], bool] = lambda _: True,
) -> Verification:
    """Compare a file with what ``again`` makes of its inputs, in a folder of its own.

    ``counts`` says of the path of a dataset whether it is compared.
    """
    where = Path(record.config_path) if record.config_path else None
    sources = now_inputs(path, record.inputs, inputs, where)
    return remade(path, record, lambda folder: again(sources, folder), counts)


def remade(
    path: Path,
    record: RunRecord,
    again: Callable[[Path], Path],
    counts: Callable[[str], bool] = lambda _: True,
) -> Verification:
    """The same where ``again`` knows its inputs itself."""
    started = time.perf_counter()
    # A file that is damaged is told of before a run is made for it.
    before = _hashes_at(path, counts)
    with tempfile.TemporaryDirectory(prefix="radiograph-verify-") as folder:
        after = _hashes_at(again(Path(folder)), counts)
    return compared(path, before, after, dict(record.versions), started)


def _hashes_at(path: Path, counts: Callable[[str], bool]) -> dict[str, str]:
    with opened_hdf5(path) as file:
        return {name: digest for name, digest in dataset_hashes(file).items() if counts(name)}


def compared(
    path: Path,
    before: dict[str, str],
    after: dict[str, str],
    versions_then: dict[str, str],
    started: float,
) -> Verification:
    """What two sets of hashes have in common and what not; ``started`` by perf_counter()."""
    common = [name for name in before if name in after]
    now = versions()
    return Verification(
        file=str(path),
        compared=len(common),
        differing=tuple(n for n in common if before[n] != after[n]),
        missing=tuple(n for n in before if n not in after),
        added=tuple(n for n in after if n not in before),
        seconds=round(time.perf_counter() - started, 3),
        versions={n: (v, now[n]) for n, v in versions_then.items() if now.get(n, v) != v},
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


def now_inputs(
    path: Path, stored: Sequence[StoredInput], given: Sequence[Path], config_path: Path | None
) -> list[Path]:
    """The input files of a run as they are found now, with the content they had."""
    if given and len(given) != len(stored):
        msg = f"{path}: was run over {len(stored)} input files; {len(given)} are given"
        raise InputError(msg, file=path, key="input_path")
    found = []
    for k, source in enumerate(stored):
        now = given[k] if given else _found(source, path, config_path)
        if not source.failure and _content_now(now, source) != source.content_hash:
            msg = (
                f"{now}: is not the file that {path} was made of: its content has changed. Give "
                "the original with --input-path."
            )
            raise InputError(msg, file=now, key="input_path", code="other_content")
        found.append(now)
    return found


def _content_now(path: Path, source: StoredInput) -> str:
    """The content of a file, known as it was known in the run."""
    if source.content_hash.startswith(REMOTE):
        # The run that is compared looks at it anew, by whatever its server says.
        return source.content_hash
    is_sampled = source.content_hash.startswith(SAMPLED)
    return (sampled_file_ref(path) if is_sampled else file_ref(path)).content_hash


def _found(source: StoredInput, path: Path, config_path: Path | None) -> Path:
    """Where an input was, seen from here, from the config, or beside the output."""
    stored = Path(source.path)
    folders = [config_path.parent] if config_path else []
    places = [stored, *(f / stored for f in folders), path.parent / stored.name]
    there = next((p for p in places if p.exists() or address_of(p)), None)
    if there is None and not source.failure:
        msg = f"{stored}: the input of {path} is no longer there. Give it with --input-path."
        raise InputError(msg, file=stored, key="input_path")
    return there or stored
