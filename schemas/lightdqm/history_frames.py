"""Frames of what can change in a file: blocks of events, light by neighbours, order, clocks.

Heights are in ADC16 counts. A block is a stretch of the events that are looked at.
"""

from __future__ import annotations

from typing import Final

from ..tables import Column, TableSchema

ORDERS: Final = ("as_mapped", "reversed", "shifted", "other")
CODINGS: Final = ("shifted", "unshifted", "offset_binary", "byte_order", "other", "none")

_ADC = Column("adc", "int16", "", "ADC, from 0", at_least=0)
_CHANNEL = Column("channel", "int16", "", "input of the ADC, from 0", at_least=0, at_most=63)


def _points(name: str, unit: str, what: str) -> tuple[Column, ...]:
    """Median and 16 % and 84 % points of what is measured in a block."""
    return (
        Column(f"{name}", "float64", unit, f"median {what}, NaN without events", True),
        Column(f"{name}_p16", "float64", unit, "its 16 % point", True),
        Column(f"{name}_p84", "float64", unit, "its 84 % point", True),
    )


CHANNEL_HISTORY = TableSchema(
    "ChannelHistory",
    "an active channel in a block of events, blocks in the order of the file",
    (
        Column("block", "int16", "", "block of events, from 0", at_least=0),
        Column("first_row", "int64", "", "row of its first event in the file", at_least=0),
        Column("last_row", "int64", "", "row of its last event", at_least=0),
        _ADC,
        _CHANNEL,
        Column("n_valid", "int32", "", "valid waveforms", at_least=0),
        Column("n_sound", "int32", "", "of them neither flat nor at a rail", at_least=0),
        *_points("baseline_adc16", "adc16", "baseline of the sound ones"),
        *_points("noise_adc16", "adc16", "noise of the sound ones"),
        Column("n_flat", "int32", "", "waveforms without noise", at_least=0),
        Column("n_railed", "int32", "", "waveforms at an end of the range", at_least=0),
        Column("n_loud", "int32", "", "sound ones far above their usual noise", at_least=0),
        Column("n_repeated", "int32", "", "sound ones equal to the one before", at_least=0),
        Column("n_near", "int32", "", "events in which its neighbours see light", at_least=0),
        Column("k_near", "int32", "", "of them in which it sees light, too", at_least=0),
        Column("near_lower", "float64", "", "lower end of the 68 % interval of k / n"),
        Column("near_upper", "float64", "", "upper end"),
        Column("n_alone", "int32", "", "events in which its neighbours are dark", at_least=0),
        Column("k_alone", "int32", "", "of them in which it sees light", at_least=0),
        Column("n_quiet", "int32", "", "events in which its neighbours have no pulse", at_least=0),
        Column("k_spark", "int32", "", "of them with a great step up", at_least=0),
        Column("n_lit", "int32", "", "waveforms with a pulse", at_least=0),
        Column("k_clipped", "int32", "", "of them clipped", at_least=0),
        Column("k_negative", "int32", "", "valid waveforms below the baseline", at_least=0),
        Column("n_height", "int32", "", "events that its height is compared in", at_least=0),
        *_points("height", "x", "height, of that of the others of its board"),
        Column("n_side", "int32", "", "events that the height of its half is compared in"),
        *_points("side", "x", "height of its half of the ADC, of that of the partner"),
    ),
)

LIGHT_RATIOS = TableSchema(
    "LightRatios",
    "an active channel: its light against that of its neighbours in the same events",
    (
        _ADC,
        _CHANNEL,
        Column("n_height", "int64", "", "events that its height is compared in", at_least=0),
        *_points("height", "x", "height, of that of the others of its board"),
        Column("n_side", "int64", "", "events that the height of its half is compared in"),
        *_points("side", "x", "height of its half of the ADC, of that of the partner"),
        Column("n_self_peak", "int64", "", "lit waveforms of self triggers", at_least=0),
        *_points("self_peak", "samples", "sample at which they are highest, from 0"),
        Column("n_beam_peak", "int64", "", "lit waveforms of beam triggers", at_least=0),
        *_points("beam_peak", "samples", "sample at which they are highest, from 0"),
    ),
)

COPIED_CHANNELS = TableSchema(
    "CopiedChannels",
    "two channels with the same waveform in some event",
    (
        _ADC,
        _CHANNEL,
        Column("other_adc", "int16", "", "ADC of the other one", at_least=0),
        Column("other_channel", "int16", "", "the other one", at_least=0),
        Column("n", "int64", "", "events in which both have a waveform with noise", at_least=0),
        Column("k", "int64", "", "of them in which the waveforms agree", at_least=0),
        Column("first_row", "int64", "", "row of the first of these", at_least=0),
    ),
)

LIGHT_PARTNERS = TableSchema(
    "LightPartners",
    "an ADC: whose light it goes with from event to event",
    (
        _ADC,
        Column("partner", "int16", "", "the ADC that sees the same TPCs, -1 without", at_least=-1),
        Column("n", "int64", "", "events", at_least=0),
        Column("same", "float64", "", "correlation with the partner in the same event", True),
        Column("best", "int16", "", "ADC of another module that it goes with best", at_least=-1),
        Column("best_same", "float64", "", "correlation with it", True),
        Column("n_next", "int64", "", "pairs of events that follow one another", at_least=0),
        Column("late", "float64", "", "with the partner in the event before", True),
        Column("early", "float64", "", "with the partner in the event after", True),
    ),
)

CHANNEL_ORDERS = TableSchema(
    "ChannelOrders",
    "an ADC: which of its inputs see light, and the order of inputs that fits",
    (
        _ADC,
        Column("n", "int64", "", "events in which it has light", at_least=0),
        Column("n_inputs", "int64", "", "inputs without a sensor in its map", at_least=0),
        Column("n_lit", "int64", "", "of them as often lit as the others", at_least=0),
        Column("order", "category", "", "how its inputs stand", categories=ORDERS),
        Column("shift", "int16", "", "inputs by which they are shifted, else 0"),
    ),
)

SAMPLE_CODING = TableSchema(
    "SampleCoding",
    "an ADC: how its samples are coded",
    (
        _ADC,
        Column("n", "int64", "", "waveforms with noise that were looked at", at_least=0),
        Column("coding", "category", "", "what the samples are", categories=CODINGS),
    ),
)

UNWRITTEN_EVENTS = TableSchema(
    "UnwrittenEvents",
    "an ADC: events that are there but hold zeros",
    (
        _ADC,
        Column("n", "int64", "", "events with valid waveforms of it", at_least=0),
        Column("n_zero", "int64", "", "of them with zeros alone", at_least=0),
        Column("n_everywhere", "int64", "", "events with zeros in all ADCs", at_least=0),
        Column("first_row", "int64", "", "row of the first with zeros, -1 without", at_least=-1),
        Column("last_row", "int64", "", "row of the last", at_least=-1),
    ),
)

EVENT_ORDER = TableSchema(
    "EventOrder",
    "a kind of fault of the event numbers and serial numbers",
    (
        Column("fault", "category", "", "duplicated, lost, backwards, serial or reference"),
        Column("n", "int64", "", "how many events (numbers that are lost, ADCs)", at_least=0),
        Column("first_row", "int64", "", "row of the first one, -1 without", at_least=-1),
        Column("adcs", "category", "", "the ADCs, separated by blanks"),
        Column("detail", "category", "", "what was seen"),
    ),
)

CLOCK_FAULTS = TableSchema(
    "ClockFaults",
    "an ADC: its TAI and Unix times against one another and those of the others",
    (
        _ADC,
        Column("n", "int64", "", "events in which it has both times", at_least=0),
        Column("n_frozen", "int64", "", "events in which its TAI stands still", at_least=0),
        Column("frozen_row", "int64", "", "row of the first of these, -1 without", at_least=-1),
        Column("n_apart", "int64", "", "events in which its TAI differs from that of the others"),
        Column("apart_row", "int64", "", "row of the first of these, -1 without", at_least=-1),
        Column("apart_ms", "float64", "ms", "median difference in these", True),
        Column("n_jumps", "int64", "", "events in which TAI less Unix changes", at_least=0),
        Column("jump_row", "int64", "", "row of the first of these, -1 without", at_least=-1),
        Column("n_implausible", "int64", "", "Unix times outside the years of the detector"),
        Column("longest_gap_ms", "int64", "ms", "longest time between two events", at_least=0),
        Column("gap_row", "int64", "", "row of the event after it, -1 without", at_least=-1),
    ),
)

HISTORY_TABLES: Final = (
    CHANNEL_HISTORY,
    LIGHT_RATIOS,
    COPIED_CHANNELS,
    LIGHT_PARTNERS,
    CHANNEL_ORDERS,
    SAMPLE_CODING,
    UNWRITTEN_EVENTS,
    EVENT_ORDER,
    CLOCK_FAULTS,
)
