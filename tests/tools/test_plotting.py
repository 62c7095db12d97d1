"""Displays: that what is drawn is what was counted, where it is drawn, and how it looks to change."""
import copy
import subprocess
import sys
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNRegressor
from sk_dsn.events import EventFrames
from sk_dsn.metrics import dense_operations, spike_counts, synaptic_operations, unit_spike_counts
from sk_dsn.plotting import AnytimeDisplay, SpikeRasterDisplay, TrainingCurveDisplay

matplotlib = pytest.importorskip("matplotlib", reason="displays need matplotlib")


@pytest.fixture(autouse=True)
def pyplot():
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:300] / 8 - 0.5, y[:300]


@pytest.fixture(scope="module")
def fitted(digits):
    return SpikingMLPClassifier((30, 12), n_time_steps=16, max_iter=5, random_state=0).fit(*digits)


def raster(estimator, X, y, **keywords):
    return SpikeRasterDisplay.from_estimator(estimator, X, **keywords)


def training_curve(estimator, X, y, **keywords):
    return TrainingCurveDisplay.from_estimator(estimator, **keywords)


each_display = pytest.mark.parametrize("display_of", [raster, AnytimeDisplay.from_estimator, training_curve])


def marks(spikes):
    """Time steps, layers and heights within the layer at which a raster's spikes stand."""
    segments = np.array(spikes.get_segments())
    low = segments[:, 0, 1]
    return np.round(segments[:, 0, 0]).astype(int), low.astype(int), low % 1


@pytest.mark.parametrize("simulation", ["counting", "event-driven"])
@pytest.mark.parametrize("sample", [0, 7, -1])
def test_a_raster_has_a_mark_for_every_spike(fitted, digits, simulation, sample):
    fitted = copy.deepcopy(fitted).set_params(simulation=simulation)
    X = digits[0]
    display = SpikeRasterDisplay.from_estimator(fitted, X, sample=sample)
    expected = unit_spike_counts(fitted, X[[sample]])
    for sign, spikes in enumerate([display.positive_spikes_, display.negative_spikes_]):
        steps, layers, heights = marks(spikes)
        for layer, counts in enumerate(expected):
            drawn = np.zeros(counts.shape[1:3])
            units = np.round(heights[layers == layer] * counts.shape[2]).astype(int)
            np.add.at(drawn, (steps[layers == layer] - 1, units), 1)
            np.testing.assert_array_equal(drawn, counts[0, ..., sign])
        assert len(steps) > 0
    assert len(display.positive_spikes_.get_segments()) + len(display.negative_spikes_.get_segments()) == (
        spike_counts(fitted, X[[sample]]).sum()
    )


def test_marks_of_one_step_are_apart(fitted):
    counts = np.zeros((2, 1, 2), int)
    counts[1, 0, 0] = 4
    places = [segment[0, 0] for segment in SpikeRasterDisplay(spike_counts=[counts]).plot().positive_spikes_.get_segments()]
    np.testing.assert_allclose(places, [1.625, 1.875, 2.125, 2.375])


def test_spikes_too_many_to_tell_apart_are_cells_that_show_their_number():
    rng = np.random.default_rng(0)
    layers = [np.where(rng.random((30, n_units, 2)) < 0.3, rng.integers(1, 25, (30, n_units, 2)), 0) for n_units in (5, 8)]
    display = SpikeRasterDisplay(spike_counts=layers).plot(positive_kw={"c": "green"})
    for sign, cells in enumerate([display.positive_spikes_, display.negative_spikes_]):
        corners = np.array([path.vertices for path in cells.get_paths()])
        lefts, lows = corners[:, 0].T
        opacities = cells.get_facecolors()[:, 3]
        assert opacities[0] == opacities.max()  # the legend shows the first
        for layer, counts in enumerate(layers):
            here = (layer <= lows) & (lows < layer + 1)
            steps, units = (lefts[here] + 0.5).astype(int), np.round((lows[here] % 1) * counts.shape[1]).astype(int)
            drawn = np.zeros(counts.shape[:2])
            drawn[steps - 1, units] = opacities[here]
            in_order = drawn.ravel()[np.argsort(counts[..., sign], axis=None)]
            assert np.all(np.diff(in_order) >= 0)
            np.testing.assert_array_equal(drawn > 0, counts[..., sign] > 0)
    assert display.positive_spikes_.get_facecolors()[0, :3].tolist() == list(matplotlib.colors.to_rgb("green"))
    texts = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert texts == ["input\n(5 units)\nup to 24 a step", "hidden layer 1\n(8 units)\nup to 24 a step"]


def test_a_raster_without_spikes_is_empty():
    display = SpikeRasterDisplay(spike_counts=[np.zeros((4, 3, 2), int)] * 2).plot()
    assert display.positive_spikes_.get_segments() == display.negative_spikes_.get_segments() == []


def test_a_raster_says_which_layer_is_which(fitted, digits):
    display = SpikeRasterDisplay.from_estimator(fitted, digits[0])
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        "input\n(64 units)",
        "hidden layer 1\n(30 units)",
        "hidden layer 2\n(12 units)",
    ]
    assert display.ax_.get_xlim() == (0.5, 16.5)


@pytest.mark.parametrize("sample", [300, -301])
def test_a_sample_that_is_not_there_is_refused(fitted, digits, sample):
    with pytest.raises(ValueError, match="X has 300 samples"):
        SpikeRasterDisplay.from_estimator(fitted, digits[0], sample=sample)


def test_a_stream_has_a_raster(fitted, digits):
    stream = np.repeat(digits[0][:2, None], 5, axis=1)
    display = SpikeRasterDisplay.from_estimator(fitted, stream, sample=1)
    assert display.ax_.get_xlim() == (0.5, 5.5)


@pytest.mark.parametrize("weighted", [False, True])
def test_anytime_accuracy_is_that_of_the_staged_answers(fitted, digits, weighted):
    X, y = digits
    weights = np.arange(len(y)) if weighted else None
    display = AnytimeDisplay.from_estimator(fitted, X, y, sample_weight=weights)
    expected = [accuracy_score(y, labels, sample_weight=weights) for labels in fitted.staged_predict(X)]
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, 17))
    np.testing.assert_array_equal(display.line_.get_ydata(), expected)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Time steps", "Accuracy")
    assert display.dense_line_ is None
    assert display.ax_.get_legend() is None


def test_anytime_accuracy_against_operations_stands_beside_the_dense_networks(fitted, digits):
    X, y = digits
    display = AnytimeDisplay.from_estimator(fitted, X, y, against="synaptic_operations")
    np.testing.assert_allclose(display.line_.get_xdata(), synaptic_operations(fitted, X).mean(axis=0))
    assert display.dense_line_.get_xdata()[0] == dense_operations(fitted)
    assert "per sample" in display.ax_.get_xlabel()


def test_networks_are_compared_on_the_same_axes(fitted, digits):
    X, y = digits
    first = AnytimeDisplay.from_estimator(fitted, X, y, against="synaptic_operations", name="first")
    second = first.plot(first.ax_, against="synaptic_operations", name="second", line_kw={"c": "red"})
    labels = [text.get_text() for text in second.ax_.get_legend().get_texts()]
    assert sorted(labels) == ["dense network's\nmultiply-adds", "first", "second"]
    assert second.line_.get_color() == "red"


def test_a_display_is_drawn_again_against_something_else(fitted, digits, pyplot):
    display = AnytimeDisplay.from_estimator(fitted, *digits, name="network")
    figure = display.figure_
    display.plot(against="synaptic_operations")
    assert display.figure_ is not figure
    assert len(pyplot.get_fignums()) == 2
    with pytest.raises(ValueError, match="against must be"):
        display.plot(against="energy")


def test_a_regressor_is_scored_by_r2(digits):
    X = digits[0]
    y = X[:, :2]
    regressor = SpikingMLPRegressor((10,), max_iter=5, random_state=0).fit(X, y)
    display = AnytimeDisplay.from_estimator(regressor, X, y)
    assert display.line_.get_ydata()[-1] == r2_score(y, regressor.predict(X))
    assert display.ax_.get_ylabel() == "R²"
    assert len(TrainingCurveDisplay.from_estimator(regressor).line_.get_ydata()) == 5


def test_a_training_curve_shows_loss_and_held_out_score(digits):
    fitted = SpikingMLPClassifier((10,), max_iter=6, random_state=0, early_stopping=True).fit(*digits)
    display = TrainingCurveDisplay.from_estimator(fitted, line_kw={"lw": 3}, score_kw={"linestyle": "--"})
    np.testing.assert_array_equal(display.line_.get_xdata(), np.arange(1, 7))
    np.testing.assert_array_equal(display.line_.get_ydata(), fitted.loss_curve_)
    np.testing.assert_array_equal(display.score_line_.get_ydata(), fitted.validation_scores_)
    assert display.score_ax_.get_ylabel() == "Validation accuracy"
    assert (display.line_.get_linewidth(), display.score_line_.get_linestyle()) == (3, "--")


@pytest.mark.parametrize(("n", "marked"), [(1, True), (2, True), (100, False)])
def test_a_few_points_are_marked_so_that_one_is_seen(digits, n, marked):
    X, y = digits
    fitted = SpikingMLPClassifier((5,), n_time_steps=n, max_iter=n, tol=0, random_state=0).fit(X[:50], y[:50])
    for display in (TrainingCurveDisplay.from_estimator(fitted), AnytimeDisplay.from_estimator(fitted, X, y)):
        assert len(display.line_.get_xdata()) == n
        assert (display.line_.get_marker() == "o") == marked
        display.figure_.draw_without_rendering()
    assert all(tick == round(tick) for tick in training_curve(fitted, X, y).ax_.get_xticks())


def test_a_training_curve_without_scores_has_one_line(fitted):
    display = TrainingCurveDisplay.from_estimator(fitted)
    assert display.score_ax_ is display.score_line_ is None
    assert len(display.figure_.axes) == 1


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_training_curve_marks_the_epoch_that_was_kept(digits, goes_on):
    X, y = digits
    fitted = SpikingMLPClassifier((10,), max_iter=8, n_iter_no_change=3, random_state=0, early_stopping=True).fit(X, y)
    if goes_on:
        fitted.set_params(warm_start=True).fit(X, y)
    display = TrainingCurveDisplay.from_estimator(fitted)
    last_fit = range(len(fitted.validation_scores_) - fitted.n_iter_, len(fitted.validation_scores_))
    kept = next(epoch for epoch in last_fit if fitted.validation_scores_[epoch] == fitted.best_validation_score_) + 1
    assert display.kept_epoch == kept
    assert list(display.kept_line_.get_xdata()) == [kept, kept]
    fitted.set_params(early_stopping=False).partial_fit(X[:1], y[:1])
    assert TrainingCurveDisplay.from_estimator(fitted).kept_line_ is None


@pytest.mark.parametrize("width", [6.4, 14])
def test_labels_do_not_collide_where_three_displays_stand_side_by_side(digits, pyplot, width):
    X, y = digits
    fitted = SpikingMLPClassifier((30, 12), n_time_steps=16, max_iter=8, random_state=0, early_stopping=True).fit(X, y)
    figure, axes = pyplot.subplots(1, 3, layout="constrained", figsize=(width, 4.8))
    raster(fitted, X, y, ax=axes[0])
    AnytimeDisplay.from_estimator(fitted, X, y, against="synaptic_operations", name="network", ax=axes[1])
    training_curve(fitted, X, y, ax=axes[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.draw_without_rendering()
    for axis in [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]:
        labels = [tick.label1 if tick.label1.get_visible() else tick.label2 for tick in axis.get_major_ticks()]
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        low, high = ("x0", "x1") if axis.axis_name == "x" else ("y0", "y1")
        boxes.sort(key=lambda box: getattr(box, low))
        assert all(getattr(one, high) <= getattr(other, low) for one, other in pairwise(boxes))
        assert not any(tick.label1.get_text() for tick in axis.get_minor_ticks())
        assert axis.get_label().get_window_extent().width <= figure.bbox.width / 3


def test_negative_spikes_are_as_light_as_positive_ones(fitted, digits):
    display = SpikeRasterDisplay.from_estimator(fitted, digits[0])
    weights = np.array([0.2126, 0.7152, 0.0722])
    spikes = display.positive_spikes_, display.negative_spikes_
    lightness = [weights @ kind.get_color()[0][:3] ** 2.2 for kind in spikes]
    assert max(lightness) < 1.5 * min(lightness)
    assert len({kind.get_linewidth()[0] for kind in spikes}) == 1


def test_displays_tell_what_they_hold(digits):
    X, y = digits
    fitted = SpikingMLPClassifier((12,), n_time_steps=4, max_iter=5, random_state=0, early_stopping=True).fit(X, y)
    scores = [accuracy_score(y, labels) for labels in fitted.staged_predict(X)]
    n_spikes = f"{spike_counts(fitted, X[:1]).sum():,} spikes"
    assert f"4 time steps of layers of 64, 12 units; {n_spikes}" in repr(raster(fitted, X, y))
    assert f"Accuracy {scores[0]:.3f} after time step 1, {scores[-1]:.3f} after 4" in repr(
        AnytimeDisplay.from_estimator(fitted, X, y, name="network")
    )
    text = repr(training_curve(fitted, X, y))
    assert f"{fitted.n_iter_} epochs, loss {fitted.loss_curve_[0]:.3g} to {fitted.loss_:.3g}" in text
    assert f"{fitted.best_validation_score_:.3f} at epoch" in text
    assert repr(TrainingCurveDisplay(loss_curve=[])) == "TrainingCurveDisplay(0 epochs)"


@each_display
def test_a_display_is_drawn_on_the_axes_given(fitted, digits, pyplot, display_of):
    figure, axes = pyplot.subplots(2)
    display = display_of(fitted, *digits, ax=axes[1])
    assert (display.ax_, display.figure_) == (axes[1], figure)
    assert [ax.has_data() for ax in axes] == [False, True]
    assert len(pyplot.get_fignums()) == 1


@each_display
def test_a_display_takes_a_pipeline(digits, display_of):
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), SpikingMLPClassifier((10,), max_iter=3, random_state=0)).fit(X, y)
    of_pipeline, of_network = display_of(pipeline, X, y), display_of(pipeline[-1], pipeline[0].transform(X), y)
    for name, data in vars(of_network).items():
        if not name.endswith("_"):
            np.testing.assert_equal(getattr(of_pipeline, name), data)


@each_display
def test_a_display_of_data_with_names_warns_of_nothing(digits, display_of):
    X = pd.DataFrame(digits[0]).add_prefix("pixel_")
    fitted = SpikingMLPClassifier((10,), max_iter=3, random_state=0).fit(X, digits[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display_of(fitted, X, digits[1])


@each_display
def test_labels_stand_within_the_figure(digits, display_of):
    fitted = SpikingMLPClassifier((30, 12), max_iter=5, random_state=0, early_stopping=True).fit(*digits)
    figure = display_of(fitted, *digits).figure_
    figure.draw_without_rendering()
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_without_matplotlib_a_display_says_what_to_install(fitted, digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"SpikeRasterDisplay.from_estimator requires matplotlib.*pip install"):
        SpikeRasterDisplay.from_estimator(fitted, digits[0])
    with pytest.raises(ImportError, match=r"AnytimeDisplay.from_estimator requires matplotlib"):
        AnytimeDisplay.from_estimator(fitted, *digits)
    with pytest.raises(ImportError, match=r"TrainingCurveDisplay.from_estimator requires matplotlib"):
        TrainingCurveDisplay.from_estimator(fitted)
    with pytest.raises(ImportError, match=r"TrainingCurveDisplay.plot requires matplotlib"):
        TrainingCurveDisplay(loss_curve=[1.0]).plot()


def test_matplotlib_is_imported_only_to_draw():
    code = "import sys, sk_dsn.plotting, sk_dsn.metrics; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(scope="module")
def recordings():
    """Recordings of 3 to 12 steps of 10, in which a label is where most events are."""
    rng = np.random.default_rng(0)
    made = []
    for k in range(40):
        events = np.zeros(80, [("t", "u4"), ("x", "u1"), ("p", "?")])
        events["t"] = np.sort(rng.integers(0, 120 if k else 30, 80))
        events["x"] = np.where(rng.random(80) < 0.7, k % 2, rng.integers(0, 4, 80))
        made.append(events)
    return made


def test_beneath_the_raster_of_a_recording_stands_its_answer(recordings):
    network = SpikingMLPClassifier((8,), leak=0.2, max_iter=5, random_state=0)
    pipeline = make_pipeline(EventFrames((4, 1), 10), network).fit(recordings, [k % 2 for k in range(40)])
    display = SpikeRasterDisplay.from_estimator(pipeline, recordings, sample=0, answers=True, line_kw={"linewidth": 3})
    staged = np.array(list(network.staged_predict_proba(pipeline[0].transform(recordings[:1]))))
    assert len(display.answer_lines_) == 2 and len(staged) == 3
    for line, probabilities in zip(display.answer_lines_, staged[:, 0].T, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([[1, 2, 3], probabilities]))
        assert line.get_linewidth() == 3
    assert [text.get_text() for text in display.answer_ax_.get_legend().get_texts()] == ["0", "1"]
    assert (display.answer_ax_.get_xlabel(), display.ax_.get_xlabel()) == ("Time step", "")
    assert display.answer_ax_.get_ylabel() == "Probability"
    assert display.ax_.get_xlim() == display.answer_ax_.get_xlim() == (0.5, 3.5)


def test_answers_that_are_values_are_drawn_as_values(recordings, pyplot):
    y = np.array([[k % 2, 10.0] for k in range(40)])
    network = SpikingRNNRegressor((8,), max_iter=2, random_state=0)
    pipeline = make_pipeline(EventFrames((4, 1), 10), network).fit(recordings, y)
    axes = pyplot.figure().subplots(2)
    display = SpikeRasterDisplay.from_estimator(pipeline, recordings, sample=1, answers=True, ax=axes)
    assert (display.ax_, display.answer_ax_) == tuple(axes)
    np.testing.assert_array_equal(
        [line.get_ydata()[-1] for line in display.answer_lines_], pipeline.predict(recordings[1:2])[0]
    )


def test_of_many_answers_the_largest_are_drawn():
    answers = np.random.default_rng(0).random((5, 30))
    counts = [np.zeros((5, 2, 2), int)]
    names = [str(k) for k in range(30)]
    display = SpikeRasterDisplay(spike_counts=counts, answers=answers, output_names=names).plot()
    drawn = [int(line.get_label()) for line in display.answer_lines_]
    assert drawn == sorted(np.argsort(answers.max(axis=0))[-10:])
