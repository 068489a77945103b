"""A server of a folder of archives that goes wrong as servers do: for tests and for practice.

It listens on this machine only. What it sends is counted, so that a test can tell a resumed
transfer from one that began again.
"""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

Mode = Literal["ok", "no_range", "ignore_range", "aligned", "no_length", "redirect"]

_HOST: Final = "127.0.0.1"
_ALIGNMENT: Final = 1 << 16
_BLOCK: Final = 1 << 16
_MOVED: Final = "/moved/"
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Faults:
    """What goes wrong, each for the first answers about a file.

    Attributes
    ----------
    mode
        ok; no_range: whole files only, and it says so; ignore_range: the same, unsaid; aligned: an
        answer begins at a multiple of 64 KiB, before what was asked; no_length: no answer says how
        long it is; redirect: files have moved.
    cut_bytes, cuts
        The connection ends after so many bytes, in so many answers; 0 bytes = never.
    busy
        Answers 503 with Retry-After: 0.
    stalls
        Answers that stop half way and leave the connection open.
    corrupt
        Answers in which one byte is another.
    stall_s
        How long a stalled connection stays open.
    """

    mode: Mode = "ok"
    cut_bytes: int = 0
    cuts: int = 1
    busy: int = 0
    stalls: int = 0
    corrupt: int = 0
    stall_s: float = 3600.0


@dataclass
class Served:
    """What a server has sent: bytes of bodies and answers by file, first bytes of the bodies."""

    bytes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    starts: list[int] = field(default_factory=list)


class CampaignServer(ThreadingHTTPServer):
    """The server of one folder; port 0 = any free one."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: Path, faults: Faults | None = None, port: int = 0) -> None:
        self.folder = folder
        self.faults = faults or Faults()
        self.served = Served()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        super().__init__((_HOST, port), _Answer)

    @property
    def url(self) -> str:
        """Where the files are, with a slash at the end."""
        return f"http://{_HOST}:{self.server_address[1]}/"

    def __enter__(self) -> CampaignServer:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that went away is what this server is for."""


class _Answer(BaseHTTPRequestHandler):
    server: CampaignServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.close_connection = True
        name = unquote(urlsplit(self.path).path).rpartition("/")[2]
        path = self.server.folder / name
        faults = self.server.faults
        if not name or not path.is_file():
            self._short_answer(404, b"<!DOCTYPE html><title>not found</title>")
            return
        if faults.mode == "redirect" and not self.path.startswith(_MOVED):
            self.send_response(302)
            self.send_header("Location", f"{_MOVED}{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with self.server.lock:
            number = self.server.served.answers[name]
            self.server.served.answers[name] += 1
        if number < faults.busy:
            self._short_answer(503, b"busy", ("Retry-After", "0"))
            return
        self._send(path, number - faults.busy, with_body=with_body)

    def _short_answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for header in (*headers, ("Content-Length", str(len(body))), ("Connection", "close")):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def _send(self, path: Path, number: int, *, with_body: bool) -> None:
        state = path.stat()
        tag = f'"{state.st_size:x}-{state.st_mtime_ns:x}"'
        asked = self._asked(tag)
        mode = self.server.faults.mode
        if asked is not None and asked >= state.st_size:
            self._short_answer(416, b"", ("Content-Range", f"bytes */{state.st_size}"))
            return
        start = 0 if asked is None else asked
        if mode == "aligned":
            start -= start % _ALIGNMENT
        self.send_response(200 if asked is None else 206)
        if asked is not None:
            last = state.st_size - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{state.st_size}")
        if mode != "no_length":
            self.send_header("Content-Length", str(state.st_size - start))
            self.send_header("ETag", tag)
        self.send_header("Accept-Ranges", "none" if mode == "no_range" else "bytes")
        self.send_header("Connection", "close")
        self.end_headers()
        if with_body:
            self.server.served.starts.append(start)
            self._send_body(path, start, state.st_size - start, number)

    def _asked(self, tag: str) -> int | None:
        """The first byte that is asked for and will be given; None for the whole file."""
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        if found is None or self.server.faults.mode in ("no_range", "ignore_range"):
            return None
        return int(found[1]) if self.headers.get("If-Range", tag) == tag else None

    def _send_body(self, path: Path, start: int, length: int, number: int) -> None:
        faults = self.server.faults
        stalled = number < faults.stalls
        cut = bool(faults.cut_bytes) and number < faults.cuts
        end = length // 2 if stalled else min(faults.cut_bytes, length) if cut else length
        wrong = length // 2 if number < faults.corrupt else -1
        with path.open("rb") as stream:
            stream.seek(start)
            for first in range(0, end, _BLOCK):
                block = bytearray(stream.read(min(_BLOCK, end - first)))
                if 0 <= wrong - first < len(block):
                    block[wrong - first] ^= 0x55
                self.wfile.write(block)
                with self.server.lock:
                    self.server.served.bytes[path.name] += len(block)
        if stalled:
            self.server.stopping.wait(faults.stall_s)
        self.connection.shutdown(socket.SHUT_RDWR)
