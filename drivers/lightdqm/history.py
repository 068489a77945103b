"""Which files of the store a file is compared with: those before it, or a reference run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from ...schemas.errors import UsageError
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.lightdqm.stored_runs import RunIdentity
from ..files import natural_order
from .file_names import SUFFIX, stem
from .store import RunStore, StoredRun, order_key

_MOST_SHOWN = 8
# Checks that say that the noise or the baseline of a channel is not what it should be.
# And those that other findings are folded into.
_LEADING: Final = frozenset(
    {"coding", "unwritten", "order", "alignment", "channel_order", "repeats"}
)
_OF_STATE: Final = {
    "baseline": frozenset({"railed", "baseline_band", "baseline_spread"}),
    "noise": frozenset({"railed", "flat"}),
    "height": frozenset({"railed", "flat", "dead", "copies"}),
    "side": frozenset({"railed", "flat", "dead"}),
    "self_peak": frozenset({"railed", "flat", "dead"}),
    "beam_peak": frozenset({"railed", "flat", "dead"}),
}
_OF_CHANGE: Final = {
    "baseline": frozenset({"baseline_move"}),
    "noise": frozenset({"noise"}),
    "height": frozenset({"light", "light_change"}),
    "side": frozenset({"light", "light_change"}),
    "self_peak": frozenset({"arrival"}),
    "beam_peak": frozenset({"arrival"}),
}


def runs_before(store: RunStore, identity: RunIdentity, ncomp: int) -> list[StoredRun]:
    """The files before one, measured alike: all (-1), none (0) or the last ``ncomp``.

    The file itself, known by name or content, is none of them, so that looking at it again gives
    the same answer.
    """
    if ncomp == 0:
        return []
    key = order_key(identity)
    before = [
        run
        for run in store.runs(identity.config_hash)
        if order_key(run.identity) < key and not same_file(run.identity, identity)
    ]
    return before if ncomp < 0 else before[-ncomp:]


def same_file(one: RunIdentity, other: RunIdentity) -> bool:
    """Whether two identities are those of one file."""
    if one.content and one.content == other.content:
        return True
    times = {one.start_ms, other.start_ms} - {None}
    return (one.name, one.run, one.subrun) == (other.name, other.run, other.subrun) and len(
        times
    ) < 2


def reference_runs(store: RunStore, config_hash: str, reference: int | str) -> list[StoredRun]:
    """The files of a reference: a run by its number (all its sub-runs), or one file by its name.

    Raises
    ------
    UsageError
        If the store has no such file that was measured with these settings.
    """
    known = store.runs(config_hash)
    text = str(reference)
    if text.isdigit():
        found = [run for run in known if run.identity.run == int(text)]
    else:
        found = [run for run in known if stem(run.identity.name) == stem(text)]
    if found:
        return found
    numbers = sorted({str(r.identity.run) for r in known if r.identity.run >= 0}, key=natural_order)
    shown = f"{', '.join(numbers[-_MOST_SHOWN:])}" if numbers else "none"
    msg = (
        f"{store.path}: reference run {text} is not in the store (runs measured with these "
        f"settings: {shown}). Check its files first, or give a run number or a file name "
        f"*{SUFFIX} that is there."
    )
    raise UsageError(msg, file=store.path, key="lightdqm.reference_run")


def failing_channels(verdict: pd.DataFrame) -> dict[str, list[str]]:
    """Check -> channels (adc/channel) that fail; a check of no channel has an empty list."""
    failing = verdict[verdict["status"] == "fail"]
    return {
        str(check): str(channels).split()
        for check, channels in zip(failing["check"], failing["channels"], strict=True)
    }


def new_since(
    failing: Mapping[str, Sequence[str]], before: Sequence[Mapping[str, Sequence[str]]]
) -> dict[str, list[str]]:
    """What fails now and failed in none of the files ``before``; only checks with something new.

    A check of no channel is new if it did not fail before; its list is empty.
    """
    new: dict[str, list[str]] = {}
    for check, channels in failing.items():
        if not channels:
            if not any(check in earlier for earlier in before):
                new[check] = []
            continue
        known = {channel for earlier in before for channel in earlier.get(check, ())}
        left = [channel for channel in channels if channel not in known]
        if left:
            new[check] = left
    return new


def stored_verdicts(store: RunStore, runs: Sequence[StoredRun]) -> list[pd.DataFrame]:
    """The verdict of each file; one without rows where the store has none."""
    rows = store.rows("verdict", [run.run_id for run in runs])
    grouped = dict(tuple(rows.groupby("run_id", sort=False)))
    empty = rows.iloc[:0]
    return [grouped.get(run.run_id, empty).drop(columns="run_id") for run in runs]


def stored_failures(store: RunStore, runs: Sequence[StoredRun]) -> list[dict[str, list[str]]]:
    """failing_channels() of each file."""
    return [failing_channels(verdict) for verdict in stored_verdicts(store, runs)]


def not_comparable(
    runs: Sequence[StoredRun], failures: Sequence[Mapping[str, Sequence[str]]], *, chosen: bool
) -> dict[str, dict[int, list[tuple[int, int]]]]:
    """For noise and baseline: ADC and channel, by file, of what failed a check there.

    A fault that is over would else shift what later files are compared with. Of a reference that
    somebody has chosen (``chosen``) what merely differs from the files before it counts: it is
    what shall be the rule from then on.
    """
    found: dict[str, dict[int, list[tuple[int, int]]]] = {}
    for quantity, checks in _OF_STATE.items():
        spoiling = checks | _LEADING if chosen else checks | _LEADING | _OF_CHANGE[quantity]
        found[quantity] = {}
        for run, failing in zip(runs, failures, strict=True):
            names = {name for check in spoiling for name in failing.get(check, ())}
            places = {place for name in names for place in _places(name)}
            found[quantity][run.run_id] = sorted(places)
    return found


def _places(name: str) -> list[tuple[int, int]]:
    """ADC and channel of a name; of an ADC all inputs."""
    adc, _, channel = name.partition("/")
    return [(int(adc), c) for c in ([int(channel)] if channel else range(N_CHANNELS))]
