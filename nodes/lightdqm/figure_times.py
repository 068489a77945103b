"""Unix times as a reader writes them, in the time zone of the detector. No nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ...schemas.arrays import I8


def local_time(utime_ms: int, time_zone: str) -> str:
    """Date and time to the second with the zone's name at that moment, e.g. CDT in summer."""
    return _at(utime_ms, time_zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def period(utime_ms: I8, time_zone: str) -> str:
    """First and last of the known times (-1 and 0 are none), in words."""
    known = utime_ms[utime_ms > 0]
    if not len(known):
        return "start and end unknown"
    first, last = _at(int(known.min()), time_zone), _at(int(known.max()), time_zone)
    zones = (first.strftime("%Z"), last.strftime("%Z"))
    start = first.strftime("%Y-%m-%d %H:%M:%S")
    end = last.strftime("%H:%M:%S" if first.date() == last.date() else "%Y-%m-%d %H:%M:%S")
    if zones[0] != zones[1]:
        return f"{start} {zones[0]} to {end} {zones[1]}"
    return f"{start} to {end} {zones[0]}"


def _at(utime_ms: int, time_zone: str) -> datetime:
    return datetime.fromtimestamp(utime_ms / 1000.0, UTC).astimezone(ZoneInfo(time_zone))
