"""Pictures of recordings, of their marks and of their scores."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8, I8
from ...schemas.transients.quality import LOCAL_FEATURES, QUALITY, REASONS
from ...schemas.transients.stored_run import StoredRun

_PANELS: Final = 12
_MOST_BINS: Final = 60
_BARS_A_LINE: Final = 20_000
_Z_SHOWN: Final = 12.0


def _fit(run: StoredRun, row: int) -> F8 | None:
    """The fitted curve at the windows of a recording; None without an accepted fit."""
    assert run.features is not None
    assert run.times_s is not None
    names = ("fit_N", "fit_lambda", "fit_c", "quality")
    n, decay, c, quality = (run.features[name].to_numpy()[row] for name in names)
    if not np.isfinite(decay) or decay <= 0 or QUALITY.is_set(quality, "fit_rejected"):
        return None
    curve = np.exp(-decay * run.times_s)
    if run.config.transients.convention == "physical" and len(run.times_s) > 1:
        windows = run.config.transients.windows
        span = (run.times_s[1] - run.times_s[0]) * windows.length / windows.step
        curve = curve * -np.expm1(-decay * span) / (decay * span)
    return np.asarray((n - c) * curve + c)


def rows_to_show(run: StoredRun) -> list[tuple[int, str]]:
    """Twelve recordings with a reason each: the best, an ordinary one, outliers of each reason."""
    assert run.features is not None
    good = run.features["usable"].to_numpy(bool)
    found: list[tuple[int, str]] = []
    outlier = np.zeros(len(good), np.bool_)
    if run.outliers is not None:
        outlier = run.outliers["outlier"].to_numpy(bool)
    inliers = np.flatnonzero(good & ~outlier)
    order = inliers[np.argsort(-run.features["snr"].to_numpy()[inliers], kind="stable")]
    for place, label in (
        (0, "best"),
        (len(order) // 2, "median"),
        (len(order) // 4, "upper fourth"),
    ):
        if len(order) > place:
            found.append((int(order[place]), label))
    if run.outliers is not None:
        reasons = run.outliers["reasons"].to_numpy()
        for name in REASONS.names:
            rows = np.flatnonzero(REASONS.is_set(reasons, name))
            rows = rows[~np.isin(rows, [row for row, _ in found])]
            if rows.size:
                all_names = "+".join(REASONS.names_of(reasons[rows[0]]))
                found.append((int(rows[0]), f"outlier: {all_names}"))
    for row in order:
        if len(found) >= _PANELS:
            break
        if int(row) not in [r for r, _ in found]:
            found.append((int(row), "inlier"))
    return list(dict.fromkeys(found))[:_PANELS]


def gallery_figure(run: StoredRun, figure: Any) -> None:
    """Windows before (pale) and after the trigger, with fit and residual."""
    assert run.features is not None
    assert run.shown is not None
    assert run.times_s is not None
    grid = figure.add_gridspec(6, 4, height_ratios=(3, 1) * 3, hspace=0.12, wspace=0.25)
    shown, ms = run.shown, run.times_s * 1e3
    for k, (row, label) in enumerate(zip(shown.rows, shown.labels, strict=True)):
        above = figure.add_subplot(grid[2 * (k // 4), k % 4])
        below = figure.add_subplot(grid[2 * (k // 4) + 1, k % 4], sharex=above)
        values = shown.post_ppm[k]
        above.plot(shown.pre_times_s * 1e3, shown.pre_ppm[k], ".", ms=3, color="0.7")
        above.plot(ms, values, ".", ms=3, color="0.35")
        curve = _fit(run, row)
        if curve is not None:
            above.plot(ms, curve, color="C1", lw=1.2)
            below.plot(ms, values - curve, ".", ms=2, color="0.35")
            below.axhline(0, color="C1", lw=0.8)
        else:
            below.text(0.5, 0.5, "no fit", transform=below.transAxes, ha="center", va="center",
                       fontsize=7)  # fmt: skip
            below.set_yticks([])
        number = run.features["number"].to_numpy()[row]
        if len(label) > 34:
            label = f"{label[:31]}..."
        above.set_title(f"{number}: {label}", fontsize=7)
        above.tick_params(labelbottom=False, labelsize=7)
        below.tick_params(labelsize=7)
        if k % 4 == 0:
            above.set_ylabel("ppm", fontsize=8)
            below.set_ylabel("residual", fontsize=7)
        if k // 4 == 2:
            below.set_xlabel("time (ms)", fontsize=8)


def baseline_figure(run: StoredRun, figure: Any) -> None:
    """Baseline and its spread over the run."""
    assert run.features is not None
    axes = figure.subplots(2, 1, sharex=True)
    time = run.features["hw_time_s"].to_numpy()
    usable = run.features["usable"].to_numpy(bool)
    for place, name, label in (
        (axes[0], "baseline_mean_Hz", "baseline - fs/4 (kHz)"),
        (axes[1], "baseline_std_Hz", "spread of a sample (kHz)"),
    ):
        values = run.features[name].to_numpy() / 1e3
        place.plot(time[usable], values[usable], ".", ms=4, label="usable")
        place.plot(time[~usable], values[~usable], "x", ms=5, color="C3", label="unusable")
        place.set_ylabel(label)
        place.grid(alpha=0.3)
    # Where there is most room takes long to find among many points.
    axes[0].legend(fontsize=8, loc="upper right")
    axes[1].set_xlabel("time by the receiver's clock (s)")


def _plain_numbers(axis: Any) -> None:
    """Numbers of a logarithmic axis as they are read, not as powers.

    Between powers of ten they stand where the axis has few of these.
    """
    from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    is_log = axis.get_scale() == "log"
    axis.set_minor_formatter(
        LogFormatter(minor_thresholds=(1.0, 0.4)) if is_log else NullFormatter()
    )


def counts_figure(run: StoredRun, figure: Any) -> None:
    """How many recordings have each mark."""
    assert run.counts is not None
    place = figure.subplots()
    names = [str(name) for name in run.counts["name"]][::-1]
    values = run.counts["count"].to_numpy()[::-1]
    place.barh(names, np.maximum(values, 0.0), color="C0")
    place.set_xscale("symlog", linthresh=1)
    _plain_numbers(place.xaxis)
    for k, n in enumerate(values):
        place.annotate(f" {n}", (max(n, 0), k), va="center", fontsize=8)
    place.set_xlabel("recordings (logarithmic above 1)")
    place.margins(x=0.1)


def scores_figure(run: StoredRun, figure: Any) -> None:
    """Distribution of each local score, and the threshold."""
    assert run.scores is not None
    threshold = run.config.transients.outliers.threshold
    axes = figure.subplots(3, 3, sharex=True).ravel()
    limit = max(_Z_SHOWN, threshold * 1.5)
    edges = np.linspace(-limit, limit, _MOST_BINS + 1)
    for place, name in zip(axes, LOCAL_FEATURES, strict=True):
        z = run.scores[f"z_{name}"].to_numpy()
        z = z[np.isfinite(z)]
        place.hist(np.clip(z, -limit, limit), edges, color="C0")
        for side in (-threshold, threshold):
            place.axvline(side, color="C3", lw=0.9, ls="--")
        place.set_yscale("symlog", linthresh=1)
        _plain_numbers(place.yaxis)
        beyond = int((np.abs(z) > threshold).sum())
        place.set_title(f"{name}: {beyond} of {len(z)} beyond", fontsize=8)
    for place in axes[6:]:
        place.set_xlabel("z (the ends hold what is beyond)", fontsize=8)
    for place in axes[::3]:
        place.set_ylabel("recordings", fontsize=8)


def _level_bars(place: Any, x: F8, y: F8, errors: F8, colour: str) -> None:
    """Error bars of x as lines with gaps: of errorbar() each is an object, 0.4 GB of a million.

    A line of too many of them is more than the renderer takes at once.
    """
    for begin in range(0, len(x), _BARS_A_LINE):
        at = slice(begin, begin + _BARS_A_LINE)
        gaps = np.full(len(x[at]), np.nan)
        ends = np.stack([x[at] - errors[at], x[at] + errors[at], gaps], axis=1).ravel()
        place.plot(ends, np.repeat(y[at], 3), "-", color=colour, lw=0.6, solid_capstyle="butt",
                   snap=True)  # fmt: skip


def decay_figure(run: StoredRun, figure: Any) -> None:
    """Amplitude against decay constant of accepted fits."""
    assert run.features is not None
    place = figure.subplots()
    quality = run.features["quality"].to_numpy()
    accepted = run.features["usable"].to_numpy(bool).copy()
    for name in ("fit_rejected", "fit_degenerate", "fit_failed"):
        accepted &= ~QUALITY.is_set(quality, name)
    outlier = np.zeros(len(accepted), np.bool_)
    if run.outliers is not None:
        outlier = run.outliers["outlier"].to_numpy(bool)
    for rows, marker, colour, label in (
        (accepted & ~outlier, ".", "C0", "inlier"),
        (accepted & outlier, "x", "C3", "outlier"),
    ):
        decay, amplitude, errors = (
            run.features[name].to_numpy()[rows]
            for name in ("fit_lambda", "fit_amplitude", "fit_lambda_error")
        )
        _level_bars(place, decay, np.abs(amplitude), np.nan_to_num(errors), colour)
        label = f"{label} ({int(rows.sum())})"
        place.plot(decay, np.abs(amplitude), marker, ms=5, color=colour, label=label)
    place.set(xlabel="decay constant (1/s)", ylabel="|N - c| (ppm)")
    if accepted.any():
        place.set(xscale="log", yscale="log")
        _plain_numbers(place.xaxis)
        _plain_numbers(place.yaxis)
    place.legend(loc="upper right")
    place.grid(alpha=0.3)


def roc(score: F8, anomaly: np.ndarray) -> tuple[F8, F8, I8]:
    """False-alarm rate and recall for every threshold, falling, and the order of the scores."""
    order = np.argsort(-score, kind="stable")
    hits, alarms = np.cumsum(anomaly[order]), np.cumsum(~anomaly[order])
    recall = hits / max(int(anomaly.sum()), 1)
    return alarms / max(int((~anomaly).sum()), 1), recall, order


def detection_figure(run: StoredRun, figure: Any) -> None:
    """ROC of the largest score, the confusion matrix, and the share of each kind that was found."""
    assert run.detection is not None
    axes = figure.subplots(1, 3, width_ratios=(1, 0.8, 1.3))
    if run.kinds is not None and run.scores is not None and run.outliers is not None:
        _roc_and_matrix(run, axes[0], axes[1])
    rows, place = run.detection, axes[2]
    y = np.arange(len(rows))[::-1]
    fraction = rows["fraction"].to_numpy()
    ends = np.abs(np.stack([fraction - rows["low"], rows["high"] - fraction]))
    place.errorbar(fraction, y, xerr=np.nan_to_num(ends), fmt="o", capsize=3)
    table = zip(rows["kind"], rows["found"], rows["n"], strict=True)
    place.set_yticks(y, [f"{kind} ({found} of {n})" for kind, found, n in table], fontsize=8)
    place.set(xlabel="share that is called outlier", xlim=(-0.03, 1.03), title="by kind, 68 %")
    place.grid(alpha=0.3)


def _roc_and_matrix(run: StoredRun, left: Any, right: Any) -> None:
    assert run.kinds is not None
    assert run.scores is not None
    assert run.outliers is not None
    judged = run.kinds["judged"].to_numpy(bool) & run.outliers["scored"].to_numpy(bool)
    anomaly = run.kinds["anomaly"].to_numpy(bool)[judged]
    score = np.nan_to_num(np.abs(run.scores.to_numpy()), nan=0.0).max(axis=1)[judged]
    alarms, recall, order = roc(score, anomaly)
    left.step(np.concatenate([[0.0], alarms]), np.concatenate([[0.0], recall]), where="post")
    threshold = run.config.transients.outliers.threshold
    at = int((score[order] > threshold).sum())
    if at:
        left.plot(alarms[at - 1], recall[at - 1], "o", color="C3", label=f"|z| > {threshold:g}")
        left.legend(fontsize=8)
    left.set(xlabel="share of inliers called outlier", ylabel="share of anomalies found",
             title="ROC of the largest |z|", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))  # fmt: skip
    called = run.outliers["outlier"].to_numpy(bool)[judged]
    counts = np.array([[(~anomaly & ~called).sum(), (~anomaly & called).sum()],
                       [(anomaly & ~called).sum(), (anomaly & called).sum()]])  # fmt: skip
    right.imshow(np.log1p(counts), cmap="Blues", vmin=0.0)
    for j in range(2):
        for i in range(2):
            dark = np.log1p(counts[j, i]) > 0.6 * np.log1p(counts.max())
            right.text(i, j, str(counts[j, i]), ha="center", color="white" if dark else "black")
    right.set_xticks([0, 1], ["inlier", "outlier"])
    right.set_yticks([0, 1], ["inlier", "anomaly"], rotation=90, va="center")
    right.set(xlabel="called", ylabel="truth", title="scored recordings")
