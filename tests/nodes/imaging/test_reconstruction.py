"""Images of uncertain cones: rows of pixels, expectation and maximisation, what is held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from radiograph.nodes.imaging import reconstruction
from radiograph.nodes.imaging.cone_matrix import (
    DenseMatrix,
    Storage,
    blocks_of,
    cone_matrix,
    in_threads,
    seen_cones,
    storage_for,
)
from radiograph.nodes.imaging.expectation_maximisation import Events, maximised, start_of, step
from radiograph.nodes.imaging.half_maximum import half_maximum_centroid, widths_at_half_maximum
from radiograph.nodes.imaging.image_maximisation import ImageProblem, image_fit
from radiograph.nodes.imaging.kernels import cone_rows, expectation
from radiograph.nodes.imaging.kernels.cone_likelihood import cone_densities
from radiograph.nodes.imaging.kernels.cone_rows import SeenCones
from radiograph.nodes.imaging.plane import plane_to_world
from radiograph.nodes.imaging.point_fit import source_fit
from radiograph.nodes.imaging.point_response import point_response
from radiograph.nodes.imaging.posterior_shares import posterior_shares
from radiograph.nodes.imaging.sphere import fibonacci_directions
from radiograph.nodes.imaging.weighted_projection import of_species, weighted_projection
from radiograph.schemas.arrays import F8
from radiograph.schemas.imaging.imaging_method import Threads
from radiograph.schemas.imaging.sources import ConeMixture
from radiograph.schemas.imaging.uncertainty import ExpectationSettings, PointFit, Uncertainty

from .test_point_fit import FRAME, GRID, all_pass, joined, toy

SMALL = replace(GRID, du_cm=15.0, nu=8, dv_cm=20.0, nv=6)
CONES = toy(3, 400, 200)
FEW = ExpectationSettings(iterations=15)
STORAGES: tuple[Storage, ...] = ("dense", "sparse", "computed")


def two_hypotheses(cones: ConeMixture) -> ConeMixture:
    """Every event with a second cone that is wrong by far, of weight 0.3."""
    twice = np.repeat(np.arange(cones.n_events), 2)
    wrong = np.arange(len(twice)) % 2 == 1
    return replace(
        cones,
        apex_cm=cones.apex_cm[twice],
        axis=cones.axis[twice],
        theta_rad=cones.theta_rad[twice] + 0.9 * wrong,
        sigma_rad=cones.sigma_rad[twice],
        weight=np.where(wrong, 0.3, 0.7),
        start=np.arange(0, len(twice) + 1, 2),
    )


def exact_rows(cones: ConeMixture) -> F8:
    """Densities (m, pixels) by the kernel of the point fit."""
    u, v = np.meshgrid(SMALL.u_centers_cm, SMALL.v_centers_cm)
    rows = []
    for point in plane_to_world(u.ravel(), v.ravel(), FRAME, SMALL):
        density, slopes = np.empty(cones.n_events), np.empty((cones.n_events, 5))
        cone_densities(
            cones.apex_cm, cones.axis, cones.theta_rad, cones.sigma_rad, cones.weight,
            cones.start, cones.species, point, np.zeros(2), np.ones(2),
            all_pass(cones), density, slopes,
        )  # fmt: skip
        rows.append(density)
    return np.array(rows).T


def problem(cones: ConeMixture, threads: int = 1, **settings: object) -> ImageProblem:
    told = ExpectationSettings.model_validate({"iterations": 15, **settings})
    return ImageProblem(cones, FRAME, GRID, told, threads)


def row_of(seen: SeenCones, event: int) -> np.ndarray:
    row = np.empty(seen.n_pixels, np.float32)
    cone_rows.fill_row(event, seen, row)
    return row


class TestRows:
    def test_they_are_the_densities_of_the_point_fit(self) -> None:
        cones = two_hypotheses(toy(1, 10, 10))
        seen = seen_cones(cones, FRAME, SMALL)
        rows = np.array([row_of(seen, k) for k in range(cones.n_events)])
        # The sine stands for the angle: 0.2 % of the peak at 4.6 degrees.
        assert np.abs(rows - exact_rows(cones)).max() < 3e-3 * seen.shape[:, 3].max()

    def test_a_cone_integrates_to_one_over_the_sphere(self) -> None:
        seen = seen_cones(toy(1, 3, 0), FRAME, SMALL)
        directions = fibonacci_directions(20_000)
        rows = np.empty((3, len(directions)), np.float32)
        cone_rows.directional_rows(seen.axis, seen.shape, seen.start, directions, rows)
        assert rows.mean(axis=1) * 4.0 * np.pi == pytest.approx(np.ones(3), abs=0.01)

    def test_kernels_equal_their_plain_form(self) -> None:
        seen = seen_cones(two_hypotheses(toy(1, 3, 2)), FRAME, SMALL)
        row, plain = row_of(seen, 1), np.zeros(seen.n_pixels, np.float32)
        for h in (2, 3):
            cone_rows.add_cone.py_func(
                seen.axis[h], seen.origin - seen.apex[h], seen.u_axis,
                seen.v_axis, seen.shape[h], seen.u, seen.v, plain,
            )  # fmt: skip
        assert row == pytest.approx(plain, abs=2e-6 * float(plain.max()))
        assert cone_rows.highest_of(row) == row.max() == cone_rows.highest_of.py_func(row)
        matrix = cone_matrix(seen, 1.0, 1, "dense")
        assert isinstance(matrix, DenseMatrix)
        found = [np.empty(5, np.int64) for _ in range(4)]
        cone_rows.count_runs(matrix.values, *found[:2])
        cone_rows.count_runs.py_func(matrix.values, *found[2:])
        assert np.array_equal(found[:2], found[2:])

    def test_the_highest_pixel_of_a_row_is_255(self) -> None:
        seen = seen_cones(CONES, FRAME, SMALL)
        matrix = cone_matrix(seen, 1.0, 2, "dense")
        assert isinstance(matrix, DenseMatrix)
        lit = matrix.scale > 1e-6
        assert set(matrix.values.max(axis=1)[lit]) == {255}
        rows = np.array([row_of(seen, k) for k in range(CONES.n_events)])
        error = np.abs(matrix.values * matrix.scale[:, None] - rows).max(axis=1)
        assert np.all(error <= 0.501 * matrix.scale)

    @pytest.mark.parametrize("storage", STORAGES)
    def test_every_storage_gives_the_same_pass(self, storage: Storage) -> None:
        seen = seen_cones(CONES, FRAME, GRID)
        everything = np.arange(CONES.n_events)
        passes = []
        for kind in ("dense", storage):
            matrix = cone_matrix(seen, 1.0, 1, kind)
            sky = np.full((CONES.n_events, 1), 1.0 / (4.0 * np.pi), np.float32)
            events = Events(matrix, sky, CONES.group, 1)
            counted = everything % 5 > 0
            passes.append(
                step(events, start_of(events, counted, elsewhere=True), counted, everything)
            )
        first, second = passes
        # Bytes round a density by 1 / 510 of the largest one of its row.
        assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=2e-3)
        assert second.held_out == pytest.approx(first.held_out, abs=4e-3)
        pixels = first.components.pixels
        assert second.components.pixels == pytest.approx(pixels, abs=0.01 * pixels.max())

    def test_the_size_asks_for_the_storage(self) -> None:
        seen = seen_cones(CONES, FRAME, GRID)
        assert storage_for(seen, 1.0) == "dense"
        assert storage_for(seen, 1e-6) == "computed"
        narrow = replace(CONES, sigma_rad=np.full(CONES.n_events, 0.005))
        assert storage_for(seen_cones(narrow, FRAME, GRID), 1.0) == "sparse"

    def test_blocks_hold_every_row_once_in_order(self) -> None:
        for n in (1, 63, 64, 1000):
            assert np.array_equal(np.concatenate(blocks_of(np.arange(n), 10)), np.arange(n))


def events_of(density: list[list[float]]) -> Events:
    """Events of which the densities in two pixels are known."""
    rows = np.array(density)
    scale = rows.max(axis=1) / 255.0
    values = np.rint(rows / scale[:, None]).astype(np.uint8)
    matrix = DenseMatrix(values, scale.astype(np.float32))
    return Events(matrix, np.ones((len(rows), 1), np.float32), np.zeros(len(rows), np.int64), 1)


class TestExpectation:
    # Two events of the first pixel, one of the second, one of both alike: 2 ln f1 + ln f2 with
    # f1 + f2 = 4 is greatest at f = (8/3, 4/3).
    DENSITY = ((1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.5))

    def test_two_pixels_end_at_the_closed_form(self) -> None:
        events = events_of([list(row) for row in self.DENSITY])
        told = ExpectationSettings(elsewhere="off", iterations=60)
        found = maximised(events, np.ones(4, np.bool_), told, 60)
        assert found.components.pixels == pytest.approx([8.0 / 3.0, 4.0 / 3.0], abs=1e-5)

    def test_one_pass_by_hand(self) -> None:
        # From f = (2, 2): events give 2, 2, 2 and half and half: f1 = 1 + 1 + 1/2, f2 = 1 + 1/2.
        events = events_of([list(row) for row in self.DENSITY])
        everything = np.ones(4, np.bool_)
        now = start_of(events, everything, elsewhere=False)
        found = step(events, now, everything, np.arange(4))
        assert found.components.pixels == pytest.approx([2.5, 1.5])
        # q / N = 1/2 in each.
        assert found.log_likelihood == pytest.approx(np.log(0.5))

    def test_forward_and_back_are_adjoint(self) -> None:
        # sum_i c_i (K f)_i = sum_j f_j (K^T c)_j, with c_i = 1 / q_i: N events in, N out.
        seen = seen_cones(CONES, FRAME, GRID)
        matrix = cone_matrix(seen, 1.0, 1, "dense")
        assert isinstance(matrix, DenseMatrix)
        f = np.random.default_rng(1).random(seen.n_pixels).astype(np.float32)
        m = CONES.n_events
        back, sky, sums = np.zeros_like(f), np.zeros(1), np.zeros(4)
        none, one = np.zeros((m, 1), np.float32), np.ones(m)
        model = expectation.Model(none, f, np.zeros(1), one, CONES.group, np.ones((2, 1)))
        matrix.add(np.arange(m), model, expectation.Sums(back, sky, sums))
        seen = (matrix.values.astype(np.float64) @ f) * matrix.scale > 0
        assert float(back @ f) == pytest.approx(seen.sum(), rel=1e-5)

    @pytest.mark.parametrize("elsewhere", ["isotropic", "sphere"])
    @pytest.mark.parametrize("subsets", [1, 4])
    def test_counts_are_kept_and_the_likelihood_rises(self, elsewhere: str, subsets: int) -> None:
        cones = replace(CONES, group=np.arange(CONES.n_events) % 3)
        towards = np.array([0.1, -0.08, -0.99])
        fit = image_fit(problem(cones, elsewhere=elsewhere, subsets=subsets), "n", towards)
        total = fit.history["source_counts"] + fit.history["elsewhere_counts"]
        assert total.to_numpy() == pytest.approx(np.full(len(total), 600.0), rel=1e-6)
        assert fit.pixels.sum() + fit.elsewhere_counts == pytest.approx(600.0, rel=1e-6)
        if subsets == 1:
            assert np.diff(fit.history["loglik_train"]).min() > -1e-7
        assert fit.source_share.sum() == pytest.approx(1.0)
        assert fit.elsewhere_share.sum() == pytest.approx(1.0)

    def test_one_subset_is_the_whole_pass(self) -> None:
        seen = seen_cones(CONES, FRAME, GRID)
        sky = np.full((CONES.n_events, 1), 1.0 / (4.0 * np.pi), np.float32)
        events = Events(cone_matrix(seen, 1.0, 1), sky, CONES.group, 1)
        everything = np.ones(len(events), np.bool_)
        now = start_of(events, everything, elsewhere=True)
        by_hand = step(events, now, everything, np.arange(len(events))).components.pixels
        told = ExpectationSettings(subsets=1)
        assert np.array_equal(maximised(events, everything, told, 1).components.pixels, by_hand)

    def test_threads_change_no_byte(self) -> None:
        images = [image_fit(problem(CONES, threads), "n").pixels.tobytes() for threads in (1, 2, 4)]
        assert len(set(images)) == 1
        images = [weighted_projection(CONES, FRAME, GRID, k).tobytes() for k in (1, 2, 4)]
        assert len(set(images)) == 1

    def test_without_elsewhere_corners_explain_what_is_foreign(self) -> None:
        cones = toy(5, 400, 1200)

        def corners(elsewhere: str) -> float:
            image = image_fit(problem(cones, elsewhere=elsewhere), "n").pixels
            k = 3
            parts = (image[:k, :k], image[:k, -k:], image[-k:, :k], image[-k:, -k:])
            return float(sum(part.sum() for part in parts)) / cones.n_events

        assert corners("off") > 0.05
        assert corners("isotropic") < 0.02

    def test_the_plain_form_books_the_same(self) -> None:
        counted, share = np.ones(3), np.ones((2, 1))
        found = [expectation.Sums(np.zeros(1, np.float32), np.zeros(1), np.zeros(4))]
        found += [expectation.Sums(*(np.zeros_like(a) for a in found[0]))]
        taken = expectation._taken
        sky, group = np.full((3, 1), 0.1, np.float32), np.zeros(3, np.int64)
        f = np.zeros(1, np.float32)
        model = expectation.Model(sky, f, np.array([2.0]), counted, group, share)
        compiled = taken(1, 0.2, model, found[0])
        assert compiled == pytest.approx(taken.py_func(1, 0.2, model, found[1]))
        # q = 0.2 + 0.1 x 2: half of the event is of the source.
        assert compiled == pytest.approx(1.0 / 0.4)
        assert found[0].sums == pytest.approx([0.5, 0.5, np.log(0.4), 0.0])
        assert found[0].sums == pytest.approx(found[1].sums)


class TestStopping:
    def test_it_stops_where_events_held_out_gain_no_more(self) -> None:
        fit = image_fit(problem(CONES, iterations="held_out"), "n")
        assert fit.stop_reason in ("held_out_gains_too_little", "held_out_falls")
        split = fit.history[fit.history["events"] == "split"]
        whole = fit.history[fit.history["events"] == "whole"]
        assert len(split) == len(whole) == fit.iterations
        assert whole["loglik_held_out"].isna().all()
        score = split["loglik_held_out"].to_numpy()
        gained = score[-1] - score[-11]
        assert gained < 1e-4 or score[-1] < score[-2]

    def test_hypotheses_of_an_event_are_held_out_together(self) -> None:
        # An event is a row: what is held out is told by its id alone.
        one = image_fit(problem(CONES, iterations="held_out", max_iterations=5), "n")
        two = image_fit(
            problem(two_hypotheses(CONES), iterations="held_out", max_iterations=5), "n"
        )
        counts = []
        for fit in (one, two):
            split = fit.history[fit.history["events"] == "split"]
            counts.append(split["source_counts"] + split["elsewhere_counts"])
        assert counts[0].iloc[0] == pytest.approx(counts[1].iloc[0])
        assert 0.75 * 600 < counts[0].iloc[0] < 0.85 * 600

    def test_the_order_of_the_events_does_not_matter(self) -> None:
        order = np.random.default_rng(2).permutation(CONES.n_events)
        names = (
            "apex_cm",
            "axis",
            "theta_rad",
            "sigma_rad",
            "weight",
            "event_id",
            "species",
            "group",
        )
        mixed = replace(CONES, **{k: getattr(CONES, k)[order] for k in names})
        first, second = (image_fit(problem(c), "n").pixels for c in (CONES, mixed))
        assert second == pytest.approx(first, abs=1e-4 * first.max())


class TestNodes:
    def told(self, cones: ConeMixture) -> tuple[object, ...]:
        return cones, FRAME, GRID, FEW, Threads(1)

    def test_a_point_is_found_and_is_narrower_than_back_projected(self) -> None:
        fits = reconstruction.image_fits(*self.told(CONES), True, False)
        assert set(fits) == {"n", "all"}
        images = reconstruction.reconstructed_images(fits, GRID)
        assert images.g is None
        u, v = half_maximum_centroid(images.all, GRID)
        assert (u, v) == pytest.approx((10.0, -8.0), abs=3.0)
        wide = reconstruction.weighted_images(
            CONES, FRAME, GRID, Uncertainty(), Threads(1), True, False
        )
        narrow, broad = (widths_at_half_maximum(i.all, GRID)[0] for i in (images, wide))
        assert narrow < 0.6 * np.nan_to_num(broad, nan=120.0)
        shapes = reconstruction.image_shapes(fits, *self.told(CONES))
        row = shapes.iloc[1]
        assert row["image"] == "all"
        assert row["iterations"] == 15
        assert row["fwhm_u_cm"] == pytest.approx(row["psf_fwhm_u_cm"], rel=0.35)

    def test_both_species_make_an_image_of_their_own(self) -> None:
        gammas = replace(toy(9, 100, 50), species=np.ones(150, np.int64))
        both = joined(CONES, gammas)
        fits = reconstruction.image_fits(*self.told(both), True, True)
        counts = {n: f.pixels.sum() + f.elsewhere_counts for n, f in fits.items()}
        assert counts == pytest.approx({"n": 600.0, "g": 150.0, "all": 750.0}, rel=1e-6)
        assert reconstruction.elsewhere_counts(fits)["g"] == fits["g"].elsewhere_counts
        history = reconstruction.iteration_history(fits)
        assert list(history["image"].cat.categories) == ["n", "g", "all"]
        assert len(history) == 45
        images = reconstruction.weighted_images(
            both, FRAME, GRID, Uncertainty(), Threads(1), True, True
        )
        assert images.n is not None
        assert images.g is not None
        assert np.array_equal(images.all, images.n + images.g)

    def test_no_event_is_an_empty_image(self) -> None:
        none = of_species(CONES, 1)
        fits = reconstruction.image_fits(*self.told(none), True, True)
        assert set(fits) == {"n", "g", "all"}
        assert not fits["all"].pixels.any()
        assert fits["all"].stop_reason == "no_events"
        assert len(reconstruction.iteration_history(fits)) == 0
        shapes = reconstruction.image_shapes(fits, *self.told(none))
        assert shapes["u_cm"].isna().all()
        fit = source_fit(none, FRAME, GRID, PointFit())
        assert reconstruction.centred_cones(none, fit, "flat") is none

    def test_one_event_stays_one(self) -> None:
        fits = reconstruction.image_fits(*self.told(toy(1, 1, 0)), True, False)
        fit = fits["n"]
        assert fit.pixels.sum() + fit.elsewhere_counts == pytest.approx(1.0, rel=1e-6)

    def test_cones_are_moved_by_the_bias_of_the_fit(self) -> None:
        moved = replace(CONES, theta_rad=CONES.theta_rad - 0.04)
        before = moved.theta_rad.copy()
        fit = source_fit(moved, FRAME, GRID, PointFit())
        back = reconstruction.centred_cones(moved, fit, "flat")
        assert np.array_equal(moved.theta_rad, before)
        assert (back.theta_rad - CONES.theta_rad).mean() == pytest.approx(0.0, abs=0.012)

    def test_thickened_cones_are_whole_numbers(self) -> None:
        settings = Uncertainty(smearing="thicken")
        images = reconstruction.weighted_images(
            CONES, FRAME, GRID, settings, Threads(1), True, False
        )
        assert np.array_equal(images.all, np.rint(images.all))
        row, column = np.unravel_index(np.argmax(images.all), images.all.shape)
        assert GRID.u_centers_cm[column] == pytest.approx(10.0, abs=8.0)
        assert GRID.v_centers_cm[row] == pytest.approx(-8.0, abs=8.0)

    def test_shares_of_the_regions_add_up_to_the_events(self) -> None:
        cones = two_hypotheses(CONES)
        fit = image_fit(problem(cones), "n")
        inside = np.zeros(GRID.shape, np.bool_)
        inside[20:32, 28:42] = True
        seen = seen_cones(cones, FRAME, GRID)
        shares = posterior_shares(fit, seen, cones, inside.ravel())
        event = np.repeat(np.arange(cones.n_events), 2)
        assert np.bincount(event, shares.sum(axis=1)) == pytest.approx(np.ones(600))
        total = shares.sum(axis=0)
        assert total[0] == pytest.approx(fit.pixels[inside].sum(), rel=0.02)
        assert total[2] == pytest.approx(fit.elsewhere_counts, rel=0.02)


class TestHalfMaximum:
    def test_a_gaussian(self) -> None:
        u, v = np.meshgrid(GRID.u_centers_cm, GRID.v_centers_cm)
        image = np.exp(-0.5 * (((u - 7.0) / 5.0) ** 2 + ((v + 3.0) / 8.0) ** 2))
        assert half_maximum_centroid(image, GRID) == pytest.approx((7.0, -3.0), abs=0.15)
        # 2.3548 sigma.
        assert widths_at_half_maximum(image, GRID) == pytest.approx((11.774, 18.839), rel=0.01)

    def test_a_second_peak_does_not_count(self) -> None:
        image = np.zeros(GRID.shape)
        image[10, 10], image[40, 50] = 1.0, 0.9
        assert half_maximum_centroid(image, GRID) == pytest.approx((-39.0, -39.0))

    def test_an_edge_and_an_empty_image_have_no_width(self) -> None:
        image = np.zeros(GRID.shape)
        assert np.isnan(widths_at_half_maximum(image, GRID)).all()
        assert np.isnan(half_maximum_centroid(image, GRID)).all()
        image[0, 0] = 1.0
        assert np.isnan(widths_at_half_maximum(image, GRID)).all()


def test_the_response_of_a_point_stands_where_the_image_does() -> None:
    told = problem(CONES)
    fit = image_fit(told, "n")
    response = point_response(told, fit)
    assert half_maximum_centroid(response, GRID) == pytest.approx(
        half_maximum_centroid(fit.pixels, GRID), abs=3.0
    )
    assert widths_at_half_maximum(response, GRID)[0] < 30.0


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_each_piece_of_work_is_done_once(threads: int, n: int) -> None:
    done: list[int] = []
    in_threads(done.append, n, threads)
    assert sorted(done) == list(range(n))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_fault_in_a_thread_is_heard(threads: int) -> None:
    def work(k: int) -> None:
        if k == 3:
            msg = "the third"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="the third"):
        in_threads(work, 7, threads)
