"""Files at an address: read by ranges, tried again, told as such; what is not there."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from radiograph.drivers.cosmics.simulation import write_cosmics_simulation
from radiograph.drivers.cosmics.stored import stored
from radiograph.drivers.input_paths import check_place
from radiograph.nodes.addresses import address_of
from radiograph.nodes.cosmics.readers import remote
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings
from radiograph.schemas.errors import InputError

FLOW = ("--target", "cut_flow", "--json")


class Server(BaseHTTPRequestHandler):
    """Files of a folder by ranges of bytes; the first ``failing`` requests fail."""

    failing = 0
    version = "1"
    sent = 0

    def __init__(self, *request: Any, folder: Path) -> None:
        self.folder = folder
        super().__init__(*request)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.folder / self.path.lstrip("/")
        if Server.failing > 0 or not path.is_file():
            Server.failing -= 1
            self.send_error(503 if path.is_file() else 404)
            return
        content = path.read_bytes()
        asked = re.fullmatch(r"bytes=\s*(\d+)-(\d+)", self.headers.get("Range", ""))
        body = content[int(asked[1]) : int(asked[2]) + 1] if asked else content
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {asked[1]}-{asked[2]}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", Server.version)
        self.end_headers()
        if with_body:
            Server.sent += len(body)
            self.wfile.write(body)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between tries."""
    found: list[float] = []
    monkeypatch.setattr(remote, "sleep", found.append)
    return found


@pytest.fixture
def events(tmp_path: Path) -> Path:
    made = CosmicsSimulationSettings(n_events=50, basket_events=20, seed=2)
    return write_cosmics_simulation(made, tmp_path / "served").out


@pytest.fixture
def server(events: Path) -> Iterator[str]:
    """The address of the folder of the events."""
    Server.failing, Server.version, Server.sent = 0, "1", 0
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, folder=events.parent))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def test_addresses_survive_as_paths() -> None:
    for address in ("https://host/a/b.root", "root://host:1094//a/b.root"):
        assert address_of(address) == address_of(Path(address)) == address
    assert address_of("root://host/a.root") == "root://host//a.root"
    for path in ("a/b.root", "/root/a.root", "roots", "", "http:"):
        assert address_of(path) == ""


def test_pipelines_that_read_no_addresses_say_so() -> None:
    with pytest.raises(InputError, match=r"https://host/a\.h5: is the address of a remote file"):
        check_place(Path("https://host/a.h5"))


def test_a_file_of_a_server_gives_what_a_copy_gives(
    radiograph: Callable[..., Any],
    events: Path,
    server: str,
    waits: list[float],
    tmp_path: Path,
) -> None:
    address = f"{server}/{events.name}"
    (tmp_path / "c.toml").write_text(
        f'[pipeline]\nname = "cosmics"\n[io]\ninput_path = "{address}"\noutput_path = "o.h5"\n'
        "[output]\nfigures = false\nreport = false\nformats = []\n[cache]\n"
        f'dir = "{tmp_path / "cache"}"\n'
    )
    here = radiograph("cosmics", "flow", events, "--json", "--no-cache")
    there = radiograph("run", tmp_path / "c.toml", "--json")
    assert there.code == 0, there.err
    assert there.json["input"] == [address]
    assert there.json["summary"] == here.json["summary"]
    found = stored(tmp_path / "o.h5")
    flow = found.frames["cut_flow"]
    assert flow["events"].tolist() == [row["events"] for row in here.json["values"]["cut_flow"]]
    (row,) = found.input_files.itertuples()
    assert (row.path, row.status) == (address, "read")
    assert waits == []
    # The same again reads nothing of it, another version does.
    flow_there = ("cosmics", "flow", address, "--json", "--cache-dir", tmp_path / "cache")
    Server.sent = 0
    again = radiograph(*flow_there)
    assert (again.code, Server.sent) == (0, 0)
    assert again.json["values"]["cut_flow"] == here.json["values"]["cut_flow"]
    Server.version = "2"
    assert radiograph(*flow_there).code == 0
    assert Server.sent > 0


def test_a_server_that_stumbles_is_asked_again(
    radiograph: Callable[..., Any], events: Path, server: str, waits: list[float]
) -> None:
    Server.failing = 2
    done = radiograph("cosmics", "flow", f"{server}/{events.name}", "--no-cache", "--json")
    assert done.code == 0, done.err
    assert waits == [1.0, 4.0]


def test_a_file_that_is_not_there_is_bad(
    radiograph: Callable[..., Any], server: str, waits: list[float]
) -> None:
    address = f"{server}/absent.root"
    done = radiograph("cosmics", "flow", address, "--no-cache", "--json")
    assert (done.code, done.json["error"]["code"]) == (3, "unreachable")
    assert done.json["error"]["message"].startswith(f"{address}: does not answer (")
    assert waits == [1.0, 4.0, 16.0]


class OnDisk(LocalFileSystem):
    """Stands for a server of XRootD: what follows its host is a path of this machine."""

    protocol = "root"

    @classmethod
    def _strip_protocol(cls, path: Any, *_: Any) -> str:
        return re.sub(r"^root://[^/]*/", "", str(path))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        # As with fsspec-xrootd: a whole address is no name of a file there.
        assert "://" not in path
        if not Path(path).is_file():
            msg = f"no such file\n {path}\n"
            raise OSError(msg)
        # The time-out, where a test can see that it was given.
        return {**super().info(path), "mtime": self.storage_options["timeout"]}


def test_other_protocols_go_through_fsspec(
    radiograph: Callable[..., Any],
    events: Path,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"root://host:1094/{events}"
    done = radiograph("cosmics", "flow", address, "--no-cache", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "missing_library")
    assert "pip install 'radiograph[remote]'" in done.json["error"]["message"]
    known = importlib.import_module("fsspec.registry")
    monkeypatch.setitem(known._registry, "root", OnDisk)
    read = radiograph("cosmics", "flow", address, "--no-cache", "--json")
    assert read.code == 0, read.err
    assert read.json["input"] == [address]
    assert read.json["values"]["cut_flow"][0]["events"] == 50
    assert waits == []
    assert remote.remote_stamp(Path(address)) == (events.stat().st_size, "30")
    with pytest.raises(InputError, match=r"does not answer \(no such file /absent\.root\)\. Corr"):
        remote.remote_stamp(Path("root://host//absent.root"))
