"""Point sources: what the fit on cones gives, and its replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8, I8
from ..tables import Column, TableSchema

_UV: Final = tuple(
    Column(f"{a}_cm", "float64", "cm", f"fitted {a} on the plane", nullable=True) for a in "uv"
)
_COUNTS: Final = Column("counts", "float64", "", "events that come from the source", at_least=0.0)

POINT_SOURCES: Final = TableSchema(
    "PointSources",
    "a fitted point source",
    (
        *_UV,
        *(
            Column(f"{a}_sigma_cm", "float64", "cm", f"statistical error of {a}", nullable=True)
            for a in "uv"
        ),
        Column("uv_correlation", "float64", "", "correlation of u and v", nullable=True),
        *(
            Column(f"{a}_{end}{level}_cm", "float64", "cm", text, nullable=True)
            for a in "uv"
            for level in (68, 95)
            for end, text in (
                ("low", f"lower end of the profile interval of {a}, NaN without one"),
                ("high", f"upper end of the profile interval of {a}, NaN without one"),
            )
        ),
        *(
            Column(f"{a}_total_cm", "float64", "cm", text, nullable=True)
            for a, text in (
                ("u", "half width of the total 68 % interval of u, NaN without position_budget"),
                ("v", "half width of the total 68 % interval of v, NaN without position_budget"),
            )
        ),
        Column(
            "distance_cm", "float64", "cm", "fitted place along the normal, NaN: not free", True
        ),
        Column(
            "distance_sigma_cm",
            "float64",
            "cm",
            "its statistical error, NaN: not free, or at an end of its range",
            True,
        ),
        _COUNTS,
        Column("elsewhere_counts", "float64", "", "events that come from no source", at_least=0.0),
        Column("neutron_bias_rad", "float64", "rad", "mean of phi - theta, neutrons", True),
        Column("gamma_bias_rad", "float64", "rad", "mean of phi - theta, gammas", True),
        Column("neutron_scale", "float64", "", "factor on the sigmas of neutrons", True),
        Column("gamma_scale", "float64", "", "factor on the sigmas of gammas", True),
        Column("TS", "float64", "", "2 ln L ratio to one source less", nullable=True),
        Column("log_likelihood", "float64", "", "ln L of the whole fit, per event", nullable=True),
    ),
)
CLASS_SHARES: Final = TableSchema(
    "ClassShares",
    "a class of events by the consistency of their angles",
    (
        Column("species", "category", "", "whose events", categories=("neutron", "gamma")),
        Column("low_sigma", "float64", "", "least |consistency|; NaN = has none", nullable=True),
        Column("high_sigma", "float64", "", "end of |consistency|; NaN = without end", True),
        Column("events", "int64", "", "events of the class", at_least=0),
        Column("source_share", "float64", "", "share of the sources in them, f", at_least=0.0),
        Column("source_share_sigma", "float64", "", "statistical error of f", at_least=0.0),
    ),
)
BOOTSTRAP_IMAGES: Final = TableSchema(
    "BootstrapImages",
    "an image of a replica",
    (
        Column("image", "category", "", "n, g or all", categories=("n", "g", "all")),
        Column("replica", "int64", "", "number of the replica", at_least=0),
        # NaN where [errors] quantities leave it out.
        *(
            Column(f"{a}_{what}cm", "float64", "cm", text.format(a=a), nullable=True)
            for what, text in (
                ("", "{a} of the centroid of the half-maximum region"),
                ("peak_", "{a} of the highest pixel"),
                ("low_", "where the image is at half below the peak along {a}"),
                ("high_", "where the image is at half above the peak along {a}"),
            )
            for a in "uv"
        ),
        Column("fwhm_u_cm", "float64", "cm", "width at half maximum along u", nullable=True),
        Column("fwhm_v_cm", "float64", "cm", "width at half maximum along v", nullable=True),
        Column("source_counts", "float64", "", "events given to pixels", at_least=0.0),
    ),
)
BOOTSTRAP_SOURCES: Final = TableSchema(
    "BootstrapSources",
    "a source of a replica",
    (
        Column("replica", "int64", "", "number of the replica", at_least=0),
        Column("source", "int64", "", "row of point_sources", at_least=0),
        *_UV,
        _COUNTS,
    ),
)
SOURCE_QUANTITIES: Final = ("u_cm", "v_cm", "counts")
IMAGE_QUANTITIES: Final = tuple(
    c.name for c in BOOTSTRAP_IMAGES.columns if c.name not in ("image", "replica")
)
_INTERVAL: Final = (
    Column("level", "float64", "", "share of the replicas from low to high", at_least=0.0),
    Column("replicas", "int64", "", "replicas that have a number", at_least=1),
    Column("low", "float64", "", "lower end, in the unit of the quantity"),
    Column("median", "float64", "", "middle replica, in the unit of the quantity"),
    Column("high", "float64", "", "upper end, in the unit of the quantity"),
)
SOURCE_INTERVALS: Final = TableSchema(
    "SourceIntervals",
    "a quantity of a source over its replicas",
    (
        Column("source", "int64", "", "row of point_sources", at_least=0),
        Column("quantity", "category", "", "of BootstrapSources", categories=SOURCE_QUANTITIES),
        *_INTERVAL,
    ),
)
IMAGE_INTERVALS: Final = TableSchema(
    "ImageIntervals",
    "a quantity of an image over its replicas",
    (
        Column("image", "category", "", "n, g or all", categories=("n", "g", "all")),
        Column("quantity", "category", "", "of BootstrapImages", categories=IMAGE_QUANTITIES),
        *_INTERVAL,
    ),
)
STRATEGIES: Final = ("as_set", "flight", "light", "ELUT")
STRATEGY_SOURCES: Final = TableSchema(
    "StrategySources",
    "a source by one estimate of the angle",
    (
        Column("source", "int64", "", "row of point_sources", at_least=0),
        Column(
            "strategy",
            "category",
            "",
            "as_set: what the settings say; flight, light or ELUT: by that alone",
            categories=STRATEGIES,
        ),
        *_UV,
    ),
)
BUDGET_COMPONENTS: Final = (
    "statistical",
    "strategy",
    "bar_jackknife",
    "orientation",
    "calibration",
    "halves",
    "sensitivity",
    "prior_leakage",
    "total",
)
POSITION_BUDGET: Final = TableSchema(
    "PositionBudget",
    "a component of what the place of a source may be wrong by",
    (
        Column("source", "int64", "", "row of point_sources", at_least=0),
        Column("component", "category", "", "what it comes from", categories=BUDGET_COMPONENTS),
        *(
            Column(f"{a}_cm", "float64", "cm", f"half width of {a}, NaN: not evaluated", True)
            for a in "uv"
        ),
        Column("in_total", "uint8", "", "1 if the total counts it", at_most=1),
    ),
)

PRIOR_SELECTIONS: Final = ("min_delta", "mixture")
PRIOR_LEAKAGE: Final = TableSchema(
    "PriorLeakage",
    "a thin image with a prior",
    (
        Column("image", "category", "", "n or g", categories=("n", "g", "all")),
        Column("selection", "category", "", "rule of [cones]", categories=PRIOR_SELECTIONS),
        *(Column(f"prior_{a}_cm", "float64", "cm", f"{a} of the prior on the plane") for a in "uv"),
        *(
            Column(f"{a}_cm", "float64", "cm", f"{a} of the half-maximum centroid", nullable=True)
            for a in "uv"
        ),
        Column("leakage", "float64", "", "move along that of the prior, cm a cm", nullable=True),
    ),
)


@dataclass(frozen=True)
class SourceFit:
    """Parameters at the maximum: (u, v) of each source, b and ln k of the species, logits.

    ``parameters`` = 2 n coordinates, n - 1 logits of the shares among the sources, bias and ln k
    of each species that is there, a logit of the share of all sources of each class and, where the
    distance is free, the height of the sources over the plane along its normal, cm;
    ``covariance`` the inverse Hessian, ``log_likelihood`` without the prior of k; ``TS`` twice the
    gain over one source less, one value a source.
    """

    parameters: F8
    covariance: F8
    log_likelihood: float
    TS: tuple[float, ...]


@dataclass(frozen=True)
class Acceptance:
    """What of the neutrons of a place passes, by the true angle of the first scatter.

    ``omega`` (c, a) at equal steps of the angle from 0 to pi / 2, its derivative ``slope``, per
    rad, and ``omega_by_cosine`` at equal steps from 0 to 1; ``row_curve`` (n,) their row for each
    neutron hypothesis; points ``first_cm`` and unit vectors ``onward`` (p, 3) to points of another
    bar, ``pair_weight``, 1 / d^2 over how many stand for the two bars, and ``pair_curve``.
    """

    row_curve: I8
    omega: F8
    slope: F8
    omega_by_cosine: F8
    first_cm: F8
    onward: F8
    pair_weight: F8
    pair_curve: I8

    @classmethod
    def none(cls) -> Acceptance:
        """Nothing is known of what passes."""
        rows, curves, points = np.zeros(0, np.int64), np.ones((1, 2)), np.zeros((0, 3))
        return cls(rows, curves, 0.0 * curves, curves, points, points, np.zeros(0), rows)

    @property
    def known(self) -> bool:
        """Whether there is a model."""
        return len(self.pair_curve) > 0


@dataclass(frozen=True)
class ConeMixture:
    """Hypotheses of all events, those of an event together.

    ``apex_cm``, ``axis`` (n, 3); ``theta_rad``, ``sigma_rad``, ``weight`` (n,); ``start`` (m + 1,)
    the first row of each event; ``event_id``, ``species`` (0 neutron, 1 gamma) and ``group``, the
    class that shares a source fraction, (m,). ``axis_share`` (n,), the part of sigma^2 that comes
    from the axis, and ``acceptance`` are told where the fit may use what passes; ``bias_rad`` (n,)
    what of ``theta_rad`` is no measured angle but a mean of phi - theta that was added.
    """

    apex_cm: F8
    axis: F8
    theta_rad: F8
    sigma_rad: F8
    weight: F8
    start: I8
    event_id: I8
    species: I8
    group: I8
    axis_share: F8 | None = None
    bias_rad: F8 | None = None
    acceptance: Acceptance | None = None

    @property
    def n_events(self) -> int:
        """How many events."""
        return len(self.start) - 1
