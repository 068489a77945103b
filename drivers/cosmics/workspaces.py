"""A pyhf workspace from the files of several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ...nodes.cosmics.likelihood import Sample, workspace
from ...schemas.cosmics.comparison import RunResults
from ...schemas.errors import UsageError
from ..files import check_new_files, new_output
from .cutset_files import did_you_mean
from .stored_results import stored_results

HISTOGRAM: Final = "mom_ext"
SELECTION: Final = "Unvetoed"


@dataclass(frozen=True)
class WorkspaceRequest:
    """Which samples, of which histogram.

    ``files`` and ``scales`` are by the name of the sample; what has no scale is taken as it is.
    """

    files: Mapping[str, Path]
    signal: str
    scales: Mapping[str, float]
    histogram: str = HISTOGRAM
    selection: str = SELECTION


def write_workspace(request: WorkspaceRequest, out: Path, *, overwrite: bool) -> list[str]:
    """Write the workspace; returns a line a sample. UsageError for samples that do not fit."""
    check_new_files([out], list(request.files.values()), overwrite=overwrite)
    document, samples = document_of(request)
    with new_output(out) as temporary:
        temporary.write_text(document, encoding="utf-8")
    return [
        f"{s.name}: {s.counts.sum():.6g} +- {np.sqrt(s.variances.sum()):.3g} expected"
        f"{' (signal)' if s.is_signal else ''}"
        for s in samples
    ]


def document_of(request: WorkspaceRequest) -> tuple[str, Sequence[Sample]]:
    """The workspace as text, and its samples; UsageError for samples that do not fit."""
    _check_names(request)
    runs = {name: stored_results(path, name) for name, path in request.files.items()}
    _check_cuts(runs)
    samples = samples_of(runs, request)
    document = workspace(request.histogram, samples)
    return json.dumps(document, indent=1) + "\n", samples


def _check_names(request: WorkspaceRequest) -> None:
    for what, name in (("--signal", request.signal), *(("--scale", n) for n in request.scales)):
        if name not in request.files:
            msg = f"{what} {name}: is no sample{did_you_mean(name, request.files)}"
            raise UsageError(msg, key=what)
    if len(request.files) < 2:
        msg = "a workspace needs a signal and a background; name two samples or more"
        raise UsageError(msg, key="samples")


def _check_cuts(runs: Mapping[str, RunResults]) -> None:
    (first, *others) = runs.values()
    for other in others:
        if other.cutset_hash != first.cutset_hash:
            msg = (
                f"{other.name} was run with other cuts ({other.cutset}, "
                f"{other.cutset_hash[:8]}) than {first.name} ({first.cutset}, "
                f"{first.cutset_hash[:8]}); run both with the same."
            )
            raise UsageError(msg, key="samples", code="other_cuts")


def samples_of(runs: Mapping[str, RunResults], request: WorkspaceRequest) -> Sequence[Sample]:
    """The histogram of each run as a sample, scaled; UsageError if one lacks it or its bins."""
    found: list[Sample] = []
    (first, *_) = runs.values()
    for name, run in runs.items():
        histogram = run.histograms.get(request.histogram)
        if histogram is None:
            near = did_you_mean(request.histogram, run.histograms)
            msg = f"{name} has no histogram {request.histogram!r}{near}"
            raise UsageError(msg, key="--histogram")
        axis, selections = histogram.axes
        if request.selection not in selections.categories:
            near = did_you_mean(request.selection, selections.categories)
            msg = f"{name} has no selection {request.selection!r}{near}"
            raise UsageError(msg, key="--selection")
        if not axis.is_like(first.histograms[request.histogram].axes[0]):
            msg = f"{request.histogram} of {name} has other bins than that of {first.name}"
            raise UsageError(msg, key="samples", code="other_bins")
        place = selections.categories.index(request.selection)
        counts = np.asarray(histogram.counts[:, place], dtype=np.float64)
        variances = counts
        if histogram.variances is not None:
            variances = np.asarray(histogram.variances[axis.bins, place], dtype=np.float64)
        sample = Sample(name, counts, variances, name == request.signal)
        found.append(sample.scaled(request.scales.get(name, 1.0)))
    return found
