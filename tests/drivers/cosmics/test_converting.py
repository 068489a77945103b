"""Analysis files of mu2e-cosmic become settings: every key has a place or a comment."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.config import load_config
from radiograph.drivers.cosmics.converting import convert
from radiograph.schemas.errors import ConfigError, UsageError

WHOLE = """\
process:
  defname: nts.mu2e.CosmicCRYSignalAllOnSpill.MDC2020.root
  file_list_path: files.txt
  cutset_name: SU2020b
  branches:
    evt: [run, subrun, event]
  on_spill: false
  cuts_to_toggle: {within_wide_win: false}
  groups_to_toggle: {CRV: true}
  use_remote: true
  location: disk
  max_workers: 50
  use_processes: true
  verbosity: 1
  worker_verbosity: 0
postprocess:
  on_spill: false
  write_events: true
  write_event_info: true
  generated_events: 4e6
  livetime: 1.06887e7
  on_spill_frac: {1batch: 0.322, 2batch: 0.246}
  veto: false
  wilson: true
  info: true
  verbosity: 2
output:
  out_path: ../output/results
"""
LEAST = "process: {file_name: nts.a.root, cutset_name: alpha}\n"


def made(folder: Path, text: str, **options: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    (folder / "ana.yaml").write_text(text)
    written = convert(folder / "ana.yaml", folder / "out.toml", **options)
    return tomllib.loads(written.out.read_text()), written.comments


def test_every_key_finds_its_place(tmp_path: Path) -> None:
    settings, comments = made(tmp_path, WHOLE)
    assert settings == {
        "pipeline": {"name": "cosmics"},
        "io": {"file_list": "files.txt", "output_path": "../output/results"},
        "cuts": {
            "cutset": "SU2020b",
            "on_spill": False,
            "toggle_cuts": {"within_wide_win": False, "unvetoed": False},
            "toggle_groups": {"CRV": True},
        },
        "normalisation": {"generated_events": 4e6, "livetime_s": 1.06887e7},
        "beam": {"on_spill_fraction": {"1batch": 0.322, "2batch": 0.246}},
        "statistics": {"interval": "wilson", "poisson_cl": 0.68},
        "output": {"events": True, "event_info": True},
    }
    for key in ("defname", "branches", "use_remote", "location", "max_workers", "verbosity"):
        assert any(f".{key} = " in text for text in comments), key
    text = (tmp_path / "out.toml").read_text()
    assert all(f"# {comment}\n" in text for comment in comments)


def test_what_is_written_can_be_run(tmp_path: Path) -> None:
    (tmp_path / "files.txt").write_text("nts.a.root\n")
    made(tmp_path, WHOLE)
    config = load_config(tmp_path / "out.toml").config
    assert config.cuts.toggle_cuts == {"within_wide_win": False, "unvetoed": False}
    assert config.normalisation.generated_events == 4e6


def test_what_is_not_given_is_as_theirs(tmp_path: Path) -> None:
    settings, _ = made(tmp_path, LEAST)
    assert settings["cuts"] == {"cutset": "alpha", "on_spill": True}
    assert settings["io"] == {"input_path": "nts.a.root"}
    assert "normalisation" not in settings


def test_the_older_name_of_a_section_and_no_livetime(tmp_path: Path) -> None:
    older = "processor: {file_name: a.root, cutset_name: dev}\npostprocess: {livetime: null}\n"
    settings, comments = made(tmp_path, older)
    assert settings["cuts"]["cutset"] == "dev"
    assert "normalisation" not in settings
    assert "postprocess.livetime is not given" in comments


def test_one_share_of_the_wall_time_is_that_of_one_batch(tmp_path: Path) -> None:
    settings, _ = made(tmp_path, f"{LEAST}postprocess: {{on_spill_frac: 0.3, wilson: false}}\n")
    assert settings["beam"] == {"on_spill_fraction": {"1batch": 0.3}}
    assert "interval" not in settings["statistics"]


def test_files_are_named_where_the_analysis_names_a_dataset(tmp_path: Path) -> None:
    dataset = "process: {defname: nts.mu2e.x.y.root, cutset_name: alpha}\n"
    with pytest.raises(UsageError, match="--input"):
        made(tmp_path, dataset)
    assert not (tmp_path / "out.toml").exists()
    settings, _ = made(tmp_path, dataset, inputs=["nts.*.root"])
    assert settings["io"] == {"input_path": "nts.*.root"}
    settings, _ = made(tmp_path, WHOLE, inputs=["a.root", "b.root"])
    assert settings["io"]["input_path"] == ["a.root", "b.root"]
    assert "file_list" not in settings["io"]


def test_cut_sets_of_theirs_are_read_as_they_are(tmp_path: Path) -> None:
    cuts = tmp_path / "common" / "cuts.yaml"
    cuts.parent.mkdir()
    cuts.write_text(
        "defaults: {thresholds: {lo_trkqual: 0.8}, active: {thru_trk: true}}\n"
        "cutsets:\n  gamma: {active: {lo_trkqual: 0.2}}\n"
    )
    text = "process: {file_name: a.root, cutset_name: gamma}\n"
    settings, comments = made(tmp_path, text, cuts=cuts)
    assert settings["cuts"]["cutsets_file"] == "common/cuts.yaml"
    assert settings["cuts"]["strict"] is False
    assert any("lo_trkqual" in told and "thresholds" in told for told in comments)
    with pytest.raises(UsageError, match="gamm.*Did you mean gamma"):
        made(tmp_path, text.replace("gamma", "gamm"), cuts=cuts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proces: {}\n", "unknown section 'proces'. Did you mean process"),
        ("process: {cutset: alpha}\n", "unknown key 'cutset'. Did you mean cutset_name"),
        ("process: [1]\n", r"process is \[1\]; it is a table"),
        ("- a\n", "the file is .* a table"),
        ("process: {file_name: a.root, cutset_name: alfa}\n", "Did you mean alpha"),
        ("process: {file_name: a.root}\n", "cutset_name is not given"),
        ("process: {file_name: 3, cutset_name: alpha}\n", "file_name is 3; it is a text"),
        ("process: {on_spill: 1}\n", "on_spill is 1; it is true or false"),
        ("process: {cuts_to_toggle: {a: 1}}\n", "a: 1; each is true or false"),
        ("process: {cuts_to_toggle: [a]}\n", "it is a table"),
        ("postprocess: {livetime: much}\n", "livetime is 'much'; it is a finite number"),
        ("postprocess: {livetime: .nan}\n", "it is a finite number"),
        ("postprocess: {livetime: true}\n", "it is a finite number"),
        ("process: {on_spill: true}\npostprocess: {on_spill: false}\n", "is True elsewhere"),
        ("process: {a: !!python/object:os.system x}\n", "no plain YAML"),
    ],
)
def test_what_an_analysis_should_not_say(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(tmp_path, text)
    assert not (tmp_path / "out.toml").exists()


def test_a_value_that_no_setting_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="livetime_s"):
        made(tmp_path, f"{LEAST}postprocess: {{livetime: -1}}\n")


def test_the_command(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "ana.yaml").write_text(WHOLE)
    command = ("cosmics", "convert", tmp_path / "ana.yaml", "-o", tmp_path / "new" / "out.toml")
    done = radiograph(*command)
    assert done.code == 0, done.err
    assert "radiograph run" in done.out
    assert "defname" in done.err
    again = radiograph(*command)
    assert again.code == 2
    assert "exists already" in again.err
    assert radiograph(*command, "--overwrite").code == 0
    absent = radiograph("cosmics", "convert", tmp_path / "no.yaml", "-o", tmp_path / "o.toml")
    assert absent.code == 2
    assert "no.yaml: cannot be read" in absent.err
