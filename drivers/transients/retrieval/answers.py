"""One answer of a server, or of a folder that stands in for one: which bytes of a file it gives.

HTTP range requests are RFC 9110, sections 13 to 15. What an answer begins with is what its
Content-Range says, not what was asked for.
"""

from __future__ import annotations

import email.utils
import http.client
import os
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ...library_versions import installed_version

_BLOCK: Final = 1 << 18
_CONTENT_RANGE: Final = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*")
_UNSATISFIED: Final = re.compile(r"\s*bytes\s+\*/(\d+)\s*")
_AGAIN: Final = frozenset((408, 429))
_LONGEST_WAIT_S: Final = 3600.0


class TryAgain(Exception):
    """A try that failed and may succeed later; ``wait_s`` is what the server asks for."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class NotToBeHad(Exception):
    """This place does not give the file, however often it is asked."""


class OtherBytes(Exception):
    """An answer that cannot be joined to what is here: begin again at the first byte."""


class NothingMore(Exception):
    """There are no bytes after those that are here; ``total`` is the size, None if unsaid."""

    def __init__(self, total: int | None) -> None:
        super().__init__()
        self.total = total


@dataclass
class Answer:
    """The bytes of a file from ``start`` on.

    Attributes
    ----------
    start
        Number of the first byte.
    total
        Size of the file; None where it is not said.
    promised
        How many bytes follow; None where it is not said and the end of the connection is the end.
    tag, modified
        Strong ETag and Last-Modified, empty where there is none.
    """

    start: int
    total: int | None
    promised: int | None
    tag: str
    modified: str
    stream: Any

    def blocks(self) -> Iterator[bytes]:
        """The bytes as they come; TryAgain if the connection ends before what was promised."""
        got = 0
        while self.promised is None or got < self.promised:
            most = _BLOCK if self.promised is None else min(_BLOCK, self.promised - got)
            try:
                block = self.stream.read1(most)
            except (OSError, http.client.HTTPException, ValueError) as reason:
                msg = f"the transfer broke off after {got} bytes ({_told(reason)})"
                raise TryAgain(msg) from None
            if not block:
                break
            got += len(block)
            yield block
        if self.promised is not None and got < self.promised:
            msg = f"the connection ended after {got} of {self.promised} bytes"
            raise TryAgain(msg)

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError, http.client.HTTPException):
            self.stream.close()


class Connections:
    """Asks for files; ``stop`` ends every transfer from another thread."""

    def __init__(self, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            _handler(self._connected, read_timeout_s),
            _secure_handler(self._connected, read_timeout_s),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def _connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)
        # A transfer may connect while all are ended.
        if self.stopped.is_set():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End all transfers; each raises TryAgain where it waits for bytes."""
        self.stopped.set()
        with self._lock:
            for connection in list(self._sockets):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def answer(self, url: str, have: int, tag: str = "") -> Answer:
        """Ask for a file from byte ``have`` on, if it still has the ETag ``tag``.

        Raises TryAgain, NotToBeHad, NothingMore (416), OtherBytes (an answer 206 that does not
        say from where it is, or begins after ``have``).
        """
        if urlsplit(url).scheme == "file":
            return _of_folder(Path(unquote(urlsplit(url).path)), have)
        headers = {
            "Accept-Encoding": "identity",
            "User-Agent": f"radiograph/{installed_version('radiograph')}",
        }
        if have:
            headers["Range"] = f"bytes={have}-"
            if tag:
                headers["If-Range"] = tag
        request = urllib.request.Request(url, headers=headers)
        try:
            response = self._opener.open(request, timeout=self._connect_timeout_s)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise _refused(refusal, url) from None
        except ssl.SSLCertVerificationError as reason:
            msg = f"{url}: {_told(reason)}"
            raise NotToBeHad(msg) from None
        except urllib.error.URLError as reason:
            if isinstance(reason.reason, ssl.SSLCertVerificationError | str):
                msg = f"{url}: {reason.reason}"
                raise NotToBeHad(msg) from None
            msg = f"{url}: {_told(reason.reason)}"
            raise TryAgain(msg) from None
        except (OSError, http.client.HTTPException, ValueError) as reason:
            msg = f"{url}: {_told(reason)}"
            raise TryAgain(msg) from None
        try:
            return _understood(response, have)
        except OtherBytes:
            response.close()
            raise


def _told(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no bytes within the time-out"
    return str(reason) or type(reason).__name__


def _understood(response: Any, have: int) -> Answer:
    tag = response.headers.get("ETag", "").strip()
    tag = tag if tag.startswith('"') else ""
    modified = response.headers.get("Last-Modified", "").strip()
    length = response.headers.get("Content-Length", "").strip()
    promised = int(length) if length.isascii() and length.isdigit() else None
    if response.status != 206:
        return Answer(0, promised, promised, tag, modified, response)
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None:
        msg = f"Content-Range {response.headers.get('Content-Range', '')!r} says nothing"
        raise OtherBytes(msg)
    first, last = int(found[1]), int(found[2])
    total = None if found[3] == "*" else int(found[3])
    if first > have or last < first or (total is not None and last >= total):
        msg = f"asked for byte {have}, got Content-Range {found[0].strip()}"
        raise OtherBytes(msg)
    # A server that gives less than the rest is asked for more when it is through.
    return Answer(first, total, last - first + 1, tag, modified, response)


def _refused(refusal: urllib.error.HTTPError, url: str) -> Exception:
    status = refusal.code
    text = f"{url}: the server answers {status} {refusal.reason}"
    if status == 416:
        found = _UNSATISFIED.fullmatch(refusal.headers.get("Content-Range", ""))
        return NothingMore(None if found is None else int(found[1]))
    if status in _AGAIN or status >= 500:
        wait_s = _retry_after_s(refusal.headers.get("Retry-After", ""))
        return TryAgain(text, wait_s if status in (429, 503) else 0.0)
    return NotToBeHad(text)


def _retry_after_s(text: str) -> float:
    """Seconds that Retry-After asks for: a number, or a date (RFC 9110, 10.2.3)."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT_S)
    with suppress(ValueError, TypeError):
        wait_s = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        return min(max(wait_s, 0.0), _LONGEST_WAIT_S)
    return 0.0


def _of_folder(path: Path, have: int) -> Answer:
    try:
        stream = path.open("rb")
    except OSError as reason:
        msg = f"{path}: {reason.strerror or reason}"
        raise NotToBeHad(msg) from None
    size = os.fstat(stream.fileno()).st_size
    if have and have >= size:
        stream.close()
        raise NothingMore(size)
    stream.seek(have)
    return Answer(have, size, size - have, "", "", stream)


def _handler(connected: Any, read_timeout_s: float) -> urllib.request.HTTPHandler:
    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(read_timeout_s)
            connected(self.sock)

    class Handler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Connection, req)

    return Handler()


def _secure_handler(connected: Any, read_timeout_s: float) -> urllib.request.HTTPSHandler:
    class Connection(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(read_timeout_s)
            connected(self.sock)

    class Handler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            return self.do_open(Connection, req, context=ssl.create_default_context())

    return Handler()
