"""What every test stands on: no test touches the cache of the user.

Compiled kernels are shared (they are named by their sources); results are not.
"""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_result_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: list[Path] = []

    def default_folder() -> Path:
        if not folder:
            folder.append(tmp_path_factory.mktemp("default-cache"))
        return folder[0]

    monkeypatch.setattr("radiograph.drivers.cache.opening.default_folder", default_folder)
