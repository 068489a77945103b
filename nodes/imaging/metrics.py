"""Summed images in, projections on both axes and their numbers out.

The projections are sums of counts; a region of interest takes the pixels whose centres lie in it.
Fit: Gaussian integrated over bins on a flat ground, Poisson weights, errors after PDG (scale S).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, U4, U8, Mask, frozen
from ...schemas.imaging.images import (
    AxisMetrics,
    ImageMetrics,
    PixelGrid,
    Projections,
    ProjectionSet,
    RegionOfInterest,
    SummedImages,
)
from ...schemas.imaging.vis import AxisMetricSettings, ProjectionsSettings
from ..peaks.shapes import FWHM_PER_SIGMA
from .peak_curve import peak_counts
from .tracing import centers_in

# Four parameters and at least two degrees of freedom.
_MIN_FIT_BINS: Final = 6
# The window reaches this many half-widths at half maximum (3.5 sigma) to both sides: enough of
# the ground to hold its level, little enough for it to be flat.
_WINDOW_HALF_WIDTHS: Final = 3.0
# Below this the Gaussian lies inside one bin and its width cannot be known.
_MIN_FWHM_BINS: Final = 1.5
_MIN_SIGNIFICANCE: Final = 5.0
# Counts of a peak nearly as wide as its window are shared out badly between it and the ground:
# it is believed as well where a flat curve is this many sigma worse.
_MIN_SIGMA_AGAINST_FLAT: Final = 12.0
# Cones through one point cross it in all directions: along an axis they make a wide peak. What is
# narrower than this part of the curve may be a few cones that run across the axis; it must be so
# many times larger than every other structure of its width.
_NARROW: Final = 0.1
_ABOVE_RIVALS: Final = 2.0
# The curve whose half height gives the window is averaged over this part of it to both sides.
_LITTLE: Final = 0.01
# A second fit begins at the highest point of the curve averaged over this part of it.
_SMOOTHED_OVER: Final = 0.1
# Rounds of weights: the first from the data, the others from the curve before, which takes
# away the pull towards low bins that weights from data have.
_WEIGHT_ROUNDS: Final = 3


@tag(scope="run", stage="metrics")
def region_of_interest(
    projection_settings: ProjectionsSettings, pixel_grid: PixelGrid
) -> RegionOfInterest:
    """The rectangle [vis.projections] roi_* in cm; a missing edge is the plane's."""
    s, grid = projection_settings, pixel_grid
    return RegionOfInterest(
        u_min_cm=grid.u_min_cm if s.roi_u_min_cm is None else s.roi_u_min_cm,
        u_max_cm=grid.u_max_cm if s.roi_u_max_cm is None else s.roi_u_max_cm,
        v_min_cm=grid.v_min_cm if s.roi_v_min_cm is None else s.roi_v_min_cm,
        v_max_cm=grid.v_max_cm if s.roi_v_max_cm is None else s.roi_v_max_cm,
    )


@tag(scope="run", stage="metrics", main="true")
def projections(
    summed_images: SummedImages,
    region_of_interest: RegionOfInterest,
    projection_settings: ProjectionsSettings,
) -> ProjectionSet:
    """Counts of each image summed along v (shape (nu,)) and along u (shape (nv,)), exact.

    The ROI curves sum the pixels whose centres lie inside (edges included), keep the full axis
    and are 0 outside; they are None when no edge of a ROI is set.
    """
    roi = region_of_interest if projection_settings.has_roi else None
    curves = {
        name: _projected(image, summed_images.grid, roi)
        for name, image in summed_images.present().items()
    }
    return ProjectionSet(grid=summed_images.grid, roi=roi, by_image=curves)


@tag(scope="run", stage="metrics", main="true")
def projection_metrics(
    projections: ProjectionSet, projection_settings: ProjectionsSettings
) -> dict[str, ImageMetrics]:
    """Numbers of every projection and the centroid of every image, by image name, in cm.

    Empty if [vis.projections.metrics] enabled is false; what a compute_* key leaves out is NaN.
    """
    if not projection_settings.metrics.enabled:
        return {}
    return {
        name: _image_metrics(curves, projections.grid, projections.roi, projection_settings)
        for name, curves in projections.by_image.items()
    }


def _projected(image: U4, grid: PixelGrid, roi: RegionOfInterest | None) -> Projections:
    u, v = _sums(image)
    if roi is None:
        return Projections(u=u, v=v)
    inside_u, inside_v = centers_in(roi, grid)
    u_roi, v_roi = _sums(np.where(inside_v[:, None] & inside_u[None, :], image, 0))
    return Projections(u=u, v=v, u_roi=u_roi, v_roi=v_roi)


def _sums(image: Any) -> tuple[U8, U8]:
    u = frozen(image.sum(axis=0, dtype=np.uint64))
    return u, frozen(image.sum(axis=1, dtype=np.uint64))


def _image_metrics(
    curves: Projections,
    grid: PixelGrid,
    roi: RegionOfInterest | None,
    settings: ProjectionsSettings,
) -> ImageMetrics:
    s_u, s_v = settings.metrics.u, settings.metrics.v
    u_axis = _Axis(grid.u_min_cm, grid.du_cm, np.ones(grid.nu, dtype=bool))
    v_axis = _Axis(grid.v_min_cm, grid.dv_cm, np.ones(grid.nv, dtype=bool))
    parts = {"u": (curves.u, u_axis, s_u), "v": (curves.v, v_axis, s_v)}
    if roi is not None and curves.u_roi is not None and curves.v_roi is not None:
        in_u, in_v = centers_in(roi, grid)
        parts["u_roi"] = (curves.u_roi, _Axis(grid.u_min_cm, grid.du_cm, in_u), s_u)
        parts["v_roi"] = (curves.v_roi, _Axis(grid.v_min_cm, grid.dv_cm, in_v), s_v)
    centroids: dict[str, float] = {}
    if settings.metrics.compute_centroid:
        # The centroid of an image is the pair of means of its projections.
        centroids = {
            f"{name}_centroid_cm": _mean_cm(curve.astype(np.float64), axis)
            for name, (curve, axis, _) in parts.items()
        }
    return ImageMetrics(
        axes={name: _axis_metrics(*part) for name, part in parts.items()},
        total_counts=float(curves.u.sum()),
        roi_total_counts=0.0 if curves.u_roi is None else float(curves.u_roi.sum()),
        **centroids,
    )


@dataclass(frozen=True)
class _Axis:
    """Bins of a projection: left edge of the first, width, and which of them hold data."""

    low_cm: float
    step_cm: float
    inside: Mask

    def center_cm(self, index: Any) -> Any:
        return self.low_cm + (index + 0.5) * self.step_cm

    @property
    def centers_cm(self) -> F8:
        return np.asarray(self.center_cm(np.arange(len(self.inside))))


def _axis_metrics(counts: U8, axis: _Axis, settings: AxisMetricSettings) -> AxisMetrics:
    """Numbers of one curve; NaN and not ok unless it holds counts, at least ``min_counts``."""
    n = counts.astype(np.float64)
    total = float(n.sum())
    numbers: dict[str, Any] = {"total_counts": total}
    if total > 0.0 and total >= settings.min_counts:
        if settings.compute_summary:
            numbers |= _summary(n, axis)
        if settings.compute_peak:
            numbers |= _peak(n, axis)
        if settings.compute_edges:
            numbers |= _edges(n, axis, settings.edge_low_frac, settings.edge_high_frac)
    return AxisMetrics(**numbers)


def _mean_cm(counts: F8, axis: _Axis) -> float:
    total = counts.sum()
    return float(counts @ axis.centers_cm / total) if total > 0.0 else np.nan


def _summary(counts: F8, axis: _Axis) -> dict[str, Any]:
    mean = _mean_cm(counts, axis)
    variance = counts @ (axis.centers_cm - mean) ** 2 / counts.sum()
    return {
        "mean_cm": mean,
        "std_cm": float(np.sqrt(variance)),
        "median_cm": _crossing_cm(counts, axis, 0.5),
        "summary_ok": True,
    }


def _edges(counts: F8, axis: _Axis, low_frac: float, high_frac: float) -> dict[str, Any]:
    low, high = (_crossing_cm(counts, axis, f) for f in (low_frac, high_frac))
    return {
        "edge_low_cm": low,
        "edge_high_cm": high,
        "edge_width_cm": high - low,
        "edges_ok": True,
    }


def _crossing_cm(counts: F8, axis: _Axis, fraction: float) -> float:
    """Where the cumulative sum first reaches a fraction of the total, linear within the bin."""
    cumulative = np.cumsum(counts)
    target = fraction * cumulative[-1]
    k = int(np.searchsorted(cumulative, target, side="left"))
    below = cumulative[k - 1] if k else 0.0
    return float(axis.low_cm + (k + (target - below) / counts[k]) * axis.step_cm)


def _peak(counts: F8, axis: _Axis) -> dict[str, Any]:
    """Largest bin (the first of equal ones) and the fit around it."""
    k = int(np.argmax(counts))
    return {
        "peak_pos_cm": float(axis.center_cm(k)),
        "peak_value": float(counts[k]),
        "peak_ok": True,
        **_fitted_peak(counts, axis, k),
    }


def _fitted_peak(counts: F8, axis: _Axis, peak: int) -> dict[str, Any]:
    """Position and FWHM in cm of the peak, with one sigma, or the reason why there is none.

    The fit begins at the largest bin; if that gives no peak, at the highest point of the smoothed
    curve, which a few bins do not move. Errors are scaled by sqrt(chi2/ndf) where that is above
    1, and by the root of the number of bins in one sigma, since bins of a back-projection share
    cones.
    """
    reason = ""
    smoothed = (_smoothed_peak(counts, axis.inside), 0.5 * _SMOOTHED_OVER)
    for start, half_box in ((peak, _LITTLE), smoothed):
        low, high = _fit_window(counts, axis.inside, start, half_box)
        if high - low < _MIN_FIT_BINS:
            reason = reason or f"fewer than {_MIN_FIT_BINS} bins"
            continue
        fit = _gaussian_fit(counts[low:high], start - low)
        found = fit.fault or _rivalled(counts, axis.inside, low, fit)
        if not found:
            return _fit_numbers(axis, low, high, fit)
        reason = reason or found
        # A wide structure that is not believed is no accident of the start.
        if _is_wide(fit, axis.inside, high - low):
            break
    return {"fit_reason": reason}


def _fit_numbers(axis: _Axis, low: int, high: int, fit: _Fit) -> dict[str, Any]:
    position, sigma, area, ground = fit.parameters
    position_sigma, sigma_sigma = fit.errors[:2]
    return {
        "fit_pos_cm": float(axis.center_cm(low + position)),
        "fit_pos_sigma_cm": float(position_sigma * axis.step_cm),
        "fit_fwhm_cm": float(FWHM_PER_SIGMA * sigma * axis.step_cm),
        "fit_fwhm_sigma_cm": float(FWHM_PER_SIGMA * sigma_sigma * axis.step_cm),
        "fit_area_counts": float(area),
        "fit_ground_counts": float(ground),
        "fit_low_cm": float(axis.low_cm + low * axis.step_cm),
        "fit_high_cm": float(axis.low_cm + high * axis.step_cm),
        "fit_ok": True,
    }


def _smoothed_peak(counts: F8, inside: Mask) -> int:
    """The bin around which a tenth of the curve holds most."""
    held = np.flatnonzero(inside)
    if len(held) == 0:
        return 0
    half_box = int(0.5 * _SMOOTHED_OVER * len(held))
    padded = np.pad(counts[held], half_box, mode="edge")
    return int(held[0] + np.argmax(np.convolve(padded, np.ones(2 * half_box + 1), "valid")))


def _is_narrow(fit: _Fit, inside: Mask) -> bool:
    return bool(FWHM_PER_SIGMA * fit.parameters[1] < _NARROW * np.count_nonzero(inside))


def _is_wide(fit: _Fit, inside: Mask, n_bins: int) -> bool:
    """Whether the fit found a structure that is not narrow, and saw all of it."""
    known = np.isfinite(fit.errors).all() and FWHM_PER_SIGMA * fit.parameters[1] <= n_bins
    return bool(known) and not _is_narrow(fit, inside)


def _rivalled(counts: F8, inside: Mask, low: int, fit: _Fit) -> str:
    """Why a narrow peak does not stand out of the rest of its curve; empty where it does."""
    from scipy.ndimage import median_filter

    held = np.flatnonzero(inside)
    position, sigma, area, _ = fit.parameters
    width = max(round(FWHM_PER_SIGMA * sigma), 1)
    if not _is_narrow(fit, inside):
        return ""
    part = counts[held]
    # Structures are what stands above the median of three widths to both sides.
    excess = part - median_filter(part, size=6 * width + 1, mode="nearest")
    sums = np.convolve(excess, np.ones(width), "valid")
    middle = low + position - held[0] - 0.5 * (width - 1)
    others = sums[np.abs(np.arange(len(sums)) - middle) > 1.5 * width]
    within_fwhm = 0.76 * area
    if len(others) == 0 or within_fwhm > _ABOVE_RIVALS * float(others.max()):
        return ""
    return "the highest bins are a narrow spike, and others in the curve are nearly as large"


def _fit_window(counts: F8, inside: Mask, peak: int, half_box_share: float) -> tuple[int, int]:
    """Bins [low, high) around the peak, from where the smoothed curve falls to half of it.

    It is averaged over ``half_box_share`` of its bins to both sides.
    """
    held = np.flatnonzero(inside)
    if len(held) == 0:
        return 0, 0
    first, last = int(held[0]), int(held[-1]) + 1
    part, k = counts[first:last], peak - first
    half_box = int(half_box_share * len(part))
    padded = np.pad(part, half_box, mode="edge")
    smooth = np.convolve(padded, np.full(2 * half_box + 1, 1 / (2 * half_box + 1)), "valid")
    below = np.flatnonzero(smooth < 0.5 * (smooth[k] + smooth.min()))
    left, right = below[below < k], below[below > k]
    widths = [k - left[-1]] if len(left) else []
    widths += [right[0] - k] if len(right) else []
    half_width = min(widths) if widths else len(part)
    reach = max(int(np.ceil(_WINDOW_HALF_WIDTHS * half_width)), _MIN_FIT_BINS // 2)
    return max(peak - reach, first), min(peak + reach + 1, last)


@dataclass(frozen=True)
class _Fit:
    """(position, sigma, area, ground), in bins from the centre of the first one, and their errors.

    ``fault`` says why they are not believed, else it is empty.
    """

    parameters: F8
    errors: F8
    fault: str


def _gaussian_fit(counts: F8, peak: int) -> _Fit:
    """The Gaussian on a flat ground that fits the counts best."""
    from scipy.optimize import least_squares

    x = np.arange(len(counts), dtype=np.float64)
    start_sigma = max(len(counts) / (2.0 * _WINDOW_HALF_WIDTHS * 1.18), 0.5)
    ground = float(counts.min())
    area = max(float((counts - ground).sum()), 1.0)
    p = np.array([peak, start_sigma, area, ground])
    expected = counts
    for _ in range(_WEIGHT_ROUNDS):
        found = least_squares(
            _residuals,
            p,
            args=(x, counts, 1.0 / np.sqrt(np.maximum(expected, 1.0))),
            method="lm",
            x_scale=np.array([start_sigma, start_sigma, area, max(ground, 1.0)]),
            max_nfev=2000,
        )
        if not found.success or not np.isfinite(found.x).all():
            return _Fit(p, np.full(4, np.inf), "the fit does not converge")
        p = found.x
        expected = peak_counts(x, *p)
    p[1] = abs(p[1])
    # A cone that crosses the peak counts once in each bin it crosses: the bins within a sigma
    # hold the same cones, and the errors must not shrink with finer bins.
    errors = _errors(np.asarray(found.jac), 2.0 * found.cost) * np.sqrt(max(p[1], 1.0))
    gain = _chi2_of_flat(counts, expected) - 2.0 * found.cost
    scale = max(2.0 * found.cost / (len(counts) - len(p)), 1.0) * max(p[1], 1.0)
    return _Fit(p, errors, _fault(p, errors, len(counts), np.sqrt(max(gain, 0.0) / scale)))


def _chi2_of_flat(counts: F8, expected: F8) -> float:
    weight = 1.0 / np.maximum(expected, 1.0)
    return float(weight @ (counts - weight @ counts / weight.sum()) ** 2)


def _residuals(p: F8, x: F8, counts: F8, weight: F8) -> F8:
    return np.asarray((peak_counts(x, *p) - counts) * weight)


def _errors(jacobian: F8, chi2: float) -> F8:
    """One sigma of each parameter; infinite where the data do not fix it."""
    n_bins, n_parameters = jacobian.shape
    scale = np.sqrt(max(chi2 / (n_bins - n_parameters), 1.0))
    curvature = jacobian.T @ jacobian
    diagonal = np.sqrt(np.diag(curvature))
    if not np.isfinite(curvature).all() or (diagonal == 0.0).any():
        return np.full(n_parameters, np.inf)
    normed = curvature / np.outer(diagonal, diagonal)
    if np.linalg.cond(normed) > 1e12:
        return np.full(n_parameters, np.inf)
    variance = np.diag(np.linalg.inv(normed))
    return np.asarray(scale * np.sqrt(np.maximum(variance, 0.0)) / diagonal)


def _fault(p: F8, errors: F8, n_bins: int, against_flat: float) -> str:
    """Why this is no peak above the ground, inside the window and narrower than it; empty if it is.

    ``against_flat`` is how many sigma worse a flat curve is.
    """
    position, sigma, area, _ = p
    fwhm = FWHM_PER_SIGMA * sigma
    if not np.isfinite(errors).all():
        return "the curve does not fix position and width"
    if area <= 0.0 or not 0.0 <= position <= n_bins - 1:
        return "the curve has no peak in the bins around its maximum"
    if fwhm < _MIN_FWHM_BINS:
        return f"the peak is narrower than {_MIN_FWHM_BINS:g} bins"
    if fwhm > n_bins or errors[1] >= sigma:
        return "the peak is wider than the bins around it"
    if area > _MIN_SIGNIFICANCE * errors[2] or against_flat > _MIN_SIGMA_AGAINST_FLAT:
        return ""
    return f"the peak does not stand {_MIN_SIGNIFICANCE:g} sigma above the ground"
