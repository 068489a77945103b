"""Inputs of a run that are wrong: one sentence, the right exit code, nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import pytest
from campaigns import small_members, tar_of, write_campaign
from radiograph.drivers.main import guarded
from radiograph.drivers.transients.known_anomalies import read_anomalies
from radiograph.schemas.errors import InputError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A campaign with an empty archive."""
    return write_campaign(tmp_path, {"run_001": (tar_of({}, packed=True),)})


def told(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 3) -> str:
    capsys.readouterr()
    assert guarded(["run", *map(str, words), "--quiet", "--no-cache"]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_folder_of_a_run_without_recordings(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = config.parent / "campaign"
    (campaign / "download" / "run_001.tar").unlink()
    assert "holds no recordings" in told(capsys, config)
    (campaign / "raw" / "run_001" / "x_000000").mkdir(parents=True)
    (campaign / "raw" / "run_001" / "notes.txt").write_text("nothing else")
    assert "run_001: holds no recordings" in told(capsys, config)
    assert not (config.parent / "out").exists() or not list((config.parent / "out").iterdir())


def test_an_older_file_of_no_stage_and_one_that_is_no_hdf5(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run_001.h5"
    with h5py.File(path, "w") as file:
        keys = {"cf": 1e9, "fs": 20e6, "len_pretrig": 2000, "len_posttrig": 5000}
        file.create_group("meta").attrs.update(
            {"run_id": 1, "processing_stage": 0, **{f"sdr_info_{k}": v for k, v in keys.items()}}
        )
    assert "is no file of processing stage 1 or 2 (stage 0" in told(
        capsys, config, "--input-path", path
    )
    path.write_bytes(b"something else" * 99)
    assert "is no HDF5 file" in told(capsys, config, "--input-path", path)


def test_a_hit_log_without_its_column(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = config.parent / "campaign" / "mcb2022_glasgow" / "run_001"
    folder.mkdir(parents=True)
    (folder / "hit_log.csv").write_text("time,x_lsb,y_lsb\n1,0,0\n")
    said = told(capsys, config, "--target", "hit_log")
    assert "the first column is ['time'], it must be hw_ts_10us" in said


def test_labels_that_are_none(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("number,kind\n1,0\n")
    with pytest.raises(InputError, match="it needs transient and kind or type"):
        read_anomalies(path)
    path.write_text("transient,type\ntran_000003,57\n")
    assert read_anomalies(path)["number"].tolist() == [3]
    path.write_text("transient,type\ntran_000003,57\nnobody,1\n")
    with pytest.raises(InputError, match="1 value that cannot be"):
        read_anomalies(path)
    said = told(capsys, config, "--set", f"transients.labels={tmp_path / 'absent.csv'}")
    assert "absent.csv" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.parent.chmod(0o555)
    try:
        assert "out" in told(capsys, config, code=2)
    finally:
        config.parent.chmod(0o755)


def test_a_campaign_is_not_written_to(tmp_path: Path) -> None:
    few = dict(list(small_members().items())[:2])
    config = write_campaign(tmp_path, {"run_001": (tar_of(few, packed=True),)})
    campaign = tmp_path / "campaign"
    before = sorted(p for p in campaign.rglob("*"))
    assert guarded(["run", str(config), "--quiet", "--until", "structure"]) == 0
    assert sorted(p for p in campaign.rglob("*")) == before


def test_no_output_takes_the_place_of_what_lies_in_a_folder_of_a_run(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = tmp_path / "campaign"
    (campaign / "download" / "run_001.tar").unlink()
    # The folder of the run may stand on another disk, whatever it is called there.
    far, fpga = tmp_path / "far", campaign / "mcb2022_glasgow" / "run_001"
    for name, content in small_members().items():
        path = far / Path(name).relative_to("run_001")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (campaign / "raw").mkdir()
    (campaign / "raw" / "run_001").symlink_to(far)
    fpga.mkdir(parents=True)
    (fpga / "hit_log.csv").write_text("hw_ts_10us,x_lsb,y_lsb\n1,0,0\n")
    out = tmp_path / "out.h5"
    kept = [far / "x_000100" / "y_000100" / "trig_000011.dat", fpga / "hit_log.csv"]
    for path in kept:
        before = path.read_bytes()
        out.symlink_to(path)
        told_of = told(capsys, config, "-o", out, "--overwrite", code=2)
        assert "is read by this run and would be replaced" in told_of
        assert path.read_bytes() == before
        out.unlink()
    own = tmp_path / "own.h5"
    words = ["run", str(config), "-o", str(own), "--until", "structure", "--no-cache", "--quiet"]
    assert guarded(words) == 0
    out.symlink_to(kept[0])
    for form in ("ml4see", "sigmf"):
        place = out if form == "ml4see" else tmp_path / "out.sigmf-data"
        if place != out:
            out.rename(place)
        before = kept[0].read_bytes()
        words = ["export", str(own), "--to", form, "-o", str(place), "--overwrite"]
        assert guarded(words) == 2
        assert "would be replaced" in capsys.readouterr().err
        assert kept[0].read_bytes() == before


def test_a_part_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = tar_of(small_members(), packed=True)
    parts = (content[:900], content[900:])
    whole = (tar_of(small_members(2, 1), packed=True),)
    config = write_campaign(tmp_path, {"run_001": parts, "run_002": whole})
    download = tmp_path / "campaign" / "download"
    (download / "run_001.tar.partab").unlink()
    words = ["run", str(config), "--until", "structure", "--no-cache"]
    assert guarded(words) == 0
    assert "run_001 is left out: run_001.tar.partab is not there" in capsys.readouterr().err
    (download / "run_002.tar").unlink()
    assert "run_001.tar.partab: is not there; run_001 needs all" in told(capsys, config)
    (download / "run_001.tar.partab").write_bytes(parts[0])
    (download / "run_001.tar.partaa").write_bytes(parts[1])
    assert "look at the order of its parts" in told(capsys, config)
