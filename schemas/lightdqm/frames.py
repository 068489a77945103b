"""The frames of the light graph: one row an event, waveform, channel, fraction or check.

Heights are in ADC16 counts. Rows come in the order event, ADC, channel.
"""

from __future__ import annotations

from typing import Final

from ..bits import Bits
from ..tables import Column, TableSchema
from .history_frames import HISTORY_TABLES

TRIGGERS: Final = ("self", "beam", "unknown")
QUANTITIES: Final = ("clipped", "negative")
GRANULARITIES: Final = ("channel", "epcb", "tpc", "total")
FRACTION_STATUS: Final = ("ok", "no_data", "k_above_n")
SUMMARY_SOURCES: Final = ("self", "all", "none")
FLATLINE_STATES: Final = ("inactive", "known", "good", "dead", "no_data")
NEIGHBOURS: Final = ("epcb", "side", "partner", "earlier", "none")
BASELINE_STATES: Final = ("inactive", "known", "good", "deviates", "no_data")
CHECK_STATUS: Final = ("pass", "warn", "fail", "no_data")
CHECKS: Final = (
    "missing_adcs",
    "timestamps",
    "triggers",
    "dead",
    "railed",
    "flat",
    "baseline_band",
    "baseline_spread",
    "baseline_move",
    "noise",
    "tones",
    "sparks",
    "clipped",
    "negative",
    "coding",
    "unwritten",
    "order",
    "alignment",
    "copies",
    "repeats",
    "channel_order",
    "dark",
    "arrival",
    "light",
    "dark_rate",
    "light_change",
    "baseline_change",
    "noise_change",
)
BASELINE_BITS: Final = Bits(("baseline_band", "baseline_spread", "baseline_move"), "int8")
"""What is wrong with a baseline, named as the checks."""

_ADC = Column("adc", "int16", "", "ADC, from 0", at_least=0)
_CHANNEL = Column("channel", "int16", "", "input of the ADC, from 0", at_least=0, at_most=63)
_TRIGGER = Column("trigger", "category", "", "what triggered the event", categories=TRIGGERS)

_EVENT = (
    Column("event_row", "int64", "", "row of the event in the file", at_least=0),
    Column("event_id", "int64", "", "id that the file gives it"),
    Column("event_number", "int64", "", "event number of the read-out, -1 where absent"),
    _TRIGGER,
    Column("utime_ms", "int64", "ms", "Unix time, median of its ADCs, -1 where absent"),
    Column("tai_ns", "int64", "ns", "TAI time, median of its ADCs, -1 where absent"),
    Column("utime_spread_ms", "int64", "ms", "difference of the clocks of its ADCs", at_least=0),
    Column("n_adcs_present", "int16", "", "ADCs with a waveform", at_least=0),
)

LIGHT_EVENTS = TableSchema("LightEvents", "an event of the file", _EVENT)
SELECTED_EVENTS = TableSchema("SelectedEvents", "an event that is looked at, in file order", _EVENT)

TRIGGER_COUNTS = TableSchema(
    "TriggerCounts",
    "a trigger type",
    (
        _TRIGGER,
        Column("n_events", "int64", "", "events of the file", at_least=0),
        Column("n_selected", "int64", "", "events that are looked at", at_least=0),
    ),
)

WAVEFORM_FEATURES = TableSchema(
    "WaveformFeatures",
    "a waveform of a selected event",
    (
        Column("event_row", "int32", "", "row of the event in the file", at_least=0),
        Column("adc", "int8", "", "ADC, from 0", at_least=0),
        Column("channel", "int8", "", "input of the ADC", at_least=0, at_most=63),
        Column("valid", "bool", "", "the read-out says that it is there"),
        Column("noise_adc16", "float64", "adc16", "standard deviation in the noise window"),
        Column("baseline_adc16", "float64", "adc16", "mean of the noise window"),
        Column("maximum_adc16", "float64", "adc16", "greatest sample above the baseline"),
        Column("minimum_adc16", "float64", "adc16", "least sample, from the baseline: <= 0"),
        Column("spark_step_adc16", "int32", "adc16", "greatest step between two samples"),
        Column("rise_adc16", "int32", "adc16", "greatest step up above the baseline", at_least=0),
        Column("clipped", "bool", "", "a sample is at the top of the range"),
        Column("negative", "bool", "", "it falls below the baseline by more than the threshold"),
        Column("lit", "bool", "", "it exceeds the baseline by more than the threshold"),
    ),
)

_COUNTED = (
    Column("n", "int64", "", "events in the denominator", at_least=0),
    Column("k", "int64", "", "of them with the property", at_least=0),
    Column("fraction", "float64", "", "k / n, NaN without events", True),
    Column("lower", "float64", "", "lower end of the 68 % interval (Clopper-Pearson)", True),
    Column("upper", "float64", "", "upper end", True),
)

DQM_FRACTIONS = TableSchema(
    "DqmFractions",
    "a channel, for one quantity, trigger and denominator",
    (
        Column("quantity", "category", "", "what is counted", categories=QUANTITIES),
        _TRIGGER,
        Column(
            "granularity",
            "category",
            "",
            "whose light puts an event into the denominator: the channel's own, that of its "
            "EPCB or TPC, or any event",
            categories=GRANULARITIES,
        ),
        _ADC,
        _CHANNEL,
        Column("group", "int16", "", "number of the channel, EPCB or TPC; 0 for total"),
        *_COUNTED,
        Column("status", "category", "", "no_data: n is 0", categories=FRACTION_STATUS),
    ),
)

_SUMMARY = (
    _ADC,
    _CHANNEL,
    Column("median_adc16", "float64", "adc16", "median over events, NaN without", True),
    Column("p16_adc16", "float64", "adc16", "16 % point", True),
    Column("p84_adc16", "float64", "adc16", "84 % point", True),
    Column("n", "int64", "", "events", at_least=0),
    Column(
        "source",
        "category",
        "",
        "self: self triggers; all: there are none, so every event; none: no valid waveform",
        categories=SUMMARY_SOURCES,
    ),
)
NOISE_SUMMARY = TableSchema("NoiseSummary", "the noise of a channel", _SUMMARY)
BASELINE_SUMMARY = TableSchema("BaselineSummary", "the baseline of a channel", _SUMMARY)

SPARK_RATES = TableSchema(
    "SparkRates",
    "an active channel",
    (
        _ADC,
        _CHANNEL,
        Column("n", "int64", "", "events in which the rest of its board is dark", at_least=0),
        Column("k", "int64", "", "of them with a step up above the limit", at_least=0),
        Column("fraction", "float64", "", "k / n, NaN without events", True),
        Column("lower", "float64", "", "lower end of the 68 % interval", True),
        Column("upper", "float64", "", "upper end", True),
        Column("largest_step_adc16", "int32", "adc16", "greatest step up in any event", at_least=0),
    ),
)

LIGHT_HITS = TableSchema(
    "LightHits",
    "an active channel",
    (
        _ADC,
        _CHANNEL,
        Column("n", "int64", "", "events in which its neighbours see light", at_least=0),
        Column("k", "int64", "", "of them in which it sees light, too", at_least=0),
        Column(
            "neighbours",
            "category",
            "",
            "epcb: two others of its board; side: four of its half of the ADC; partner: four of "
            "its TPC in the other ADC; earlier: what it saw in earlier files; none: too few events",
            categories=NEIGHBOURS,
        ),
        Column("largest_adc16", "float64", "adc16", "greatest pulse in any event", True),
    ),
)

NOISE_TONES = TableSchema(
    "NoiseTones",
    "the strongest line in the spectrum of an active channel",
    (
        _ADC,
        _CHANNEL,
        Column("frequency_MHz", "float64", "MHz", "where it is, NaN without a spectrum", True),
        Column("ratio", "float64", "", "its power over that of the bins around it", True),
        Column("amplitude_adc16", "float64", "adc16", "amplitude of a sine of its power", True),
    ),
)

MISSING_ADCS = TableSchema(
    "MissingAdcs",
    "an ADC",
    (
        _ADC,
        Column("n_events", "int64", "", "events of the file", at_least=0),
        Column("n_missing", "int64", "", "events without it", at_least=0),
        Column("n_silent_channels", "int16", "", "active channels that are never valid"),
        Column("fraction", "float64", "", "share of events without it, NaN without events", True),
    ),
)

ADC_CLOCKS = TableSchema(
    "AdcClocks",
    "an ADC",
    (
        _ADC,
        Column("n", "int64", "", "events in which it has a time", at_least=0),
        Column("ahead_ms", "float64", "ms", "median of its time less the median of the ADCs", True),
    ),
)

CHANNEL_MASKS = TableSchema(
    "ChannelMasks",
    "a channel",
    (
        _ADC,
        _CHANNEL,
        Column("known_status", "int8", "", "-1 inactive, 0 good, 1 dead, 2 baseline, 3 both"),
        Column("active", "bool", "", "it has a sensor"),
        Column("dead", "bool", "", "it sees no light where its neighbours do"),
        Column("flat", "bool", "", "it has no noise"),
        Column("railed", "int8", "", "1 stuck at the top of the range, -1 at the bottom, 0 not"),
        Column(
            "baseline_code",
            "int8",
            "",
            "bits: 1 outside the band, 2 spread, 4 moved (legacy: -1, 1, 2, 3)",
        ),
        Column("move_adc16", "float64", "adc16", "median less that of earlier runs", True),
        Column("flatline_state", "category", "", "as drawn", categories=FLATLINE_STATES),
        Column("baseline_state", "category", "", "as drawn", categories=BASELINE_STATES),
    ),
)

DQM_VERDICT = TableSchema(
    "DqmVerdict",
    "a check",
    (
        Column("check", "category", "", "what is checked", categories=CHECKS),
        Column("status", "category", "", "pass, warn, fail or no_data", categories=CHECK_STATUS),
        Column("value", "float64", "", "the worst value seen, in `unit`", True),
        Column("limit", "float64", "", "where it would fail", True),
        Column("unit", "category", "", "unit of value and limit"),
        Column("n_channels", "int64", "", "channels (or ADCs) that fail", at_least=0),
        Column("channels", "category", "", "which: adc/channel, separated by blanks"),
        Column("reason", "category", "", "what was found"),
        Column("action", "category", "", "what to do; empty if nothing"),
    ),
)

EARLIER_RUNS = TableSchema(
    "EarlierRuns",
    "what earlier files say of a quantity of a channel",
    (
        Column(
            "quantity",
            "category",
            "",
            "baseline, noise, height, side, self_peak, beam_peak, clipped or negative",
            categories=(
                *("baseline", "noise", "height", "side", "self_peak", "beam_peak"),
                *QUANTITIES,
            ),
        ),
        _TRIGGER,
        Column("granularity", "category", "", "as in DqmFractions", categories=GRANULARITIES),
        _ADC,
        _CHANNEL,
        Column("value", "float64", "", "mean of the medians (adc16), or the fraction", True),
        Column("sigma", "float64", "", "its standard error: shrinks with the files", True),
        Column("lower", "float64", "", "lower end of the band that is drawn", True),
        Column("upper", "float64", "", "upper end", True),
        Column("n", "int64", "", "events (denominator of a fraction)", at_least=0),
        Column("k", "int64", "", "numerator of a fraction, else 0", at_least=0),
        Column("n_files", "int64", "", "files", at_least=0),
    ),
)

TABLES: Final[dict[str, TableSchema]] = {
    table.name: table
    for table in (
        LIGHT_EVENTS,
        SELECTED_EVENTS,
        TRIGGER_COUNTS,
        MISSING_ADCS,
        ADC_CLOCKS,
        WAVEFORM_FEATURES,
        DQM_FRACTIONS,
        NOISE_SUMMARY,
        BASELINE_SUMMARY,
        SPARK_RATES,
        LIGHT_HITS,
        NOISE_TONES,
        CHANNEL_MASKS,
        DQM_VERDICT,
        EARLIER_RUNS,
        *HISTORY_TABLES,
    )
}
"""Every frame of the pipeline by the name that a node's ``schema`` tag gives."""
