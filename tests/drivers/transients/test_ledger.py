"""The ledger of a campaign: what was verified, by several at once, damaged, and held."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from campaign import Campaign, Serve, md5_of
from radiograph.drivers.transients.retrieval import ledger as ledgers
from radiograph.drivers.transients.retrieval.ledger import Ledger
from radiograph.schemas.errors import InputError, UsageError


def test_the_ledger_says_what_was_verified(campaign: Campaign, serve: Serve) -> None:
    server = serve()
    campaign.fetch(campaign.archive(server.url, "a.tar"))
    path = campaign.places.downloads / "a.tar"
    known = Ledger(campaign.places.ledger, read_only=True).known(path)
    assert known is not None
    assert (known.state, known.size, known.md5) == ("ok", 300_001, md5_of(path.read_bytes()))
    campaign.places.ledger.write_bytes(b"no database at all, but long enough to be read as one" * 9)
    with pytest.raises(InputError, match="is no ledger"):
        Ledger(campaign.places.ledger).known(path)


def test_a_ledger_that_another_begins_is_waited_for(tmp_path: Path) -> None:
    """SQLite tells at once that a file is locked whose journal is to change, whatever the wait."""
    place = tmp_path / "ledger.sqlite"
    seen = tmp_path / "a.tar"
    seen.write_bytes(b"a")
    with closing(sqlite3.connect(place, isolation_level=None, check_same_thread=False)) as first:
        first.execute("BEGIN IMMEDIATE")
        ending = Timer(0.2, first.rollback)
        ending.start()
        Ledger(place).note_file(seen, "md5", "sha256", "ok")
        ending.join()
    known = Ledger(place, read_only=True).known(seen)
    assert known is not None
    assert known.md5 == "md5"


def test_a_ledger_that_is_held_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_WAIT_S", 0.05)
    place = tmp_path / "ledger.sqlite"
    Ledger(place).forget_file("a.tar")
    with closing(sqlite3.connect(place, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(UsageError, match="Wait for the process that holds it"):
            Ledger(place).forget_file("a.tar")
    Ledger(place).forget_file("a.tar")


def test_a_ledger_that_is_just_being_made_knows_nothing_yet(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    seen = tmp_path / "a.tar"
    seen.write_bytes(b"a")
    place.touch()
    assert Ledger(place, read_only=True).known(seen) is None
    assert Ledger(place, read_only=True).unpacked("a.tar") is None
    Ledger(place).note_unpacked("a.tar", ("md5",), 3, 1)
    found = Ledger(place, read_only=True).unpacked("a.tar")
    assert found is not None
    assert (found.parts, found.members, found.skipped) == (("md5",), 3, 1)
