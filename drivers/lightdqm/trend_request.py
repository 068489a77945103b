"""What a user wants to see over files: options to requests, and requests to panels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from ...nodes.lightdqm.figure_trend import TrendPanel
from ...nodes.lightdqm.grouping import HAS_SENSOR, N_CHANNELS, N_EPCBS
from ...schemas.errors import InputError, UsageError
from ...schemas.lightdqm.config import LightDqm
from ...schemas.lightdqm.stored_runs import ROI_MHZ
from ...schemas.lightdqm.trends import ChannelGroup, ReferenceBand, TrendRequest
from .alarms import Hysteresis
from .history import reference_runs
from .overview import Overview, overview
from .records import config_hash
from .store import RunStore, StoredRun
from .trends import failing_checks, reference_band, trend_frame

# The denominator of a fraction that belongs to a group, unless another is asked for.
_GRANULARITIES: Final = {"channel": "channel", "epcb": "epcb", "tpc": "tpc", "all": "total"}
_PAIR = re.compile(r"(\d{1,3})/(\d{1,3})")


def trend_requests(
    quantities: Sequence[Any],
    *,
    channels: Sequence[str] = (),
    epcbs: Sequence[str] = (),
    tpcs: Sequence[int] = (),
    trigger: Any = "self",
    granularity: Any = None,
    roi_MHz: float = 0.5,
) -> list[TrendRequest]:
    """Every quantity of every group, of all channels without a group.

    Raises
    ------
    UsageError
        If a group or frequency does not exist, or no quantity is asked of a group.
    """
    groups = [_channel(text) for text in channels]
    groups += [_epcb(text) for text in epcbs]
    groups += [_tpc(number) for number in tpcs]
    if groups and not quantities:
        msg = f"{groups[0]}: what of it? Give --quantity baseline, noise, clipped, negative, power"
        raise UsageError(msg, key="quantity")
    if roi_MHz not in ROI_MHZ:
        there = ", ".join(f"{f:g}" for f in ROI_MHZ)
        msg = f"--roi-MHz {roi_MHz:g} is not followed; there are {there}"
        raise UsageError(msg, key="roi_MHz")
    return [
        TrendRequest(
            str(quantity),  # type: ignore[arg-type]
            group,
            str(trigger),
            _GRANULARITIES[group.kind] if granularity is None else str(granularity),
            roi_MHz,
        )
        for quantity in quantities
        for group in groups or [ChannelGroup("all")]
    ]


def _channel(text: str) -> ChannelGroup:
    adc, number = _pair("--channel", text, N_CHANNELS)
    if not HAS_SENSOR[number]:
        msg = f"--channel {text}: that input has no sensor (c % 16 < 4); give another"
        raise UsageError(msg, key="channel")
    return ChannelGroup("channel", adc, number)


def _epcb(text: str) -> ChannelGroup:
    return ChannelGroup("epcb", *_pair("--epcb", text, N_EPCBS))


def _tpc(number: int) -> ChannelGroup:
    if number < 0:
        msg = f"--tpc {number}: TPCs are counted from 0"
        raise UsageError(msg, key="tpc")
    return ChannelGroup("tpc", -1, number)


def _pair(option: str, text: str, most: int) -> tuple[int, int]:
    found = _PAIR.fullmatch(text)
    if found is None or int(found[2]) >= most:
        msg = f"{option} {text!r}: give ADC/NUMBER with a number from 0 to {most - 1}, e.g. 0/5"
        raise UsageError(msg, key=option.lstrip("-"))
    return int(found[1]), int(found[2])


def history_of(store: RunStore, settings: LightDqm, *, any_settings: bool) -> Overview:
    """The files that were measured with these settings, their verdicts and alarms.

    With ``any_settings`` those of the newest file are taken, if these have none.

    Raises
    ------
    InputError
        If the store has no such file.
    """
    runs = store.runs(config_hash(settings))
    if not runs:
        every = store.runs()
        if not every:
            msg = f"{store.path}: the store of runs is empty; `radiograph lightdqm judge` fills it."
            raise InputError(msg, file=store.path, key="store")
        if not any_settings:
            msg = (
                f"{store.path}: none of its {len(every)} files was measured with these settings. "
                "Give the TOML file that was used with `check`."
            )
            raise InputError(msg, file=store.path, key="config")
        newest = every[-1].identity.config_hash
        runs = [run for run in every if run.identity.config_hash == newest]
    return overview(store, runs, Hysteresis(*settings.hysteresis, settings.flapping))


def asked_trends(
    store: RunStore,
    history: Overview,
    requests: Sequence[TrendRequest],
    settings: LightDqm,
    reference: str | None = None,
    last: int = 0,
) -> list[TrendPanel]:
    """The requests over the last files (0 = all), against the reference run or all good files.

    Raises
    ------
    UsageError
        If the reference is not in the store.
    """
    runs = [row.run for row in history.files]
    named = settings.reference_run if reference is None else reference
    known = None
    if named is not None:
        known = reference_runs(store, runs[0].identity.config_hash, named)
    return [
        TrendPanel(
            request,
            trend_frame(store, runs[-last:], request),
            reference_band(store, known, request, f"reference run {named}")
            if known is not None
            else _band_of_good_files(store, runs, request),
        )
        for request in requests
    ]


def _band_of_good_files(
    store: RunStore, runs: Sequence[StoredRun], request: TrendRequest
) -> ReferenceBand | None:
    """What the files say in which no check of the group fails; all files, if there is none."""
    failing = failing_checks(store, runs, request.group)
    good = [run for run in runs if not failing[run.run_id]]
    label = "files that pass" if good else "all files"
    return reference_band(store, good or runs, request, label)
