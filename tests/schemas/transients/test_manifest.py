"""The manifest of a campaign: archives in parts, and every way in which a table can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign import shared_campaign
from radiograph.schemas.errors import InputError, UsageError
from radiograph.schemas.transients.layout import (
    RecordingName,
    is_fpga_file,
    parsed_recording,
    recording_path,
    run_number,
)
from radiograph.schemas.transients.manifest import Archive, parse_manifest, read_manifest

HEAD = "name,url,md5sum\n"
A, B, C = ("0" * 32, "1" * 32, "ABCDEF" + "2" * 26)
GOOD = (
    "name,url,md5sum\r\n"
    "glasgow_data,https://host/dav/glasgow_data.tar,\r\n"
    f"run_006,https://host/dav/run_006.tar,{A}\r\n"
    f"run_024,DO_NOT_USE___USE_PARTS___https://host/dav/run_024.tar,{C}\r\n"
    f"run_024,https://host/dav/run_024.tar.partab,{B}\r\n"
    f"run_024,https://host/dav/run_024.tar.partaa,{A}\r\n"
)
PATH = Path("runs_summary.csv")


def test_parts_are_joined_in_order_of_their_suffix() -> None:
    manifest = parse_manifest(GOOD, PATH)
    assert [(a.name, a.number, a.split) for a in manifest.archives] == [
        ("glasgow_data", None, False),
        ("run_006", 6, False),
        ("run_024", 24, True),
    ]
    cut = manifest.archives[2]
    assert [part.file for part in cut.parts] == ["run_024.tar.partaa", "run_024.tar.partab"]
    assert [part.md5 for part in cut.parts] == [A, B]
    assert cut.md5 == C.lower()
    assert manifest.archives[0].md5 == ""
    assert manifest.archives[1].md5 == A


def test_size_and_sha256_are_taken_where_they_are() -> None:
    text = f"sha256,name,md5sum,url,size,more\n{'a' * 64},run_001,{A},http://h/x%20y.tar?a=1,7,?\n"
    (archive,) = parse_manifest(text, PATH).archives
    (part,) = archive.parts
    assert (part.file, part.size, part.sha256) == ("x y.tar", 7, "a" * 64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks name, url, md5sum"),
        ("name,url,md5\n", "lacks md5sum"),
        (HEAD + f"run_001,run_001.tar,{A}\n", "no URL"),
        (HEAD + f"run_001,ftp://host/run_001.tar,{A}\n", "no URL"),
        (HEAD + f"run_001,http://[host/run_001.tar,{A}\n", "no URL"),
        (HEAD + f"run_001,http://host/a b.tar,{A}\n", "no URL"),
        (HEAD + f"run_001,http://host/,{A}\n", "no file name"),
        (HEAD + f"run_001,http://host/..,{A}\n", "no file name"),
        (HEAD + f"run_001,http://host/a%2Fb.tar,{A}\n", "no file name"),
        (HEAD + "run_001,http://host/a.tar,abc\n", "has 3 characters"),
        (HEAD + f"run_001,http://host/a.tar,{'g' * 32}\n", "hexadecimal"),
        (HEAD + f",http://host/a.tar,{A}\n", "no name"),
        (HEAD + f"run_001,http://host/a.tar,{A}\nrun_002,http://other/a.tar,{A}\n", "line 2"),
        (HEAD + f"run_001,http://h/a.tar,{A}\nrun_001,http://h/b.tar,{A}\n", "order of the parts"),
        (
            HEAD + f"run_001,http://h/a.tar.partaa,{A}\nrun_001,http://h/a.tar.partac,{A}\n",
            ".partab is missing",
        ),
        (HEAD + f"run_001,http://h/a.tar.partab,{A}\n", ".partaa is missing"),
        (
            HEAD + f"run_001,http://h/a.tar.partaa,{A}\nrun_001,http://h/b.tar.partab,{A}\n",
            "several files",
        ),
        (HEAD + f"run_001,DO_NOT_USE___USE_PARTS___http://h/a.tar,{A}\n", "none of a part"),
        (
            HEAD + f"run_001,DO_NOT_USE___USE_PARTS___http://h/a.tar,{A}\n" * 2,
            "second row for the joined",
        ),
        ("name,url,md5sum,size\nrun_001,http://h/a.tar,,-4\n", "no number of bytes"),
    ],
)
def test_a_wrong_table_is_told_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_manifest(text, PATH)
    assert said in caught.value.message
    assert caught.value.message.startswith("runs_summary.csv, line ")
    assert "\n" not in caught.value.message


def test_what_is_no_text_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "bad.csv").write_bytes(b"name,url,md5sum\n\xff\n")
    with pytest.raises(InputError, match="byte 16 is no UTF-8"):
        read_manifest(tmp_path / "bad.csv")


def _names(archives: tuple[Archive, ...]) -> list[str]:
    return [archive.name for archive in archives]


def test_runs_are_chosen_by_number_range_and_name() -> None:
    manifest = parse_manifest(GOOD, PATH)
    assert _names(manifest.selected([])) == ["glasgow_data", "run_006", "run_024"]
    for text in ("24", "024", "run_024", "7-30"):
        assert _names(manifest.selected([text])) == ["run_024"]
    assert _names(manifest.selected(["24", "1-30", 6])) == ["run_006", "run_024"]
    assert _names(manifest.selected(["glasgow_data"])) == ["glasgow_data"]
    assert manifest.of_run(6).name == "run_006"
    for text, nearest in (("25", "run_024"), ("glasgow", "glasgow_data"), ("8-23", "run_006")):
        with pytest.raises(UsageError, match=f"nearest: {nearest}") as caught:
            manifest.selected([text])
        assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("run_026/x_000000/y_-00093/trig_000007.dat", RecordingName(26, 0, -93, 7)),
        (
            "run_1026/x_999999/y_999999/trig_1000007.dat",
            RecordingName(1026, 999999, 999999, 1000007),
        ),
        ("run_026/x_00000/y_-00093/trig_000007.dat", None),
        ("run_026/x_000000/y_--0093/trig_000007.dat", None),
        ("run_026/x_000000/y_000000/trig_000007.dat.bak", None),
        ("./run_026/x_000000/y_000000/trig_000007.dat", None),
        ("run_026/x_٠٠٠٠٠٠/y_000000/trig_000007.dat", None),
        ("run_026/notes.dat", None),
    ],
)
def test_names_of_recordings(path: str, name: RecordingName | None) -> None:
    assert parsed_recording(path) == name
    if name is not None:
        assert recording_path(name) == path


def test_other_names() -> None:
    assert (run_number("run_026"), run_number("run_26"), run_number("glasgow")) == (26, None, None)
    assert is_fpga_file("mcb2022_glasgow/run_026/hit_log.csv")
    assert not is_fpga_file("mcb2022_glasgow/run_026/hit_log.csv.exe")


def test_the_manifest_of_the_shared_campaign() -> None:
    manifest = read_manifest(shared_campaign() / "runs_summary.csv")
    assert _names(manifest.archives) == ["glasgow_data", "run_018", "run_024", "run_026"]
    assert len(manifest.of_run(26).parts) == 3
