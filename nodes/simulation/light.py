"""Light of recoils: stopping powers in, response curves out, read forwards.

Reference: nodes/light_response.py (Birks). A gamma's light is the energy of its electron.
"""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import tag

from ..light_response import birks_light_response, stopping_power_table


@tag(stage="light", schema="LightResponse")
def light_response(stopping_powers_text: str) -> pd.DataFrame:
    """LightResponse of the scintillators, from the text of configs/stopping_powers.csv."""
    return birks_light_response(stopping_power_table(stopping_powers_text))
