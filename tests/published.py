"""Where the published reference data lie, for tests that skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMAGING = ROOT.parent / "shared" / "data" / "imaging"

needs_imaging_data = pytest.mark.skipif(
    not IMAGING.is_dir(), reason="the published imaging data are not beside the checkout"
)
