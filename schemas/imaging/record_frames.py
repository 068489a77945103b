"""What readers give beside the hits: the true reactions of a simulation, and damage."""

from __future__ import annotations

from ..tables import Column, TableSchema

EVENT_ID = Column("event_id", "int64", "", "raw coincidence window, counted from 0 in the file")

REACTIONS = TableSchema(
    "Reactions",
    "a true nuclear or Compton reaction of the simulation",
    (
        EVENT_ID,
        Column("reaction_in_event", "int32", "", "place within the raw event, from 0"),
        Column("ncol", "int32", "", "PHITS collision type"),
        Column("target_Z", "int32", "", "protons of the target nucleus"),
        Column("target_N", "int32", "", "neutrons of the target nucleus"),
        Column("jcl", "int32", "", "PHITS reaction class before decay"),
        Column("kcl", "int32", "", "PHITS reaction class"),
        Column("history", "int64", "", "PHITS history number"),
        Column("no", "int64", "", "PHITS particle number"),
        Column("name", "int64", "", "PHITS generation of the particle"),
        Column("det_id", "int32", "", "region of the reaction"),
        Column("x_cm", "float64", "cm", "position in the frame of the file"),
        Column("y_cm", "float64", "cm", "position in the frame of the file"),
        Column("z_cm", "float64", "cm", "position in the frame of the file"),
        Column("projectile_kf", "int64", "", "kf-code of the incoming particle"),
        Column("projectile_energy_MeV", "float64", "MeV", "its kinetic energy", nullable=True),
    ),
)

PRODUCTS = TableSchema(
    "ReactionProducts",
    "a particle that left a true reaction",
    (
        EVENT_ID,
        Column("reaction_in_event", "int32", "", "reaction it left, as in Reactions"),
        Column("kf", "int64", "", "kf-code"),
        Column("energy_MeV", "float64", "MeV", "kinetic energy"),
        Column("weight", "float64", "", "statistical weight"),
    ),
)

PROBLEMS = TableSchema(
    "Problems",
    "a kind of damage at a place of the file",
    (
        Column("kind", "category", "", "what is wrong"),
        Column("line_or_entry", "int64", "", "line (text) or entry (tree) of the first case"),
        Column("count", "int64", "", "how many cases", at_least=1),
    ),
)
