"""What an imaging file says of its making beyond what every file of a run does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..runfile.datasets import Datasets
from ..runfile.record import RunRecord, run_record

_COUNTER: Final = re.compile(r"[sS](\d)_(.+)")


@dataclass(frozen=True)
class ImagingRecord(RunRecord):
    """How an imaging file was made.

    Attributes
    ----------
    counters
        By number of the stage (1 hits, 2 events, 3 cones, 4 images), then by name.
    restarted_from
        The stage that an earlier file gave as it was (hits, events, cones, image) and that file;
        empty for a run from the start.
    """

    counters: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    run_meta: Mapping[str, str] = field(default_factory=dict)
    extra_texts: Mapping[str, str] = field(default_factory=dict)
    restarted_from: tuple[str, ...] = ()

    @property
    def all_counters(self) -> dict[str, int]:
        """The counters of all stages by name."""
        return {n: v for counts in self.counters.values() for n, v in counts.items()}


def imaging_record(data: Datasets) -> ImagingRecord:
    """Everything about the making of a file; what is absent stays empty."""
    record = run_record(data)
    stage = data.attributes("/provenance").get("restart_stage")
    source = record.inputs[0].path if record.inputs else ""
    return ImagingRecord(
        **vars(record),
        counters=_counters(data),
        run_meta=_texts(data, "/meta/run_meta"),
        extra_texts=_texts(data, "/meta/extra_text"),
        restarted_from=() if stage is None else (str(stage), source),
    )


def _texts(data: Datasets, group: str) -> dict[str, str]:
    return {name: data.text(f"{group}/{name}") or "" for name in data.children(group)}


def _counters(data: Datasets) -> dict[int, dict[str, int]]:
    """From the datasets, or from the attributes where there is nothing else (ngimager)."""
    group = "/meta/counters"
    stored = {name: data.rows(f"{group}/{name}")[()] for name in data.children(group)}
    by_stage: dict[int, dict[str, int]] = {}
    for name, value in (stored or data.attributes(group)).items():
        match = _COUNTER.fullmatch(name)
        if match is not None and str(value).lstrip("-").isdigit():
            by_stage.setdefault(int(match[1]), {})[match[2]] = int(value)
    return dict(sorted(by_stage.items()))
