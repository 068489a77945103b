"""The verdict: one row a check, from the numbers of the other nodes and limits."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.lightdqm.frames import CHECK_STATUS, CHECKS, DQM_VERDICT
from ...schemas.lightdqm.settings import MaskLimits, VerdictLimits
from ...schemas.tables import categories_of
from .finding import Numbers
from .findings import CHECK_FUNCTIONS
from .folding import folded


@tag(stage="verdict", schema="DqmVerdict", main="true")
def dqm_verdict(
    light_events: pd.DataFrame,
    trigger_counts: pd.DataFrame,
    missing_adcs: pd.DataFrame,
    adc_clocks: pd.DataFrame,
    channel_masks: pd.DataFrame,
    light_hits: pd.DataFrame,
    noise_summary: pd.DataFrame,
    baseline_summary: pd.DataFrame,
    earlier_runs: pd.DataFrame,
    spark_rates: pd.DataFrame,
    dqm_fractions: pd.DataFrame,
    noise_tones: pd.DataFrame,
    channel_history: pd.DataFrame,
    light_ratios: pd.DataFrame,
    copied_channels: pd.DataFrame,
    light_partners: pd.DataFrame,
    channel_orders: pd.DataFrame,
    sample_coding: pd.DataFrame,
    unwritten_events: pd.DataFrame,
    event_order: pd.DataFrame,
    clock_faults: pd.DataFrame,
    mask_limits: MaskLimits,
    verdict_limits: VerdictLimits,
) -> pd.DataFrame:
    """Every check with its worst value, limit, status, failing channels, reason and repair."""
    numbers = Numbers(
        light_events=light_events,
        trigger_counts=trigger_counts,
        missing_adcs=missing_adcs,
        adc_clocks=adc_clocks,
        channel_masks=channel_masks,
        light_hits=light_hits,
        noise_summary=noise_summary,
        baseline_summary=baseline_summary,
        earlier_runs=earlier_runs,
        spark_rates=spark_rates,
        dqm_fractions=dqm_fractions,
        noise_tones=noise_tones,
        channel_history=channel_history,
        light_ratios=light_ratios,
        copied_channels=copied_channels,
        light_partners=light_partners,
        channel_orders=channel_orders,
        sample_coding=sample_coding,
        unwritten_events=unwritten_events,
        event_order=event_order,
        clock_faults=clock_faults,
        mask_limits=mask_limits,
        limits=verdict_limits,
    )
    found = folded([check(numbers) for check in CHECK_FUNCTIONS])
    return DQM_VERDICT.frame(
        {
            "check": categories_of([CHECKS.index(f.check) for f in found], CHECKS),
            "status": categories_of([CHECK_STATUS.index(f.status) for f in found], CHECK_STATUS),
            "value": [f.value for f in found],
            "limit": [float(f.limit) for f in found],
            "unit": [f.unit for f in found],
            "n_channels": [len(f.failing) for f in found],
            "channels": [" ".join(f.failing) for f in found],
            "reason": [f.reason for f in found],
            "action": [f.action for f in found],
        }
    )
