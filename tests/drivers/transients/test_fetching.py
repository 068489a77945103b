"""Transfers from a server that goes wrong: the file ends whole and verified, or is not there."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest
from campaign import QUICK, Campaign, Serve, md5_of
from radiograph.drivers.transients import campaign_server
from radiograph.drivers.transients.retrieval import fetching, transfer
from radiograph.drivers.transients.retrieval.answers import _retry_after_s
from radiograph.drivers.transients.retrieval.fetching import (
    exit_code,
    fetched,
    foreseen,
    mirror_urls,
)
from radiograph.drivers.transients.retrieval.locks import held
from radiograph.drivers.transients.retrieval.telling import telling
from radiograph.schemas.errors import UsageError
from radiograph.schemas.transients.manifest import Archive, RemoteFile

SIZE = 300_001
CUT = 100_000
ALIGNED = 1 << 16
# Bytes that a server sends in all, when it ends the connection twice after CUT bytes.
SENT = {
    "ok": SIZE,
    "redirect": SIZE,
    "no_length": SIZE,
    "no_range": SIZE + 2 * CUT,
    "ignore_range": SIZE + 2 * CUT,
    # 100,000 -> asked, 65,536 given; 165,536 -> asked, 131,072 given.
    "aligned": SIZE + (CUT - ALIGNED) + (ALIGNED + CUT - 2 * ALIGNED),
}


@pytest.mark.parametrize("mode", get_args(campaign_server.Mode))
def test_a_file_is_whole_and_every_byte_came_once(
    campaign: Campaign, serve: Serve, mode: str
) -> None:
    server = serve(mode=mode)
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert (report.state, report.size, report.received) == ("fetched", SIZE, SIZE)
    assert campaign.here() == campaign.bytes_of
    assert server.served.bytes["a.tar"] == SIZE


@pytest.mark.parametrize("mode", get_args(campaign_server.Mode))
@pytest.mark.parametrize("with_md5", [True, False])
def test_a_cut_transfer_goes_on_where_the_server_says(
    campaign: Campaign, serve: Serve, mode: str, with_md5: bool
) -> None:
    server = serve(mode=mode, cut_bytes=CUT, cuts=2)
    archive = campaign.archive(server.url, "a.tar", md5=None if with_md5 else "")
    (report,) = campaign.fetch(archive)
    assert report.state == ("fetched" if with_md5 else "unverified")
    assert campaign.here() == campaign.bytes_of
    assert server.served.bytes["a.tar"] == SENT[mode] == report.received


@pytest.mark.parametrize("mode", get_args(campaign_server.Mode))
def test_the_rest_of_an_earlier_transfer_is_gone_on_with(
    campaign: Campaign, serve: Serve, mode: str
) -> None:
    server = serve(mode=mode)
    campaign.places.downloads.mkdir()
    content = campaign.bytes_of["a.tar"]
    (campaign.places.downloads / "a.tar.part").write_bytes(content[:CUT])
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert campaign.here() == campaign.bytes_of
    start = {"no_range": 0, "ignore_range": 0, "aligned": ALIGNED}.get(mode, CUT)
    assert server.served.bytes["a.tar"] == SIZE - start


def test_a_rest_that_nothing_proves_is_not_gone_on_with(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.places.downloads.mkdir()
    (campaign.places.downloads / "a.tar.part").write_bytes(b"something else")
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar", md5=""))
    assert report.state == "unverified"
    assert campaign.here() == campaign.bytes_of
    assert server.served.starts == [0]


def test_a_rest_of_another_file_is_dropped_after_one_whole_transfer(
    campaign: Campaign, serve: Serve
) -> None:
    server = serve()
    campaign.places.downloads.mkdir()
    (campaign.places.downloads / "a.tar.part").write_bytes(b"x" * CUT)
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert campaign.here() == campaign.bytes_of
    assert server.served.starts == [CUT, 0]


def test_an_overlap_that_differs_begins_again(campaign: Campaign, serve: Serve) -> None:
    server = serve(mode="aligned")
    campaign.places.downloads.mkdir()
    content = campaign.bytes_of["a.tar"]
    (campaign.places.downloads / "a.tar.part").write_bytes(content[:ALIGNED] + b"x" * 1000)
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert campaign.here() == campaign.bytes_of
    assert server.served.starts == [ALIGNED, 0]


@pytest.mark.parametrize("mode", ["aligned", "ignore_range"])
def test_without_md5_an_overlap_that_differs_is_not_mixed(
    campaign: Campaign, serve: Serve, mode: str
) -> None:
    server = serve(mode=mode)
    folder = campaign.places.downloads
    folder.mkdir()
    (folder / "a.tar.part").write_bytes(campaign.bytes_of["a.tar"][: CUT - 1000] + b"x" * 1000)
    state = (campaign.server_folder / "a.tar").stat()
    note = {
        "url": f"{server.url}a.tar",
        "tag": f'"{state.st_size:x}-{state.st_mtime_ns:x}"',
        "modified": "",
        "total": SIZE,
    }
    (folder / "a.tar.part.json").write_text(json.dumps(note))
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar", md5=""))
    assert report.state == "unverified"
    assert campaign.here() == campaign.bytes_of
    assert server.served.starts == [ALIGNED if mode == "aligned" else 0, 0]


def test_a_server_that_says_nothing_of_itself_is_believed_when_it_says_it_twice(
    campaign: Campaign, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_server._Answer, "_asked", lambda *_: None)
    server = serve(mode="no_length")
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar", md5=""))
    assert (report.state, server.served.starts) == ("unverified", [0, 0])
    assert campaign.here() == campaign.bytes_of
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar", md5="0" * 32))
    assert report.state == "corrupt"
    assert campaign.here() == {}


@pytest.mark.parametrize("mode", ["ok", "no_length"])
def test_a_file_that_changed_on_the_server_is_fetched_anew(
    campaign: Campaign, serve: Serve, mode: str
) -> None:
    server = serve(mode=mode, cut_bytes=CUT, cuts=1)
    campaign.fetch(campaign.archive(server.url, "a.tar"), tries=1)
    old = campaign.here()
    old_archive = campaign.archive(server.url, "a.tar")
    assert "a.tar" in old
    (campaign.places.downloads / "a.tar").rename(campaign.places.downloads / "a.tar.part")
    os.truncate(campaign.places.downloads / "a.tar.part", CUT)
    note = {"url": f"{server.url}a.tar", "tag": '"old"', "modified": "", "total": SIZE}
    (campaign.places.downloads / "a.tar.part.json").write_text(json.dumps(note))
    campaign.put("a.tar", bytes(reversed(campaign.bytes_of["a.tar"])))
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert campaign.here() == campaign.bytes_of != old
    (stale,) = campaign.fetch(old_archive)
    assert stale.state == "corrupt"
    assert campaign.here() == {}


def test_a_server_whose_tags_never_agree_is_given_up(
    campaign: Campaign, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = campaign_server._Answer._asked
    path = campaign.server_folder / "a.tar"

    def without_if_range(answer: campaign_server._Answer, tag: str) -> int | None:
        os.utime(path, (1, time.time()))
        return asked(answer, answer.headers.get("If-Range", tag))

    monkeypatch.setattr(campaign_server._Answer, "_asked", without_if_range)
    server = serve(cut_bytes=CUT, cuts=10**6)
    reports = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert (reports[0].state, exit_code(reports)) == ("failed", 3)
    assert "another one now" in reports[0].message
    assert server.served.answers["a.tar"] <= 12


def test_no_archive_takes_the_place_of_the_manifest(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.put("logbook.csv", b"something else")
    places = dataclasses.replace(campaign.places, downloads=campaign.folder)
    with (
        telling(places.logs, "fetch", quiet=True) as told,
        pytest.raises(UsageError, match="would replace this file"),
    ):
        fetched([campaign.archive(server.url, "logbook.csv")], places, QUICK, [], told)


def test_a_mirror_is_asked_for_the_name_alone(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.put("a b.tar", b"content")
    part = RemoteFile("a b.tar", "http://127.0.0.1:9/x/a%20b.tar?token=1", md5_of(b"content"))
    (report,) = campaign.fetch(Archive("run_026", (part,)), mirrors=[server.url], tries=1)
    assert report.state == "fetched"


def test_a_whole_rest_is_verified_without_a_byte(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.places.downloads.mkdir()
    (campaign.places.downloads / "a.tar.part").write_bytes(campaign.bytes_of["a.tar"])
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert (report.state, report.received) == ("fetched", 0)
    assert server.served.bytes["a.tar"] == 0


def test_too_long_a_rest_begins_again(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.places.downloads.mkdir()
    (campaign.places.downloads / "a.tar.part").write_bytes(campaign.bytes_of["a.tar"] + b"more")
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert campaign.here() == campaign.bytes_of


def test_a_busy_server_is_asked_again_and_no_byte_twice(campaign: Campaign, serve: Serve) -> None:
    server = serve(busy=3)
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert report.state == "fetched"
    assert server.served.bytes["a.tar"] == SIZE


def test_a_server_that_stays_busy_is_given_up(campaign: Campaign, serve: Serve) -> None:
    server = serve(busy=99)
    reports = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert reports[0].state == "failed"
    assert "503" in reports[0].message
    assert "4 tries" in reports[0].message
    assert exit_code(reports) == 3
    assert campaign.here() == {}


def test_a_stalled_connection_times_out_and_goes_on(campaign: Campaign, serve: Serve) -> None:
    server = serve(stalls=1)
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"), read_timeout_s=0.2)
    assert report.state == "fetched"
    assert server.served.starts == [0, SIZE // 2]
    assert server.served.bytes["a.tar"] == SIZE


def test_one_corrupt_transfer_is_repeated_a_second_is_an_error(
    campaign: Campaign, serve: Serve
) -> None:
    once = serve(corrupt=1)
    (report,) = campaign.fetch(campaign.archive(once.url, "a.tar"))
    assert report.state == "fetched"
    assert once.served.bytes["a.tar"] == 2 * SIZE
    (campaign.places.downloads / "a.tar").unlink()
    always = serve(corrupt=99)
    reports = campaign.fetch(campaign.archive(always.url, "a.tar"))
    assert (reports[0].state, exit_code(reports)) == ("corrupt", 3)
    assert md5_of(campaign.bytes_of["a.tar"]) in reports[0].message
    assert campaign.here() == {}
    assert always.served.bytes["a.tar"] == 2 * SIZE
    (kept,) = campaign.fetch(campaign.archive(always.url, "a.tar", md5="0" * 32), keep=True)
    assert kept.state == "corrupt"
    assert list(campaign.here()) == ["a.tar.corrupt"]


@pytest.mark.parametrize("mode", get_args(campaign_server.Mode))
def test_a_file_that_is_not_that_of_the_manifest_ends_corrupt_in_every_mode(
    campaign: Campaign, serve: Serve, mode: str
) -> None:
    server = serve(mode=mode)
    reports = campaign.fetch(campaign.archive(server.url, "a.tar", md5="0" * 32))
    assert (reports[0].state, exit_code(reports)) == ("corrupt", 3)
    assert campaign.here() == {}


def test_what_is_not_found_is_final_and_an_error_page_is_no_archive(
    campaign: Campaign, serve: Serve
) -> None:
    server = serve()
    (report,) = campaign.fetch(Archive("run_027", (RemoteFile("b.tar", f"{server.url}b.tar", ""),)))
    assert report.state == "failed"
    assert "404" in report.message
    campaign.put("page.tar", b"<!DOCTYPE html><html><body>log in first</body></html>")
    for md5 in ("", "0" * 32):
        (report,) = campaign.fetch(campaign.archive(server.url, "page.tar", md5=md5))
        assert report.state == "failed"
        assert "HTML" in report.message
    assert campaign.here() == {}


def test_a_dead_server_ends_in_time_and_a_mirror_helps(campaign: Campaign, serve: Serve) -> None:
    dead = "http://127.0.0.1:9/"
    archive = campaign.archive(dead, "a.tar")
    reports = campaign.fetch(archive, tries=2)
    assert (reports[0].state, exit_code(reports)) == ("failed", 3)
    assert "127.0.0.1:9" in reports[0].message
    roots = mirror_urls(["nowhere", "server"], campaign.folder)
    assert campaign.fetch(archive, mirrors=roots, tries=1)[0].state == "fetched"
    assert campaign.here() == campaign.bytes_of
    (campaign.places.downloads / "a.tar").unlink()
    wrong = serve(corrupt=99)
    mirror = serve()
    archive = campaign.archive(wrong.url, "a.tar")
    assert campaign.fetch(archive, mirrors=[mirror.url])[0].state == "fetched"
    assert campaign.here() == campaign.bytes_of


def test_what_is_here_is_not_fetched_again(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    archive = campaign.archive(server.url, "a.tar")
    campaign.fetch(archive)
    path = campaign.places.downloads / "a.tar"
    assert campaign.fetch(archive)[0].state == "present"
    assert server.served.answers["a.tar"] == 1
    # Touched: the ledger knows it no more, its content is looked at.
    os.utime(path, (1, 1))
    assert campaign.fetch(archive)[0].state == "present"
    assert server.served.answers["a.tar"] == 1
    # Changed, same size: what was verified is not this.
    content = bytearray(campaign.bytes_of["a.tar"])
    content[5] ^= 1
    path.write_bytes(content)
    assert campaign.fetch(archive)[0].state == "fetched"
    assert campaign.here() == campaign.bytes_of
    # The beginning of the file under its name, as other programs leave it.
    path.write_bytes(campaign.bytes_of["a.tar"][:CUT])
    before = server.served.bytes["a.tar"]
    assert campaign.fetch(archive)[0].state == "fetched"
    assert campaign.here() == campaign.bytes_of
    assert server.served.bytes["a.tar"] - before == SIZE - CUT


def test_without_md5_what_has_the_size_of_the_server_stays(
    campaign: Campaign, serve: Serve
) -> None:
    server = serve()
    campaign.places.downloads.mkdir()
    archive = campaign.archive(server.url, "a.tar", md5="")
    (campaign.places.downloads / "a.tar").write_bytes(campaign.bytes_of["a.tar"])
    assert campaign.fetch(archive)[0].state == "unverified"
    assert server.served.bytes["a.tar"] == 0
    assert campaign.fetch(archive)[0].state == "present"
    (campaign.places.downloads / "a.tar").write_bytes(b"short")
    assert campaign.fetch(archive)[0].state == "unverified"
    assert campaign.here() == campaign.bytes_of


def test_a_size_or_sha256_of_the_manifest_counts(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    url = f"{server.url}a.tar"
    for part in (RemoteFile("a.tar", url, "", 5), RemoteFile("a.tar", url, "", None, "0" * 64)):
        reports = campaign.fetch(Archive("run_026", (part,)))
        assert exit_code(reports) == 3
        assert campaign.here() == {}


def test_connections_are_bounded(
    campaign: Campaign, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"run_026.tar.parta{c}" for c in "abcdefgh"]
    for name in names:
        campaign.put(name, name.encode() * 5000)
    lock, now, most = threading.Lock(), 0, 0
    carried_out = transfer.Transfer.carried_out

    def counted(one: transfer.Transfer) -> transfer.Transferred:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            time.sleep(0.02)
            return carried_out(one)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(transfer.Transfer, "carried_out", counted)
    server = serve(cut_bytes=1000, cuts=2)
    reports = campaign.fetch(campaign.archive(server.url, *names), connections=3)
    assert {report.state for report in reports} == {"fetched"}
    assert most == 3


def test_there_is_no_room(
    campaign: Campaign, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Disk:
        free = 1000

    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: Disk)
    server = serve()
    with pytest.raises(UsageError, match="299,001 are missing") as caught:
        campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert caught.value.exit_code == 2
    assert campaign.here() == {}


def test_an_interrupt_keeps_what_came(campaign: Campaign, serve: Serve) -> None:
    server = serve(stalls=9)
    archive = campaign.archive(server.url, "a.tar")
    part = campaign.places.downloads / "a.tar.part"

    def interrupt() -> None:
        while not (part.exists() and part.stat().st_size == SIZE // 2):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A shell lets what it runs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            campaign.fetch(archive, read_timeout_s=60.0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(campaign.here()) == {"a.tar.part", "a.tar.part.json"}
    assert part.stat().st_size == SIZE // 2


def test_an_interrupt_while_transfers_begin_stops_those_that_have(
    campaign: Campaign, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(stalls=9)
    campaign.put("b.tar", b"never asked for")
    part = campaign.places.downloads / "a.tar.part"

    class Interrupted(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Any:
            super().submit(*arguments, **named)
            while not (part.exists() and part.stat().st_size == SIZE // 2):
                time.sleep(0.01)
            raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        campaign.fetch(campaign.archive(server.url, "a.tar", "b.tar"), read_timeout_s=60.0)
    assert set(campaign.here()) == {"a.tar.part", "a.tar.part.json"}
    assert part.stat().st_size == SIZE // 2


_FETCH = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
from campaign import Campaign, md5_of
campaign = Campaign(Path({folder!r}))
campaign.bytes_of["a.tar"] = (campaign.server_folder / "a.tar").read_bytes()
reports = campaign.fetch(campaign.archive({url!r}, "a.tar"), read_timeout_s=60.0)
print(reports[0].state, reports[0].received)
"""


def _process(campaign: Campaign, url: str) -> subprocess.Popen[str]:
    support = str(Path(__file__).parents[2] / "support")
    text = _FETCH.format(support=support, folder=str(campaign.folder), url=url)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


def test_kill_during_a_transfer_leaves_nothing_under_the_name_and_is_gone_on_with(
    campaign: Campaign, serve: Serve
) -> None:
    server = serve(stalls=1)
    part = campaign.places.downloads / "a.tar.part"
    process = _process(campaign, server.url)
    while not (part.exists() and part.stat().st_size == SIZE // 2):
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert "a.tar" not in campaign.here()
    (report,) = campaign.fetch(campaign.archive(server.url, "a.tar"))
    assert (report.state, report.received) == ("fetched", SIZE - SIZE // 2)
    assert campaign.here() == campaign.bytes_of
    assert server.served.bytes["a.tar"] == SIZE


def test_two_processes_on_one_folder_fetch_a_file_once(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    several = [_process(campaign, server.url) for _ in range(2)]
    said = sorted(process.communicate()[0].split()[0] for process in several)
    assert said == ["fetched", "present"]
    assert campaign.here() == campaign.bytes_of
    assert server.served.bytes["a.tar"] == SIZE


def test_the_second_says_who_holds_a_file(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        held(tmp_path / "x.lock", told.append),
        pytest.raises(KeyboardInterrupt),
        held(tmp_path / "x.lock", told.append, lambda: True),
    ):
        pass
    assert told[0].startswith(f"process {os.getpid()} on ")
    assert not list(tmp_path.iterdir())


def test_a_lock_file_that_was_removed_meanwhile_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.lock"
    flock = fcntl.flock

    def let_go_just_before(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", let_go_just_before)
    with held(path, lambda _: None):
        assert path.read_text().startswith("process ")


def test_each_fetch_writes_a_log_of_its_own(campaign: Campaign, serve: Serve) -> None:
    server = serve(cut_bytes=CUT, cuts=1)
    for _ in range(3):
        campaign.fetch(campaign.archive(server.url, "a.tar"))
    logs = sorted(campaign.places.logs.iterdir())
    assert len(logs) == 3
    first = logs[0].read_text("utf-8")
    assert "WARNING run_026 a.tar the connection ended after 100000 of 300001 bytes" in first
    assert "INFO run_026 a.tar fetched" in first


def test_a_dry_run_asks_nobody_and_writes_nothing(campaign: Campaign) -> None:
    archive = campaign.archive("http://127.0.0.1:9/", "a.tar")
    (report,) = foreseen([archive], campaign.places)
    assert report.state == "absent"
    assert [p.name for p in campaign.folder.iterdir()] == ["server"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("", 0.0), ("soon", 0.0), ("99999", 3600.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float) -> None:
    assert _retry_after_s(text) == seconds


def test_an_empty_file_is_a_file(campaign: Campaign, serve: Serve) -> None:
    campaign.put("empty.tar", b"")
    server = serve()
    (report,) = campaign.fetch(campaign.archive(server.url, "empty.tar"))
    assert (report.state, report.size) == ("fetched", 0)
    assert campaign.here() == {"empty.tar": b""}


def test_a_folder_that_cannot_be_written_to(campaign: Campaign, serve: Serve) -> None:
    campaign.places.downloads.write_bytes(b"a file where the folder should be")
    server = serve()
    with pytest.raises(UsageError, match="cannot be made"):
        campaign.fetch(campaign.archive(server.url, "a.tar"))
