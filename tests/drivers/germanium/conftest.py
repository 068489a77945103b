"""How the tests of germanium run its commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.main import guarded


@pytest.fixture
def run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run a command in the ``folder`` of a module with --json; its exit code beside the answer."""
    monkeypatch.chdir(folder)

    def ran(*argv: str) -> dict[str, Any]:
        code = guarded([*argv, "--json"])
        said = capsys.readouterr()
        answer: dict[str, Any] = json.loads(said.out)
        return {**answer, "code": code, "stderr": said.err}

    return ran
