"""One seed of the study `python -m benchmarks lightdqm_statement`: named faults, green files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SEED = 41


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark, which is not installed."""
    if not (ROOT / "benchmarks").is_dir():
        pytest.skip("the benchmarks are not there")
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import lightdqm_statement

    return lightdqm_statement


def test_every_fault_is_named(study: ModuleType, tmp_path: Path) -> None:
    shift = study.Shift(tmp_path, SEED, 320)
    for subrun in range(study.EARLIER):
        assert set(shift.verdict(subrun)["status"]) <= {"pass", "no_data"}
    wrong = {case.name: study.seen_wrongly(shift, case, 0) for case in study.CASES}
    assert {name: text for name, text in wrong.items() if text} == {}


def test_sound_files_are_green(study: ModuleType) -> None:
    for name in study.SOUND:
        for verdict in study.sound_verdicts(name, SEED, 200, 3):
            assert set(verdict["status"]) <= {"pass", "no_data"}, name
