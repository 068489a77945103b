"""How the samples are coded: 14-bit codes times four as the read-out writes them, or not."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import I8, Mask
from ...schemas.lightdqm.arrays import WaveformNumbers
from ...schemas.lightdqm.history_frames import CODINGS, SAMPLE_CODING, UNWRITTEN_EVENTS
from ...schemas.tables import categories_of

# Nearly all waveforms must agree: a few may be damaged.
_NEARLY_ALL: Final = 0.95
_HALF_RANGE: Final = 8192
_LEAST: Final = 10


@tag(stage="coding", schema="SampleCoding")
def sample_coding(
    waveform_numbers: WaveformNumbers, waveform_validity: Mask, active_channels: Mask
) -> pd.DataFrame:
    """What the samples of each ADC are, from the greatest and least one of each waveform.

    Codes times four have their two lowest bits clear; with their bytes exchanged these are bits 8
    and 9. Codes that are not shifted lie between -8192 and 8191, or 0 and 16383 if they count
    from the low end of the range.
    """
    highest, lowest = waveform_numbers.highest, waveform_numbers.lowest
    used = waveform_validity & active_channels & (highest != lowest)
    kinds = [
        _kind(highest[:, a][used[:, a]], lowest[:, a][used[:, a]]) for a in range(used.shape[1])
    ]
    return SAMPLE_CODING.frame(
        {
            "adc": np.arange(used.shape[1]),
            "n": used.sum(axis=(0, 2)),
            "coding": categories_of([CODINGS.index(kind) for kind in kinds], CODINGS),
        }
    )


def _kind(highest: NDArray[np.int16], lowest: NDArray[np.int16]) -> str:
    ends = np.concatenate([highest, lowest])
    if len(highest) < _LEAST:
        return "none"
    if _share((ends & 3) == 0):
        return "shifted"
    if _share((ends & 0x0300) == 0):
        return "byte_order"
    if _share((ends >= 0) & (ends < 2 * _HALF_RANGE)):
        return "offset_binary"
    return "unshifted" if _share((ends >= -_HALF_RANGE) & (ends < _HALF_RANGE)) else "other"


def _share(marked: NDArray[np.bool_]) -> bool:
    return bool(marked.mean() > _NEARLY_ALL)


@tag(stage="coding", schema="UnwrittenEvents")
def unwritten_events(
    waveform_numbers: WaveformNumbers,
    waveform_validity: Mask,
    active_channels: Mask,
    chosen_rows: I8,
) -> pd.DataFrame:
    """How often all waveforms of an ADC are zeros though the file calls them valid."""
    zero = (waveform_numbers.highest == 0) & (waveform_numbers.lowest == 0)
    used = waveform_validity & active_channels
    there = used.any(axis=2)
    empty = there & (zero | ~used).all(axis=2)
    everywhere = empty.any(axis=1) & (empty | ~there).all(axis=1)
    seen = empty.any(axis=0)
    first = chosen_rows[empty.argmax(axis=0)]
    last = chosen_rows[len(empty) - 1 - empty[::-1].argmax(axis=0)]
    return UNWRITTEN_EVENTS.frame(
        {
            "adc": np.arange(used.shape[1]),
            "n": there.sum(axis=0),
            "n_zero": empty.sum(axis=0),
            "n_everywhere": np.full(used.shape[1], everywhere.sum()),
            "first_row": np.where(seen, first, -1),
            "last_row": np.where(seen, last, -1),
        }
    )
