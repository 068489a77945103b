"""The HDF5 and Parquet files of a light run: every number with its unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.lightdqm.frames import EARLIER_RUNS
from ..config import LoadedConfig
from ..engine.run_file import Begun, Layout, run_file
from ..hdf5_values import write_value
from .session import LightSession

FORMAT_VERSION: Final = "1.0"
BESIDE: Final[Mapping[str, str]] = MappingProxyType({"page_heading": "provenance/page_heading"})
"""Where nodes stand that are no numbers: the pages are made of them, too."""
EARLIER: Final = "provenance/earlier_runs"
README: Final = """Radiograph light DQM output. Every dataset carries 'units' and 'description'.

/numbers            the nodes of the graph, one group each: a dataset a column or field
/numbers/dqm_verdict    one row a check: status, value, limit, channels, reason, action
/numbers/channel_masks  one row a channel: dead, flat, railed, baseline code, as drawn
/numbers/dqm_fractions  clipped and negative fractions by channel, EPCB, TPC and in total
/meta               settings, sources of the nodes
/provenance         versions, input file, what became of each node, what it was compared with
Heights in ADC16 counts: 14-bit codes times 4, 32768 counts = 1 V. Spectra in V^2 per bin.
"""


def write_numbers(
    path: Path,
    session: LightSession,
    loaded: LoadedConfig[LightDqmConfig],
    found: Mapping[str, Any],
    begun: Begun,
) -> None:
    """One HDF5 file with the values of nodes, settings and provenance."""
    layout = Layout(FORMAT_VERSION, README, docs_url="docs/lightdqm.md")
    with run_file(path, session, loaded, layout, begun) as file:
        for name, value in found.items():
            node = session.driver.graph.nodes[name]
            summary = (node.documentation or name).strip().split("\n")[0].rstrip(".")
            place = BESIDE.get(name, f"numbers/{name}")
            write_value(file, place, value, summary, session.table_of(name))
        earlier = session.inputs.values["earlier_runs"]
        write_value(file, EARLIER, earlier, "what earlier files said", EARLIER_RUNS)
