"""Archives verified and unpacked: nothing outside, nothing half, nothing taken for whole."""

from __future__ import annotations

import csv
import gzip
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import xxhash
from campaign import Campaign
from radiograph.drivers.transients.retrieval import members
from radiograph.drivers.transients.retrieval.extracting import (
    Extracted,
    ExtractWishes,
    exit_code,
    extracted,
)
from radiograph.drivers.transients.retrieval.status import statuses, table
from radiograph.drivers.transients.retrieval.telling import telling
from radiograph.drivers.transients.retrieval.verifying import Verified, verified
from radiograph.drivers.transients.retrieval.verifying import exit_code as verify_exit_code
from radiograph.schemas.errors import UsageError
from radiograph.schemas.transients.manifest import Archive

GOOD = "run_026/x_000000/y_-00093/trig_000000.dat"
OTHER = "run_026/x_000000/y_-00093/trig_000001.dat"
WISHES = ExtractWishes(processes=2, largest=1_000_000)
Change = Callable[[tarfile.TarInfo], Any]


def tar_of(*members_: tuple[str, bytes, Change | None]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, change in members_:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if change is not None:
                change(info)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def kind(type_: bytes, **more: Any) -> Change:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.size = type_, 0
        for name, value in more.items():
            setattr(info, name, value)

    return change


def mode(bits: int) -> Change:
    return lambda info: setattr(info, "mode", bits)


def put(campaign: Campaign, *parts: bytes, md5: str | None = None) -> Archive:
    """An archive in parts as it was fetched."""
    names = [f"run_026.tar.parta{c}" for c in "abc"[: len(parts)]]
    names = names if len(parts) > 1 else ["run_026.tar"]
    campaign.places.downloads.mkdir(exist_ok=True)
    for name, content in zip(names, parts, strict=True):
        campaign.put(name, content)
        (campaign.places.downloads / name).write_bytes(content)
    return campaign.archive("http://127.0.0.1:9/", *names, md5=md5)


def check(campaign: Campaign, *archives: Archive, **options: bool) -> list[Verified]:
    with telling(campaign.places.logs, "verify", quiet=True) as told:
        return verified(archives, campaign.places, 2, told, **options)


def extract(campaign: Campaign, *archives: Archive, **options: Any) -> list[Extracted]:
    with telling(campaign.places.logs, "extract", quiet=True) as told:
        wishes = ExtractWishes(**{**vars(WISHES), **options})
        return extracted(archives, campaign.places, wishes, told)


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def cut(content: bytes, n: int) -> Iterable[bytes]:
    size = -(-len(content) // n)
    return (content[k * size : (k + 1) * size] for k in range(n))


HONEST = tar_of(
    ("run_026/x_000000/y_-00093", b"", kind(tarfile.DIRTYPE)),
    (GOOD, b"first" * 100, None),
    ("run_026/notes.dat", b"a note", None),
    (OTHER, b"", None),
)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("n_parts", [1, 3])
def test_recordings_come_out_of_any_container(
    campaign: Campaign, zipped: bool, n_parts: int
) -> None:
    content = gzip.compress(HONEST) if zipped else HONEST
    archive = put(campaign, *cut(content, n_parts))
    states = check(campaign, archive)
    assert {one.state for one in states} == {"ok"}
    assert len(states) == (1 if n_parts == 1 else 4)
    (found,) = extract(campaign, archive)
    assert (found.state, found.files, found.foreign) == ("extracted", 2, 1)
    assert "run_026/notes.dat" in found.message
    assert exit_code([found]) == 0
    run = campaign.places.raw / "run_026"
    assert tree(campaign.places.raw) == [
        f"run_026/{name}"
        for name in ("members.csv", GOOD.partition("/")[2], OTHER.partition("/")[2])
    ]
    assert (run / "x_000000/y_-00093/trig_000000.dat").read_bytes() == b"first" * 100
    with (run / "members.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    hashed = xxhash.xxh3_64_hexdigest(b"first" * 100)
    assert rows[:2] == [
        ["name", "size", "xxh3"],
        ["x_000000/y_-00093/trig_000000.dat", "500", hashed],
    ]
    assert extract(campaign, archive)[0].state == "present"


EVIL: dict[str, tuple[str, bytes, Change | None]] = {
    "parent": ("run_026/../../outside.dat", b"x", None),
    "parent_windows": ("run_026\\..\\..\\outside.dat", b"x", None),
    "absolute": ("/tmp/radiograph_outside.dat", b"x", None),
    "drive": ("C:/outside.dat", b"x", None),
    "symlink": (OTHER, b"", kind(tarfile.SYMTYPE, linkname="/etc/passwd")),
    "symlink_folder": ("run_026/x_000000", b"", kind(tarfile.SYMTYPE, linkname="/tmp")),
    "hardlink": (OTHER, b"", kind(tarfile.LNKTYPE, linkname=GOOD)),
    "fifo": (OTHER, b"", kind(tarfile.FIFOTYPE)),
    "device": (OTHER, b"", kind(tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "block": (OTHER, b"", kind(tarfile.BLKTYPE, devmajor=8, devminor=0)),
    "setuid": (OTHER, b"x", mode(0o4755)),
    "setgid": (OTHER, b"x", mode(0o2755)),
    "twice": (GOOD, b"second", None),
    "twice_foreign": ("run_026/notes.dat", b"x", None),
}


@pytest.mark.parametrize("name", EVIL)
def test_a_hostile_archive_leaves_nothing_anywhere(campaign: Campaign, name: str) -> None:
    content = tar_of(
        (GOOD, b"first", None),
        ("run_026/notes.dat", b"n", None),
        EVIL[name],
        (OTHER.replace("000001", "000002"), b"y", None),
    )
    archive = put(campaign, gzip.compress(content))
    check(campaign, archive)
    before = tree(campaign.folder)
    (found,) = extract(campaign, archive)
    assert found.state == "hostile"
    assert EVIL[name][0].replace("\\", "\\\\") in found.message
    assert exit_code([found]) == 3
    assert list(campaign.places.raw.iterdir()) == []
    assert [p for p in tree(campaign.folder) if p not in before and "logs" not in p] == []
    assert not Path("/tmp/radiograph_outside.dat").exists()


def test_a_member_of_another_run_or_too_large_is_left_out(campaign: Campaign) -> None:
    content = tar_of(
        (GOOD, b"first", None),
        (OTHER, b"x" * 2000, None),
        (GOOD.replace("run_026", "run_027"), b"x", None),
    )
    archive = put(campaign, content)
    check(campaign, archive)
    (found,) = extract(campaign, archive, largest=1000)
    assert (found.state, found.files, found.foreign, found.too_large) == ("extracted", 1, 1, 1)
    assert OTHER in found.message
    assert exit_code([found]) == 3


def test_names_that_no_terminal_can_show_are_escaped(campaign: Campaign) -> None:
    odd = "run_026/caf\udce9\n\x1b[31m.dat"
    archive = put(campaign, tar_of((GOOD, b"first", None), (odd, b"x", None)))
    (found,) = extract(campaign, archive, unverified=True)
    assert (found.state, found.foreign) == ("extracted", 1)
    assert r"caf\udce9\n\x1b[31m.dat" in found.message


def _long_header(size: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf(tarfile.GNU_FORMAT) + b"a" * 2048


_FIRST = tar_of((GOOD, b"first" * 200, None))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"<html><body>error 500</body></html>", "HTML page"),
        (gzip.compress(HONEST)[:-20], "cut or damaged"),
        (gzip.compress(HONEST)[:-4] + b"\0\0\0\1", "cut or damaged"),
        (gzip.compress(HONEST + bytes(6_000_000))[:-4] + b"\0\0\0\1", "cut or damaged"),
        (HONEST[:700], "cut or damaged"),
        (_FIRST[:512], "cut or damaged"),
        (_FIRST[: 512 + 1024], "cut or damaged"),
        (_FIRST[: 512 + 1024] + b"\xff" * 2048, "cut or damaged"),
        (b"\x89PNG and more of no archive at all" * 40, "cut or damaged"),
        (_long_header(1 << 40), "cut or damaged"),
    ],
    ids=[
        "empty",
        "html",
        "gz_cut",
        "gz_size",
        "gz_size_of_padding",
        "cut",
        "no_data",
        "no_end",
        "junk",
        "png",
        "bomb",
    ],
)
def test_a_damaged_archive_is_told_and_leaves_nothing(
    campaign: Campaign, content: bytes, text: str
) -> None:
    archive = put(campaign, content)
    (found,) = extract(campaign, archive, unverified=True)
    assert found.state == "damaged"
    assert text in found.message
    assert exit_code([found]) == 3
    assert list(campaign.places.raw.iterdir()) == []


def test_names_may_begin_with_a_dot(campaign: Campaign) -> None:
    archive = put(campaign, tar_of((f"./{GOOD}", b"first", None), ("./notes.dat", b"", None)))
    (found,) = extract(campaign, archive, unverified=True)
    assert (found.state, found.files, found.foreign) == ("extracted", 1, 1)
    twice = put(campaign, tar_of((f"./{GOOD}", b"first", None), (GOOD, b"second", None)))
    assert extract(campaign, twice, unverified=True, overwrite=True)[0].state == "hostile"


@pytest.mark.parametrize("zipped", [False, True])
def test_an_empty_tar_is_valid(campaign: Campaign, zipped: bool) -> None:
    content = tar_of()
    archive = put(campaign, gzip.compress(content) if zipped else content)
    check(campaign, archive)
    (found,) = extract(campaign, archive)
    assert (found.state, found.files) == ("extracted", 0)
    assert tree(campaign.places.raw) == ["run_026/members.csv"]


def test_only_what_was_verified_is_unpacked(campaign: Campaign) -> None:
    archive = put(campaign, HONEST)
    (found,) = extract(campaign, archive)
    assert (found.state, exit_code([found])) == ("not_verified", 3)
    check(campaign, archive)
    path = campaign.places.downloads / "run_026.tar"
    path.write_bytes(HONEST + b"\0")
    assert extract(campaign, archive)[0].state == "not_verified"
    assert extract(campaign, archive, unverified=True)[0].state == "extracted"
    path.unlink()
    assert extract(campaign, archive)[0].state == "absent"


def test_a_folder_that_is_there_is_not_replaced_unasked(campaign: Campaign) -> None:
    archive = put(campaign, HONEST)
    check(campaign, archive)
    mine = campaign.places.raw / "run_026" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (found,) = extract(campaign, archive)
    assert (found.state, exit_code([found])) == ("exists", 2)
    assert mine.read_text() == "mine"
    assert extract(campaign, archive, overwrite=True)[0].state == "extracted"
    assert not mine.exists()
    assert [p.name for p in campaign.places.raw.iterdir()] == ["run_026"]


_EXTRACT = """
import sys, time
from pathlib import Path
sys.path[:0] = {folders!r}
from campaign import Campaign
import test_extracting as t
from radiograph.drivers.transients.retrieval import extracting
campaign = Campaign(Path({folder!r}))
campaign.bytes_of["run_026.tar"] = t.HONEST
write = extracting._write_new
def slowly(path, content):
    write(path, content)
    time.sleep(60)
extracting._write_new = slowly
t.extract(campaign, campaign.archive("http://127.0.0.1:9/", "run_026.tar"))
"""


def test_a_killed_extraction_is_not_taken_for_a_whole_one(campaign: Campaign) -> None:
    archive = put(campaign, HONEST)
    check(campaign, archive)
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "support")]
    text = _EXTRACT.format(folders=folders, folder=str(campaign.folder))
    process = subprocess.Popen([sys.executable, "-c", text])
    first = campaign.places.raw / "run_026.partial/x_000000/y_-00093/trig_000000.dat"
    while not first.exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert statuses([archive], campaign.places)[0].extracted is False
    assert not (campaign.places.raw / "run_026").exists()
    (found,) = extract(campaign, archive)
    assert (found.state, found.files) == ("extracted", 2)
    assert [p.name for p in campaign.places.raw.iterdir()] == ["run_026"]


def test_python_without_filters_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(UsageError, match=r"3\.11\.4"):
        members.check_python()


def test_verify_names_every_state(campaign: Campaign) -> None:
    archive = put(campaign, *cut(HONEST, 3))
    folder = campaign.places.downloads
    assert [one.state for one in check(campaign, archive)] == ["ok"] * 4
    (folder / "run_026.tar.partab").rename(folder / "run_026.tar.partab.part")
    (folder / "run_026.tar.partac").unlink()
    found = check(campaign, archive)
    assert [one.state for one in found] == ["ok", "incomplete", "missing"]
    assert verify_exit_code(found) == 3
    first = folder / "run_026.tar.partaa"
    first.write_bytes(b"x" * first.stat().st_size)
    assert check(campaign, archive, keep=True)[0].state == "corrupt"
    assert check(campaign, archive, dry_run=True)[0].state == "corrupt"
    assert first.exists()
    assert "removed" in check(campaign, archive)[0].message
    assert not first.exists()


def test_parts_in_another_order_are_found_by_the_joined_md5(campaign: Campaign) -> None:
    archive = put(campaign, *cut(HONEST, 3))
    swapped = Archive("run_026", tuple(reversed(archive.parts)), archive.md5, split=True)
    found = check(campaign, swapped)
    assert [one.state for one in found] == ["ok", "ok", "ok", "corrupt"]
    assert "contradicts itself" in found[-1].message
    assert len(campaign.here()) == 3
    assert extract(campaign, swapped)[0].state == "not_verified"


def test_without_md5_a_page_is_corrupt_and_the_rest_has_no_checksum(campaign: Campaign) -> None:
    archive = put(campaign, HONEST, md5="")
    (found,) = check(campaign, archive)
    assert (found.state, verify_exit_code([found])) == ("no_checksum", 0)
    assert extract(campaign, archive)[0].state == "extracted"
    archive = put(campaign, b"<!doctype html><p>gone", md5="")
    (found,) = check(campaign, archive)
    assert (found.state, verify_exit_code([found])) == ("corrupt", 3)


def test_the_fpga_archive_has_its_own_names(campaign: Campaign) -> None:
    content = tar_of(
        ("mcb2022_glasgow/run_026/hit_log.csv", b"hw_ts_10us,x_lsb,y_lsb\n", None),
        ("mcb2022_glasgow/run_026/run_log.txt", b"done\n", None),
        ("mcb2022_glasgow/run_026/other.txt", b"?\n", None),
    )
    campaign.places.downloads.mkdir()
    campaign.put("glasgow_data.tar", content)
    (campaign.places.downloads / "glasgow_data.tar").write_bytes(content)
    found = campaign.archive("http://127.0.0.1:9/", "glasgow_data.tar", md5="")
    archive = Archive("glasgow_data", found.parts)
    check(campaign, archive)
    (found_,) = extract(campaign, archive)
    assert (found_.state, found_.files, found_.foreign) == ("extracted", 2, 1)
    assert tree(campaign.places.raw)[1:] == [
        "mcb2022_glasgow/run_026/hit_log.csv",
        "mcb2022_glasgow/run_026/run_log.txt",
    ]


def test_status_tells_how_far_a_run_is(campaign: Campaign) -> None:
    archive = put(campaign, *cut(HONEST, 3))
    (before,) = statuses([archive], campaign.places)
    assert (before.parts, before.fetched, before.verified, before.joined) == (3, 3, 0, False)
    check(campaign, archive)
    extract(campaign, archive)
    (after,) = statuses([archive], campaign.places)
    assert (after.verified, after.joined, after.extracted, after.recordings) == (3, True, True, 2)
    assert (after.output, after.stale, after.features) == ("", None, None)
    campaign.places.outputs.mkdir()
    output = campaign.places.outputs / "run_026.h5"
    output.write_bytes(b"no HDF5")
    (done,) = statuses([archive], campaign.places)
    assert (done.output, done.stale) == (str(output), False)
    os.utime(output, (1, 1))
    (stale,) = statuses([archive], campaign.places)
    assert stale.stale is True
    text = table([stale])
    assert "3/3 joined" in text
    assert "(stale)" in text
