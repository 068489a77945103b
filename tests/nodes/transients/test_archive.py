"""The archive of a run as a stream: parts joined, members of others, what is cut or no archive."""

from __future__ import annotations

import gzip
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from campaigns import CF, FS, recording, tar_of
from radiograph.nodes.transients.readers import gunzip
from radiograph.nodes.transients.readers.archive import ArchiveStream, End, RecordingStreams
from radiograph.nodes.transients.readers.reading import read_recordings
from radiograph.schemas.errors import InputError
from radiograph.schemas.sources import FileRef
from radiograph.schemas.transients.layout import RecordingName, recording_path
from radiograph.schemas.transients.recordings import RecordingForm, RecordingRange

FORM = RecordingForm(20, 30, FS, CF, 100.0, 0.0)


@pytest.fixture(params=["zlib", "isal.isal_zlib"], autouse=True)
def _unpacked_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever unpacks, the recordings are the same, and so is what is cut."""
    monkeypatch.setattr(gunzip, "INFLATE", pytest.importorskip(request.param))


def member(number: int, x: int = 0, y: int = -93, run: int = 1, n: int = 50) -> tuple[str, bytes]:
    iq = np.full((n, 2), number + 1, np.int16)
    return recording_path(RecordingName(run, x, y, number)), recording(iq, number)


def written(folder: Path, *contents: bytes) -> list[str]:
    paths = [folder / f"run_001.tar.parta{chr(97 + k)}" for k in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def numbers_of(stream: ArchiveStream) -> list[int]:
    found = []
    while (taken := stream.take()) is not None:
        found.append(taken.name.number)
    stream.close()
    return found


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("cuts", [(), (700,), (1, 2, 900)])
def test_parts_are_one_stream(tmp_path: Path, packed: bool, cuts: tuple[int, ...]) -> None:
    content = tar_of([member(k) for k in (3, 1, 2)], packed=packed)
    pieces = [content[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True)]
    stream = ArchiveStream(written(tmp_path, *pieces), 1, 1 << 20, 4)
    assert numbers_of(stream) == [3, 1, 2]
    assert stream.end == End(0, "", stream.end.at_byte)


def test_several_gzip_members_and_zeros_behind(tmp_path: Path) -> None:
    content = tar_of([member(k) for k in range(3)], packed=False)
    packed = gzip.compress(content[:777]) + gzip.compress(content[777:]) + bytes(100)
    assert numbers_of(ArchiveStream(written(tmp_path, packed), 1, 1 << 20, 4)) == [0, 1, 2]


def test_what_is_no_recording_of_the_run_is_counted(tmp_path: Path) -> None:
    others = [("run_001/x_000000/y_000000/notes.dat", b"no"), member(7, run=2)]
    pairs = [member(0), others[0], member(1), others[1]]
    paths = written(tmp_path, tar_of(pairs, packed=True))
    stream = ArchiveStream(paths, 1, 1 << 20, 4)
    assert [stream.take().n_foreign, stream.take().n_foreign] == [0, 1]  # type: ignore[union-attr]
    assert stream.take() is None
    assert stream.end is not None
    assert stream.end.n_foreign == 1
    stream.close()
    refs = [FileRef(paths[0], 1, "x")]
    for cut in (1, 2, 5):
        streams, total = RecordingStreams(), 0
        for first in range(0, 2, cut):
            place = RecordingRange("archive", (), first, cut)
            total += read_recordings(refs, place, 1, FORM, streams).n_foreign
        assert total == 2
        streams.close()


@pytest.mark.parametrize("packed", [True, False])
def test_of_an_archive_that_is_cut_the_whole_recordings_stay(tmp_path: Path, packed: bool) -> None:
    rng = np.random.default_rng(3)
    pairs = [(name, data[:24] + rng.bytes(200)) for name, data in (member(k) for k in range(4))]
    content = tar_of(pairs, packed=packed)
    at = len(content) // 2 if packed else 512 * 5 + 100
    stream = ArchiveStream(written(tmp_path, content[:at]), 1, 1 << 20, 8)
    found = numbers_of(stream)
    assert found == list(range(len(found)))
    assert 0 < len(found) < 4
    assert stream.end is not None
    assert stream.end.problem
    assert stream.end.at_byte > 0


def test_bytes_that_are_changed_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs = [(name, data[:24] + rng.bytes(200)) for name, data in (member(k) for k in range(4))]
    content = bytearray(tar_of(pairs, packed=True))
    content[-8] ^= 1  # its checksum
    stream = ArchiveStream(written(tmp_path, bytes(content)), 1, 1 << 20, 8)
    # So few that none is given before the checksum is seen.
    with pytest.raises(InputError, match="(?i)incorrect"):
        stream.peek()
    stream.close()


@pytest.mark.parametrize("content", [tar_of([], packed=True), tar_of([], packed=False), b""])
def test_an_empty_archive_is_one(tmp_path: Path, content: bytes) -> None:
    stream = ArchiveStream(written(tmp_path, content), 1, 1 << 20, 4)
    assert numbers_of(stream) == []


def test_a_page_of_a_server_is_no_archive(tmp_path: Path) -> None:
    stream = ArchiveStream(written(tmp_path, b"<html>404</html>" * 99), 1, 1 << 20, 4)
    with pytest.raises(InputError, match="HTML page"):
        stream.peek()
    stream.close()


def test_ranges_in_any_order(tmp_path: Path) -> None:
    refs = [FileRef(p, 1, "x") for p in written(tmp_path, tar_of([member(k) for k in range(7)],
                                                                 packed=True))]  # fmt: skip
    streams = RecordingStreams()
    for first in (0, 3, 6, 0, 5):
        found = read_recordings(refs, RecordingRange("archive", (), first, 3), 1, FORM, streams)
        assert found.numbers.tolist() == list(range(first, min(first + 3, 7)))
        assert found.iq_adc[:, 0, 0].tolist() == [n + 1 for n in found.numbers.tolist()]
    streams.close()
    assert pickle.loads(pickle.dumps(streams)).most_bytes == streams.most_bytes


def test_short_long_and_cut_headers(tmp_path: Path) -> None:
    name, whole = member(5)
    contents = [b"", whole[:10], whole[:24], whole[:31], whole + b"1234"]
    pairs = [(name.replace("000005", f"{k:06d}"), data) for k, data in enumerate(contents)]
    refs = [FileRef(p, 1, "x") for p in written(tmp_path, tar_of(pairs, packed=False))]
    streams = RecordingStreams()
    found = read_recordings(refs, RecordingRange("archive", (), 0, 9), 1, FORM, streams)
    streams.close()
    assert found.n_bytes.tolist() == [len(c) for c in contents]
    assert found.ticks.tolist() == [-1, -1, 6_000_000, 6_000_000, 6_000_000]
    # One sample of the fourth is whole.
    assert found.iq_adc.any(axis=2).sum(axis=1).tolist() == [0, 0, 0, 1, 50]


def test_a_directory_and_a_link_are_left(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("run_001/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo(member(1)[0])
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    stream = ArchiveStream([str(path)], 1, 1 << 20, 4)
    assert stream.take() is None
    assert stream.end is not None
    assert stream.end.n_foreign == 1
    stream.close()
