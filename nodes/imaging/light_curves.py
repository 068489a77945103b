"""Light against energy of the recoils of a run: the built-in curves, and those of the user."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.light_response import LightTables
from ...schemas.sources import FileRef
from ..light_response import (
    birks_light_response,
    response_rows,
    response_table,
    stopping_power_table,
)
from .readers.light_tables import read_light_table


@tag(stage="load", schema="LightResponse", scope="run")
@config.when(light_curves=True)
def light_response(stopping_power_file: FileRef, light_tables: LightTables) -> pd.DataFrame:
    """Light against energy of each material and recoil (Birks), a user's table in its place."""
    with open(stopping_power_file.path, encoding="utf-8") as stream:  # noqa: PTH123
        built_in = birks_light_response(stopping_power_table(stream.read()))
    replaced = {(material, recoil) for material, recoil, _ in light_tables.files}
    curves = [
        response_rows(str(m), str(r), c["energy_MeV"].to_numpy(), c["light_MeVee"].to_numpy())
        for (m, r), c in built_in.groupby(["material", "recoil"], observed=True)
        if (m, r) not in replaced
    ]
    for material, recoil, file in light_tables.files:
        table = read_light_table(file)
        curves.append(
            response_rows(material, recoil, table.energy_MeV, table.light_MeVee, table.band_MeVee)
        )
    return response_table(curves)
