"""One pass over the archive of a run: a thread reads and unpacks, the nodes take recordings.

The archive is never extracted. What was taken is gone: who asks for an earlier recording has the
stream opened again.
"""

from __future__ import annotations

import contextlib
import io
import queue
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from ....schemas.errors import InputError
from ....schemas.transients.layout import RecordingName, parsed_recording
from .gunzip import DAMAGES, Forward, opened_stream

_AHEAD_BYTES: Final = 1 << 28
_WAIT_S: Final = 0.2
_DAMAGES: Final = (tarfile.TarError, *DAMAGES, OSError)


@dataclass(frozen=True)
class Member:
    """A recording: what its name says, its size, its bytes as far as they are read.

    ``n_foreign`` members of the archive before it are no recordings.
    """

    name: RecordingName
    size: int
    content: bytes | bytearray
    n_foreign: int


@dataclass(frozen=True)
class End:
    """The end of an archive.

    Attributes
    ----------
    n_foreign
        Members since the last recording that are none.
    problem
        Why it ends before its end; empty for a whole archive.
    at_byte
        Where the last member that was begun stands in the unpacked archive.
    """

    n_foreign: int = 0
    problem: str = ""
    at_byte: int = 0


class ArchiveStream:
    """The recordings of one run in an archive, in its order.

    Parameters
    ----------
    paths
        The parts, in their order.
    run
        Number of the run: members of another run are foreign.
    most_bytes
        Largest member that is read; a larger one is read up to here, so that it is seen as long.
    ahead
        How many recordings the thread may be ahead of the nodes.
    """

    def __init__(self, paths: Sequence[str], run: int, most_bytes: int, ahead: int) -> None:
        self._run = run
        self._most_bytes = most_bytes
        self._file, self._has_parts = paths[0], len(paths) > 1
        self._queue: queue.Queue[Member | End | BaseException] = queue.Queue(max(ahead, 2))
        self._stop = threading.Event()
        self._next: Member | End | None = None
        self.position = 0
        stream = opened_stream(paths)
        self._thread = threading.Thread(target=self._work, args=(stream,), daemon=True)
        self._thread.start()

    @property
    def end(self) -> End | None:
        """How the archive ended, once that is seen."""
        return self._next if isinstance(self._next, End) else None

    def peek(self) -> Member | End:
        """The next recording, or the end; InputError if this is no archive at all."""
        if self._next is None:
            found = self._queue.get()
            if isinstance(found, BaseException):
                raise found
            self._next = found
        return self._next

    def take(self) -> Member | None:
        """The next recording; None at the end."""
        found = self.peek()
        if isinstance(found, End):
            return None
        self._next = None
        self.position += 1
        return found

    def close(self) -> None:
        """Let the thread end."""
        self._stop.set()
        self._thread.join()

    def _work(self, stream: io.RawIOBase) -> None:
        try:
            with contextlib.closing(stream):
                for item in self._items(stream):
                    if not self._put(item):
                        return
        except BaseException as failure:
            self._put(failure)

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_WAIT_S)
            except queue.Full:
                continue
            return True
        return False

    def _items(self, stream: io.RawIOBase) -> Iterator[Member | End]:
        n_foreign = n_found = at_byte = 0
        try:
            file = Forward(stream)
            with tarfile.open(fileobj=file, mode="r:") as archive:  # type: ignore[call-overload]
                for info in archive:
                    # Else the list of all members grows with the archive.
                    archive.members = []
                    at_byte = info.offset
                    name = parsed_recording(info.name.removeprefix("./"))
                    if not info.isreg() or name is None or name.run != self._run:
                        n_foreign += not info.isdir()
                        continue
                    # Not by ``extractfile``, which copies each byte five times.
                    file.seek(info.offset_data)
                    content = file.read(min(info.size, self._most_bytes))
                    if len(content) < min(info.size, self._most_bytes):
                        msg = "unexpected end of data"
                        raise EOFError(msg)
                    n_found += 1
                    yield Member(name, info.size, content, n_foreign)
                    n_foreign = 0
        except _DAMAGES as reason:
            if n_found == 0 and n_foreign == 0 and at_byte == 0:
                self._check_kind(stream, reason)
            yield End(n_foreign, f"{reason}", at_byte)
            return
        yield End(n_foreign, "", at_byte)

    def _check_kind(self, stream: io.RawIOBase, reason: Exception) -> None:
        """InputError for what is no archive; nothing for one without members."""
        stream.close()
        with contextlib.closing(opened_stream([self._file])) as again:
            try:
                first = again.read(512) or b""
            except _DAMAGES:
                first = b""
        if str(reason) == "empty file" or (first and not first.strip(b"\0")):
            return
        is_html = first.lstrip()[:1] == b"<"
        what = "an HTML page, as a server sends it in place of a file" if is_html else "no archive"
        order = ", or look at the order of its parts" if self._has_parts else ""
        msg = f"{self._file}: is {what} ({reason}). Fetch it again{order}."
        raise InputError(msg, file=self._file, code="not_an_archive") from None


@dataclass
class RecordingStreams:
    """The stream that is open, so that ranges asked for in order go through an archive once.

    No result depends on it: a range that is asked for out of order has its archive opened again.
    Another process has one of its own, for all ranges that it is sent.
    """

    most_bytes: int = 1 << 24
    _key: tuple[str, ...] = ()
    _stream: ArchiveStream | None = field(default=None, repr=False)

    def at(self, paths: Sequence[str], run: int, first: int) -> ArchiveStream:
        """The stream of an archive at one of its recordings, or at its end before that."""
        key = (*paths, str(run))
        stream = self._stream
        if stream is None or self._key != key or stream.position > first:
            self.close()
            ahead = min(_AHEAD_BYTES // self.most_bytes, 1 << 14)
            stream = ArchiveStream(paths, run, self.most_bytes, ahead)
            self._key, self._stream = key, stream
        while stream.position < first and stream.take() is not None:
            pass
        return stream

    def close(self) -> None:
        """Close what is open."""
        if self._stream is not None:
            self._stream.close()
        self._key, self._stream = (), None

    def __reduce__(self) -> tuple[Callable[[int], RecordingStreams], tuple[int]]:
        return streams_of_process, (self.most_bytes,)


@cache
def streams_of_process(most_bytes: int) -> RecordingStreams:
    """What the ranges that are sent to this process share."""
    return RecordingStreams(most_bytes)
