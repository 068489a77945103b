"""The marks of a recording: one bit a reason, nothing dropped."""

from __future__ import annotations

from typing import Final

from ..bits import Bits

QUALITY: Final = Bits(
    (
        "short",
        "long",
        "header",
        "dropout",
        "clipped",
        "carrier_lost",
        "duplicate",
        "unknown_position",
        "fit_rejected",
        "fit_degenerate",
        "fit_failed",
        "no_hit",
    ),
    "uint16",
)
UNUSABLE: Final = ("short", "long", "dropout", "carrier_lost", "duplicate")
"""A recording with one of these enters no score and no map."""
UNUSABLE_BITS: Final = sum(QUALITY.bit(name) for name in UNUSABLE)

REASONS: Final = Bits(
    (
        "trig_val",
        "posttrig_std",
        "posttrig_min",
        "posttrig_max",
        "fit_residual",
        "ln_lambda",
        "pretrig_std",
        "pretrig_max",
        "pretrig_min",
        "sign_flip",
        "no_event",
        "pileup",
        "step",
        "forest",
    ),
    "uint16",
)
"""Why a recording is an outlier: a feature that is too far off, or a shape."""
LOCAL_FEATURES: Final = REASONS.names[:9]
"""The features that are scored, in the order of their bits."""
