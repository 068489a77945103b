"""Where blocks of a file begin, and with which ADC of another module each goes in light."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.lightdqm.blocks import block_edges
from radiograph.nodes.lightdqm.relations import light_partners
from radiograph.schemas.lightdqm.settings import BlockSettings


@pytest.mark.parametrize(
    ("n", "edges"),
    # 47 events are 11.75 a block: an event belongs to the block in which it begins.
    [(47, [0, 12, 24, 36, 47]), (25, [0, 13, 25]), (19, [0, 19]), (0, [0, 0])],
)
def test_where_blocks_begin(n: int, edges: list[int]) -> None:
    settings = BlockSettings.model_construct(blocks=4)
    found = block_edges(pd.DataFrame(index=range(n)), settings)
    assert found.tolist() == edges


def test_the_adc_that_goes_with_another_is_the_most_alike() -> None:
    """ADC 0 is lit as 2 is, against 3: as much as light is alike, it is least so with 3."""
    rng = np.random.default_rng(4)
    own, other = rng.random((2, 80)) < 0.5
    lit = np.repeat(np.stack([own, other, own, ~own], axis=1)[..., np.newaxis], 64, axis=2)
    event, adc, channel = (i.ravel() for i in np.indices(lit.shape))
    features = pd.DataFrame(
        {"event_row": event, "adc": adc, "channel": channel, "valid": True, "lit": lit.ravel()}
    )
    selected = pd.DataFrame({"event_row": np.arange(80)})
    found = light_partners(features, selected, np.ones(lit.shape[1:], dtype=bool))
    assert found["best"].tolist()[0] == 2
    assert found["best"].tolist()[2] == 0
    assert found["best_same"][0] == pytest.approx(1.0)
    assert found["partner"].tolist() == [1, 0, 3, 2]
