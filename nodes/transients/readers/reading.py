"""A range of recordings from any source, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ....schemas.arrays import frozen
from ....schemas.errors import InputError
from ....schemas.sources import FileRef
from ....schemas.transients.layout import (
    HEADER_BYTES,
    SAMPLE_BYTES,
    RecordingName,
    parsed_recording,
)
from ....schemas.transients.recordings import RecordingForm, RecordingRange, Recordings
from .archive import End, Member, RecordingStreams
from .earlier_runs import stored_recordings
from .older_hdf5 import read_older_hdf5

_WORD: Final = np.dtype("<u8")
_SAMPLE: Final = np.dtype("<i2")


def read_recordings(
    files: Sequence[FileRef],
    place: RecordingRange,
    run: int,
    form: RecordingForm,
    streams: RecordingStreams,
) -> Recordings:
    """The recordings of a range: of the parts of an archive, or of one file each.

    Samples of one that is cut are there as far as they go, zero beyond; of one that is too long
    the first. InputError if a file cannot be read.
    """
    if place.kind == "ml4see_hdf5":
        return read_older_hdf5(files[0].path, place, form)
    if place.kind == "radiograph_hdf5":
        return stored_recordings(files[0].path, place, form)
    if place.kind == "folder":
        return _stacked(_of_files(files, place), len(files), place.n_foreign, form)
    paths = [file.path for file in files]
    stream = streams.at(paths, run, place.first)
    members: list[Member] = []
    while len(members) < place.count and (member := stream.take()) is not None:
        members.append(member)
    after = stream.peek()
    n_foreign = after.n_foreign if isinstance(after, End) else 0
    return _stacked(members, len(members), n_foreign, form)


def _of_files(files: Sequence[FileRef], place: RecordingRange) -> Iterator[Member]:
    for ref, member in zip(files, place.members, strict=True):
        name = parsed_recording(member)
        assert name is not None, member
        try:
            content = Path(ref.path).read_bytes()
            yield Member(name, len(content), content, 0)
        except OSError as reason:
            msg = f"{ref.path}: cannot be read ({reason.strerror or reason})."
            raise InputError(msg, file=ref.path) from None


def _stacked(
    members: Sequence[Member] | Iterator[Member], n: int, n_foreign: int, form: RecordingForm
) -> Recordings:
    iq = np.zeros((n, form.n_samples, 2), np.int16)
    names = np.empty((n, len(RecordingName._fields)), np.int64)
    sizes = np.zeros(n, np.int64)
    header = np.full((n, 3), -1, np.int64)
    for row, member in enumerate(members):
        content = member.content
        names[row] = member.name
        sizes[row] = member.size
        n_foreign += member.n_foreign
        if len(content) >= HEADER_BYTES:
            words = np.frombuffer(content, _WORD, 3)
            header[row] = np.minimum(words, np.iinfo(np.int64).max).astype(np.int64)
            whole = min((len(content) - HEADER_BYTES) // SAMPLE_BYTES, form.n_samples)
            samples = np.frombuffer(content, _SAMPLE, 2 * whole, HEADER_BYTES)
            iq[row, :whole] = samples.reshape(-1, 2)
    return Recordings(
        numbers=frozen(names[:, 3].copy()),
        x_lsb=frozen(names[:, 1].copy()),
        y_lsb=frozen(names[:, 2].copy()),
        n_bytes=frozen(sizes),
        ticks=frozen(header[:, 0].copy()),
        seconds=frozen(header[:, 1].copy()),
        microseconds=frozen(header[:, 2].copy()),
        iq_adc=frozen(iq),
        frequency_Hz=frozen(np.empty((n, 0))),
        n_foreign=int(n_foreign),
    )
