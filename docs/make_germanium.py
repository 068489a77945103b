"""Make the picture of docs/figures that shows a germanium calibration, from simulated detectors."""

from __future__ import annotations

import tempfile
from pathlib import Path

from radiograph.drivers.cache.opening import NO_CACHE
from radiograph.drivers.config import load_config
from radiograph.drivers.engine.running import open_session
from radiograph.drivers.germanium.starter import write_starter
from radiograph.nodes.sheets.drawing import sheet_png

EVENTS, SEED = 8000, 1
PAGE, DOTS_AN_INCH = "peaks", 90.0
PICTURE = Path(__file__).parent / "figures" / "germanium_peaks.png"


def main() -> None:
    """Simulate, calibrate, and draw the lines of the channel with their fits."""
    with tempfile.TemporaryDirectory() as folder:
        settings, _ = write_starter(Path(folder), EVENTS, SEED, overwrite=False)
        session = open_session(load_config(settings), NO_CACHE)
        pages = session.run(["calibration_pages"])["calibration_pages"]
        (page,) = (of_channel[PAGE] for of_channel in pages.values())
        PICTURE.write_bytes(sheet_png(page, DOTS_AN_INCH))


if __name__ == "__main__":
    main()
