"""Settings to graph inputs, each as fine as what depends on it.

No library of a computation is imported: whoever fetches archives has this module too.
"""

from __future__ import annotations

from typing import Final

from ...schemas.transients.config import TransientsConfig
from ..defaults import cores, later
from ..graph_inputs import Context, Input, of_each_part


def threads(config: TransientsConfig, _context: Context) -> int:
    """How many threads compute; no result depends on it."""
    return cores(config.run.workers)


_known_anomalies = later(f"{__package__}.known_anomalies:known_anomalies")
_DEMODULATION: Final = "transients.demodulation"
INPUTS: Final = (
    Input("source_files", ("io.input_format",), of_each_part),
    Input("recording_range", ("run.chunk_events",), of_each_part),
    Input("run_number", ("transients.runs", "transients.manifest"), of_each_part),
    Input("logbook_row", ("transients.logbook",), of_each_part),
    Input("recording_form", ("transients.logbook", "transients.values"), of_each_part),
    Input("fpga_files", ("transients.retrieval.download_dir",), of_each_part),
    Input("earlier_files", ("io.input_format",), of_each_part),
    Input("recording_streams", (), of_each_part),
    Input("threads", ("run.workers",), threads),
    Input(
        "demodulation_plan",
        (
            f"{_DEMODULATION}.decimate",
            f"{_DEMODULATION}.post_samples",
            "transients.windows",
            "transients.baseline",
            "transients.convention",
        ),
        of_each_part,
    ),
    Input(
        "lowpass_settings",
        tuple(f"{_DEMODULATION}.{key}" for key in ("taps", "pass_MHz", "stop_MHz")),
        lambda config, _: config.transients.demodulation,
    ),
    Input(
        "fit_settings",
        ("transients.fit", "transients.convention", f"{_DEMODULATION}.trigger_delay_s"),
        of_each_part,
    ),
    Input("carrier_Hz", ("transients.carrier",), of_each_part),
    Input("quality_limits", ("transients.quality",)),
    Input("outlier_settings", ("transients.outliers",)),
    Input("map_settings", ("transients.maps",)),
    Input("known_anomalies", ("transients.labels", "transients.truth"), _known_anomalies),
)
CHOICES: Final = (
    # Another one where the source is the file of an earlier run.
    Input("start", (), lambda _config, _context: "samples"),
    Input("samples", ("output.samples",)),
)
