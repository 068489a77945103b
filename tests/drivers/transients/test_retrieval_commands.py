"""fetch, verify, extract and status as a user calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.main import guarded
from radiograph.drivers.transients.campaign_server import CampaignServer
from radiograph.drivers.transients.simulation import write_campaign
from radiograph.schemas.transient_simulation import TransientSimulationSettings

SETTINGS = """
[pipeline]
name = "transients"
[io]
input_path = "campaign"
[transients.retrieval]
backoff_s = 0.001
tries = 2
"""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A campaign of two runs on a server."""
    folder = tmp_path_factory.mktemp("simulated")
    with CampaignServer(folder / "download") as server:
        few: dict[str, Any] = {"steps": 1, "hits": 2, "planted": (), "damage": (), "stray": 1}
        several = [TransientSimulationSettings(run=run, parts=run - 5, **few) for run in (6, 7)]
        write_campaign(several, folder, url=server.url)
        yield folder, server.url


@pytest.fixture
def toml(simulated: tuple[Path, str], tmp_path: Path) -> Path:
    """Settings beside a campaign folder with manifest and logbook only."""
    campaign = tmp_path / "campaign"
    campaign.mkdir()
    for name in ("runs_summary.csv", "logbook.csv", "logbook.xlsx"):
        shutil.copy(simulated[0] / name, campaign)
    path = tmp_path / "transients.toml"
    path.write_text(SETTINGS, "utf-8")
    return path


def called(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0
) -> tuple[str, str]:
    capsys.readouterr()
    assert guarded(["transients", *map(str, arguments)]) == code
    said = capsys.readouterr()
    return said.out, said.err


def test_from_the_server_to_recordings(
    toml: Path, simulated: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = toml.parent / "campaign"
    before = sorted(campaign.iterdir())
    said, _ = called(capsys, "fetch", toml, "--dry-run")
    assert said.count(": absent") == 4
    assert sorted(campaign.iterdir()) == before
    said, notes = called(capsys, "fetch", toml, "7")
    assert [line.split(" (")[0] for line in said.splitlines()] == [
        "glasgow_data.tar: unverified",
        "run_007.tar.partaa: fetched",
        "run_007.tar.partab: fetched",
    ]
    assert "run_007.tar.partaa: fetched" in notes
    for name in ("run_007.tar.partaa", "run_007.tar.partab", "glasgow_data.tar"):
        expected = (simulated[0] / "download" / name).read_bytes()
        assert (campaign / "download" / name).read_bytes() == expected
    said, notes = called(capsys, "fetch", toml, "--quiet")
    assert "run_006.tar: fetched" in said
    assert "run_007.tar.partaa: present" in said
    assert notes == ""
    answer = json.loads(called(capsys, "verify", toml, "--json", "-q")[0])
    assert answer["exit_code"] == 0
    assert {one["file"]: one["state"] for one in answer["files"]} == {
        "glasgow_data.tar": "no_checksum",
        "run_006.tar": "ok",
        "run_007.tar.partaa": "ok",
        "run_007.tar.partab": "ok",
        "run_007": "ok",
    }
    answer = json.loads(called(capsys, "extract", toml, "6-7", "--json", "-q")[0])
    assert [(one["run"], one["state"], one["files"]) for one in answer["archives"]] == [
        ("run_006", "extracted", 3),
        ("run_007", "extracted", 3),
    ]
    answer = json.loads(called(capsys, "status", toml, "--json")[0])
    last = answer["runs"][-1]
    assert (last["run"], last["fetched"], last["verified"], last["joined"]) == (
        "run_007",
        2,
        2,
        True,
    )
    said, _ = called(capsys, "status", toml)
    assert said.splitlines()[0].split()[:4] == ["run", "parts", "fetched", "verified"]
    logs = sorted(path.name.partition("_")[0] for path in (campaign / "logs").iterdir())
    assert logs == ["extract", "fetch", "fetch", "verify"]


def test_runs_of_the_settings_are_meant_where_none_is_named(
    toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml.write_text(SETTINGS + "[transients]\nruns = [6]\n", "utf-8")
    said, _ = called(capsys, "fetch", toml, "--dry-run")
    assert [line.split(":")[0] for line in said.splitlines()] == ["glasgow_data.tar", "run_006.tar"]


def test_what_cannot_be_had_is_exit_3_and_named(
    toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = toml.parent / "campaign/runs_summary.csv"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace("run_006.tar,", "run_00x.tar,"), "utf-8")
    said, notes = called(capsys, "fetch", toml, "6", code=3)
    assert "run_00x.tar: failed" in said
    assert "404" in said
    assert "404" in notes
    said, _ = called(capsys, "verify", toml, "6", code=3)
    assert "run_00x.tar: missing" in said
    said, _ = called(capsys, "extract", toml, "6", code=3)
    assert "run_006: absent" in said


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"run": "8"}, 2, "no run '8' in the manifest; nearest: run_007"),
        ({"run": "glasgow"}, 2, "nearest: glasgow_data"),
        ({"remove": "runs_summary.csv"}, 3, "there is no manifest"),
        ({"manifest": "name,url\nrun_006,http://h/a.tar\n"}, 3, "lacks md5sum"),
        ({"set": "io.input_path=nowhere"}, 2, "does not exist"),
        ({"set": "transients.retrieval.connections=0"}, 2, "connections"),
        ({"set": "transients.log_dir=runs_summary.csv"}, 2, "no log can be written"),
        ({"set": "transients.retrieval.download_dir=logbook.csv"}, 2, "cannot be made"),
    ],
)
def test_bad_input_is_one_sentence(
    toml: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], code: int, said: str
) -> None:
    manifest = toml.parent / "campaign/runs_summary.csv"
    if "remove" in change:
        manifest.unlink()
    if "manifest" in change:
        manifest.write_text(change["manifest"], "utf-8")
    options = ["--set", change["set"]] if "set" in change else []
    runs = [change["run"]] if "run" in change else []
    out, notes = called(capsys, "fetch", toml, *runs, *options, code=code)
    assert out == ""
    assert said in notes
    assert notes.count("\n") == 1


def test_settings_of_another_pipeline_are_refused(
    toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml.write_text('[pipeline]\nname = "lightdqm"\n[io]\ninput_path = "x"\n', "utf-8")
    _, notes = called(capsys, "fetch", toml, code=2)
    assert '"transients"' in notes


def test_who_fetches_loads_no_library_of_a_computation(toml: Path) -> None:
    """Memory and start of the command stay small."""
    program = (
        "import sys; from radiograph.drivers.main import guarded\n"
        "code = guarded(['transients', 'fetch', *sys.argv[1:]])\n"
        "found = {'numpy', 'pandas', 'h5py', 'numba', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'{code} {found}' if code or found else 0)"
    )
    words = [sys.executable, "-c", program, str(toml), "--dry-run"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
