"""Files that are one stream, end to end, unpacked while they are read where they are gzip.

Unpacked by ``isal``, in half the time that ``zlib`` takes, which serves where there is no ``isal``.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

INFLATE: Any
if find_spec("isal"):
    from isal import isal_zlib

    INFLATE = isal_zlib
else:
    INFLATE = zlib
GZIP_MAGIC: Final = b"\x1f\x8b"
DAMAGES: Final = (EOFError, zlib.error, INFLATE.error)
"""What a stream that is cut or damaged raises, beside OSError."""
# Large: after each piece a thread that imports or computes in Python may have to be waited for.
_RAW_BYTES: Final = 1 << 22
_MOST_OUT: Final = 1 << 24
_SMALL: Final = 1 << 16


class Joined(io.RawIOBase):
    """Several files as one: what ``cat`` gives."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__()
        self._paths = list(paths)
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; none at the end of the last file."""
        while True:
            if self._file is None:
                if not self._paths:
                    return 0
                self._file = io.FileIO(self._paths.pop(0))
            n = self._file.readinto(buffer)
            if n:
                return int(n)
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()


class Unpacked(io.RawIOBase):
    """What a gzip stream holds, checked by its checksums; several members follow each other.

    EOFError where the stream ends before its end-of-stream mark, another of DAMAGES where it is
    damaged.
    """

    def __init__(self, packed: io.RawIOBase) -> None:
        super().__init__()
        self._packed = packed
        self._engine = INFLATE.decompressobj(wbits=31)
        self._ready: memoryview | bytes = b""
        self._raw = b""
        self._began = False

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes; none at the end."""
        while not self._ready:
            if not self._raw:
                self._raw = self._packed.read(_RAW_BYTES) or b""
            if self._engine.eof:
                # Zeros may follow the last member, as tapes have them.
                self._raw = self._raw.lstrip(b"\0") if not self._raw.strip(b"\0") else self._raw
                if not self._raw:
                    return 0
                self._engine = INFLATE.decompressobj(wbits=31)
            # What is left of the output may still be inside, though all input is.
            self._ready = memoryview(self._engine.decompress(self._raw, _MOST_OUT))
            if not (self._raw or self._ready or self._engine.eof):
                msg = "the gzip stream ends before its end-of-stream mark"
                raise EOFError(msg)
            self._raw = self._engine.unconsumed_tail or self._engine.unused_data
        n = min(len(buffer), len(self._ready))
        buffer[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n

    def close(self) -> None:
        """Close what is read."""
        self._packed.close()
        super().close()


class Forward:
    """A stream as ``tarfile`` reads a file: what lies behind is gone, so it seeks forward only.

    Of a large piece the bytes are copied once.
    """

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._at = 0

    def tell(self) -> int:
        """Bytes so far."""
        return self._at

    def seek(self, place: int) -> int:
        """Go on to a place, or to the end if that comes before."""
        while self._at < place and self.read(min(place - self._at, _MOST_OUT)):
            pass
        return self._at

    def read(self, n: int) -> bytes | bytearray:
        """The next ``n`` bytes; fewer at the end."""
        found = bytearray(n)
        view, got = memoryview(found), 0
        while got < n and (more := self._stream.readinto(view[got:])):
            got += more
        self._at += got
        view.release()
        del found[got:]
        return found if n > _SMALL else bytes(found)


def opened_stream(paths: Sequence[str]) -> io.RawIOBase:
    """Files as one stream, unpacked if its first bytes are those of gzip."""
    with Joined(paths) as joined:
        # A part may be as short as a byte.
        first = (joined.read(1) or b"") + (joined.read(1) or b"")
    stream: io.RawIOBase = Joined(paths)
    return Unpacked(stream) if first == GZIP_MAGIC else stream
