"""Displays in the manner of scikit-learn.

They need matplotlib (`pip install 'sk-dsn[plot]'`), but only to draw.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from ._compat import check_matplotlib_support
from ._network import fitted_network
from ._targets import Values
from .metrics import synaptic_operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from ._typing import Against, Array, ArrayLike, Network, Samples, Style, Targets

__all__ = ["AnytimeDisplay", "SpikeRasterDisplay", "TrainingCurveDisplay"]

# An axis on which the largest value is more than so many times the smallest is logarithmic.
_LOGARITHMIC_RATIO = 10
# So many points of a line, and no more, have markers.
_MOST_MARKERS = 32
# Of a spike's mark, as a share of its layer's height, however many units that has.
_LEAST_HEIGHT = 0.01
# A unit's marks run into a bar where the median spike is one of so many of a unit and a time step,
# and so many like them stand side by side along the axis.
_SEVERAL, _MOST_MARKS = 4, 150
# Of the cell of one spike where the darkest cell has many.
_LEAST_OPACITY = 0.2
# So many answers, and no more, have lines, and so many of them stand in a column of the legend.
_MOST_ANSWERS, _MOST_IN_COLUMN = 10, 5
# Marks of layers with more units are not moved to whole pixels, which would make patterns of their own.
_MOST_SNAPPED = 100
# Where a legend hides nothing, no wider than a third of a figure.
_ABOVE = {
    "loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2, "frameon": False, "borderaxespad": 0.3, "borderpad": 0,
    "fontsize": "small", "handlelength": 0.8, "handletextpad": 0.4, "columnspacing": 1,
}


class SpikeRasterDisplay:
    """When each neuron spikes: time to the right, the units of a layer above one another, the
    layers on top of each other; on request the answer over time beneath them.

    Every layer is given the same height. A unit that fires several spikes in a time step has them
    side by side; the order in which units fired within a step is not shown. Where there are too many
    spikes to tell them apart, each unit and time step is a cell instead, the darker the more spikes;
    the layer's name then says how many the darkest has.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    spike_counts : list of ndarray, shape (n_time_steps, n_units, 2)
        Of each layer, input first, the positive and negative spikes of one sample, as in
        `metrics.unit_spike_counts`.
    answers : ndarray of shape (n_time_steps, n_outputs), default=None
        The answer after each time step: probabilities of the classes, or values.
    output_names : list of str, default=None
        Names of the columns of `answers`, for the legend; None is no legend.
    answer_name : str, default="Answer"

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the spikes.
    answer_ax_ : matplotlib Axes or None
        Of the answers, beneath.
    figure_ : matplotlib Figure
    positive_spikes_, negative_spikes_ : matplotlib LineCollection or PolyCollection
        The marks of the spikes, or cells; negative ones stand for negative input or take a spike back.
    answer_lines_ : list of matplotlib Line2D
        A line an output; of more than ten outputs, of the ten that have the largest answers.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.plotting import SpikeRasterDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(max_iter=5, random_state=0).fit(X / 16, y)
    >>> display = SpikeRasterDisplay.from_estimator(clf, X / 16, sample=3, answers=True)
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure
    answer_ax_: Axes | None
    answer_lines_: list[Line2D]
    positive_spikes_: LineCollection | PolyCollection
    negative_spikes_: LineCollection | PolyCollection

    def __init__(
        self,
        *,
        spike_counts: Sequence[Array],
        answers: Array | None = None,
        output_names: Sequence[str] | None = None,
        answer_name: str = "Answer",
    ) -> None:
        self.spike_counts = spike_counts
        self.answers = answers
        self.output_names = output_names
        self.answer_name = answer_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Network,
        X: Samples,
        *,
        sample: int = 0,
        answers: bool = False,
        ax: Axes | Sequence[Axes] | None = None,
        positive_kw: Style = None,
        negative_kw: Style = None,
        line_kw: Style = None,
    ) -> Self:
        """Run a network on a sample and draw its spikes.

        Parameters
        ----------
        estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
            Fitted; a Pipeline must end with one of them.
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
            Or what the Pipeline takes: recordings, say, where it begins with `EventFrames`.
        sample : int, default=0
            Which sample of X.
        answers : bool, default=False
            Whether to draw the answer after each time step beneath the spikes: of classifiers the
            probabilities.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure. With `answers` a pair of them, the one for the spikes
            first.
        positive_kw, negative_kw, line_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        display : SpikeRasterDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        network, X = fitted_network(estimator, X)
        if not -X.shape[0] <= sample < X.shape[0]:
            raise ValueError(f"sample={sample} is not there: X has {X.shape[0]} samples.")
        row = sample % X.shape[0]
        X = X[row : row + 1]
        (n_time_steps,) = network.step_counts(X)
        drawn = {"spike_counts": [layer[0, :n_time_steps] for layer in network.unit_spike_counts(X)]}
        if answers:
            outputs = network.without_exits().staged_outputs(X)[:n_time_steps, 0]
            drawn |= _answers(network.targets, outputs)
        return cls(**drawn).plot(ax, positive_kw=positive_kw, negative_kw=negative_kw, line_kw=line_kw)

    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        positive_kw: Style = None,
        negative_kw: Style = None,
        line_kw: Style = None,
    ) -> Self:
        """Draw the spikes, and the answers where they are given.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure. With `answers` a pair of them.
        positive_kw, negative_kw : dict, default=None
            Keywords of `matplotlib.axes.Axes.vlines` for the two kinds of spikes, or of
            `matplotlib.collections.PolyCollection` where they are cells.
        line_kw : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the answers.

        Returns
        -------
        display : SpikeRasterDisplay
        """
        self.answer_ax_, self.answer_lines_ = None, []
        if self.answers is None:
            self.ax_, self.figure_ = _axes(self, ax)
        else:
            self._plot_answers(ax, line_kw)
        # Two colours of the same lightness, so that one kind is seen as well as the other.
        kinds = (("spike", "tab:blue", positive_kw), ("negative", "tab:red", negative_kw))
        crowded = self._is_crowded()
        draw = self._draw_cells if crowded else self._draw_marks
        self.positive_spikes_, self.negative_spikes_ = (
            draw(sign, {"color": color, "label": label}, style) for sign, (label, color, style) in enumerate(kinds)
        )
        n_time_steps, n_layers = len(self.spike_counts[0]), len(self.spike_counts)
        for boundary in range(1, n_layers):
            self.ax_.axhline(boundary, color="0.7", linewidth=0.8)
        names = ["input", *(f"hidden layer {layer}" for layer in range(1, n_layers))]
        labels = [
            f"{name}\n({counts.shape[1]} units)" + (f"\nup to {counts.max()} a step" if crowded else "")
            for name, counts in zip(names, self.spike_counts, strict=True)
        ]
        self.ax_.set_yticks(np.arange(n_layers) + 0.5, labels, fontsize="small")
        self.ax_.tick_params(axis="y", length=0)
        _whole_numbers(self.ax_.xaxis, n_time_steps)
        self.ax_.set(xlim=(0.5, n_time_steps + 0.5), ylim=(0, n_layers))
        (self.answer_ax_ or self.ax_).set_xlabel("Time step")
        if any(counts[..., 1].any() for counts in self.spike_counts):
            self.ax_.legend(**_ABOVE)
        return self

    def _plot_answers(self, axes, style):
        """Make the axes of spikes and answers, and draw the answers."""
        if axes is None:
            import matplotlib.pyplot as plt

            check_matplotlib_support("SpikeRasterDisplay.plot")
            _, axes = plt.subplots(2, sharex=True, height_ratios=(3, 1), layout="constrained")
        self.ax_, self.answer_ax_ = axes
        self.figure_ = self.ax_.figure
        answers = np.asarray(self.answers)
        n_outputs = answers.shape[1]
        names = self.output_names or [None] * n_outputs
        drawn = np.sort(np.argsort(-answers.max(axis=0), kind="stable")[:_MOST_ANSWERS])
        steps = np.arange(1, len(answers) + 1)
        for output in drawn:
            look = _style({**_markers(answers), "label": names[output]}, style)
            self.answer_lines_ += self.answer_ax_.plot(steps, answers[:, output], **look)
        self.answer_ax_.set_ylabel(self.answer_name)
        if self.output_names is not None:
            beside = {"loc": "upper left", "bbox_to_anchor": (1, 1), "frameon": False, "fontsize": "small"}
            self.answer_ax_.legend(ncols=1 + (len(drawn) > _MOST_IN_COLUMN), **beside)

    def __repr__(self):
        sizes = ", ".join(str(counts.shape[1]) for counts in self.spike_counts)
        positive, negative = (sum(int(counts[..., sign].sum()) for counts in self.spike_counts) for sign in (0, 1))
        return (
            f"SpikeRasterDisplay({len(self.spike_counts[0])} time steps of layers of {sizes} units; {positive + negative:,} "
            f"spikes, {negative:,} of them negative)"
        )

    def _is_crowded(self):
        """Whether the marks of many spikes would run into one another."""
        counts = np.sort(np.concatenate([layer[layer > 0] for layer in self.spike_counts]))
        if len(counts) == 0:
            return False
        of_median_spike = counts[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
        return of_median_spike >= _SEVERAL and of_median_spike * len(self.spike_counts[0]) > _MOST_MARKS

    def _heights(self, layer, units):
        """Lower and upper ends of the marks of a layer's units."""
        n_units = self.spike_counts[layer].shape[1]
        lows = layer + units / n_units
        return lows, lows + max(0.9 / n_units, _LEAST_HEIGHT)

    def _draw_marks(self, sign, defaults, style):
        """A mark for each spike of a sign, those of a unit and time step side by side."""
        places, lows, highs = [], [], []
        for layer, counts in enumerate(self.spike_counts):
            steps, units = np.nonzero(counts[..., sign])
            spikes = counts[steps, units, sign]
            nth = np.arange(spikes.sum()) - np.repeat(np.cumsum(spikes) - spikes, spikes)
            places.append(np.repeat(steps + 0.5, spikes) + (nth + 0.5) / np.repeat(spikes, spikes))
            for ends, of_layer in zip((lows, highs), self._heights(layer, np.repeat(units, spikes)), strict=True):
                ends.append(of_layer)
        snapped = all(counts.shape[1] <= _MOST_SNAPPED for counts in self.spike_counts)
        defaults = defaults | {"linewidth": 1.2} | ({} if snapped else {"snap": False})
        return self.ax_.vlines(*map(np.concatenate, (places, lows, highs)), **_style(defaults, style))

    def _draw_cells(self, sign, defaults, style):
        """A cell for each unit and time step with spikes of a sign, the darker the more of them."""
        from matplotlib.collections import PolyCollection
        from matplotlib.colors import to_rgba_array

        corners, shares = [], []
        for layer, counts in enumerate(self.spike_counts):
            steps, units = np.nonzero(counts[..., sign])
            lows, highs = self._heights(layer, units)
            lefts, rights = steps + 0.5, steps + 1.5
            corners.append(np.array([[lefts, lows], [rights, lows], [rights, highs], [lefts, highs]]).transpose(2, 0, 1))
            shares.append(counts[steps, units, sign] / max(counts.max(), 1))
        # The legend shows the first cell: the darkest.
        shares = np.concatenate(shares)
        order = np.argsort(-shares, kind="stable")
        style = _style(defaults | {"linewidth": 0}, style)
        colors = np.repeat(to_rgba_array(style.pop("color")), len(shares), axis=0)
        colors[:, 3] *= _LEAST_OPACITY + (1 - _LEAST_OPACITY) * np.sqrt(shares[order])
        return self.ax_.add_collection(PolyCollection(np.concatenate(corners)[order], color=colors, **style))


class AnytimeDisplay:
    """How good a network's answer is after each time step, against time or against the operations
    it has taken by then.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    scores : array-like of shape (n_time_steps,)
        Score of the answers after each time step.
    synaptic_operations : array-like of shape (n_time_steps,)
        Mean over samples of `metrics.synaptic_operations` up to each time step.
    dense_operations : float, default=None
        Multiply-adds of the conventional network, to draw as a reference.
    score_name : str, default="Score"
    estimator_name : str, default=None
        For the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The scores.
    dense_line_ : matplotlib Line2D or None
        The conventional network's operations, where scores are drawn against operations.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.plotting import AnytimeDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(max_iter=5, random_state=0).fit(X[:1000] / 16, y[:1000])
    >>> display = AnytimeDisplay.from_estimator(clf, X[1000:] / 16, y[1000:], against="synaptic_operations")
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure
    line_: Line2D
    dense_line_: Line2D | None

    def __init__(
        self,
        *,
        scores: ArrayLike,
        synaptic_operations: ArrayLike,
        dense_operations: float | None = None,
        score_name: str = "Score",
        estimator_name: str | None = None,
    ) -> None:
        self.scores = scores
        self.synaptic_operations = synaptic_operations
        self.dense_operations = dense_operations
        self.score_name = score_name
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Network,
        X: Samples,
        y: Targets,
        *,
        against: Against = "time_steps",
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        line_kw: Style = None,
        dense_kw: Style = None,
    ) -> Self:
        """Score a network's answers after each time step and draw them.

        Parameters
        ----------
        estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
            Fitted; a Pipeline must end with one of them. Scores are accuracies or R².
        X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        against : {"time_steps", "synaptic_operations"}, default="time_steps"
            The quantity on the horizontal axis.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the score.
        name : str, default=None
            For the legend; None is no legend entry.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        line_kw, dense_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        display : AnytimeDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        network, X = fitted_network(estimator, X)
        # The answers are those after every time step, and so are the operations.
        network = network.without_exits()
        score, score_name = (r2_score, "R²") if isinstance(network.targets, Values) else (accuracy_score, "Accuracy")
        stages = map(network.targets.decode, network.staged_outputs(X))
        display = cls(
            scores=np.array([score(y, answers, sample_weight=sample_weight) for answers in stages]),
            synaptic_operations=synaptic_operations(network, X).mean(axis=0),
            dense_operations=network.n_weights,
            score_name=score_name,
            estimator_name=name,
        )
        return display.plot(ax, against=against, line_kw=line_kw, dense_kw=dense_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        against: Against = "time_steps",
        name: str | None = None,
        line_kw: Style = None,
        dense_kw: Style = None,
    ) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, for instance that of another display to compare with; None is a new
            figure.
        against : {"time_steps", "synaptic_operations"}, default="time_steps"
            The quantity on the horizontal axis.
        name : str, default=None
            For the legend; None is `estimator_name`.
        line_kw : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the scores.
        dense_kw : dict, default=None
            Keywords of `matplotlib.axes.Axes.axvline` for the operations of the conventional
            network.

        Returns
        -------
        display : AnytimeDisplay
        """
        if against not in ("time_steps", "synaptic_operations"):
            raise ValueError(f"against must be 'time_steps' or 'synaptic_operations', got {against!r}.")
        self.ax_, self.figure_ = _axes(self, ax)
        name = self.estimator_name if name is None else name
        style = _style({**_markers(self.scores), "label": name}, line_kw)
        self.dense_line_ = None
        if against == "time_steps":
            steps = np.arange(1, len(self.scores) + 1)
            (self.line_,) = self.ax_.plot(steps, self.scores, **style)
            self.ax_.set_xscale("log", base=2)
            _whole_powers(self.ax_.xaxis)
            self.ax_.set_xlabel("Time steps")
        else:
            (self.line_,) = self.ax_.plot(self.synaptic_operations, self.scores, **style)
            self.ax_.set_xlabel("Synaptic operations\nper sample")
            _logarithmic(self.ax_, "x")
            if self.dense_operations is not None:
                label = "dense network's\nmultiply-adds"
                drawn_before = label in self.ax_.get_legend_handles_labels()[1]
                defaults = {"color": "0.5", "linestyle": ":", "label": None if drawn_before else label}
                self.dense_line_ = self.ax_.axvline(self.dense_operations, **_style(defaults, dense_kw))
        self.ax_.set_ylabel(self.score_name)
        self.ax_.grid(color="0.9")
        self.ax_.set_axisbelow(True)
        if self.dense_line_ is not None or name is not None:
            self.ax_.legend(loc="lower right", fontsize="small", handlelength=1.2)
        return self

    def __repr__(self):
        name = "" if self.estimator_name is None else f"{self.estimator_name}: "
        first, last, n = self.scores[0], self.scores[-1], len(self.scores)
        return (
            f"AnytimeDisplay({name}{self.score_name} {first:.3f} after time step 1, {last:.3f} after {n}; "
            f"{self.synaptic_operations[0]:,.0f} and {self.synaptic_operations[-1]:,.0f} synaptic operations)"
        )


class TrainingCurveDisplay:
    """How training went: the loss of each epoch and, of samples held out, the score, with a mark at
    the epoch whose weights were kept.

    It is recommended to use `from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    loss_curve : list of float
        Mean loss of each epoch.
    validation_scores : list of float, default=None
        Score after each epoch.
    kept_epoch : int, default=None
        The epoch, counted from 1, whose weights the network has kept; None draws no mark.
    score_name : str, default="Validation score"

    Attributes
    ----------
    ax_ : matplotlib Axes
        Of the loss.
    score_ax_ : matplotlib Axes or None
        Of the scores, with its scale on the right.
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The loss.
    score_line_ : matplotlib Line2D or None
        The scores.
    kept_line_ : matplotlib Line2D or None
        The mark at the epoch that was kept.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sk_dsn import SpikingMLPClassifier
    >>> from sk_dsn.plotting import TrainingCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = SpikingMLPClassifier(max_iter=20, early_stopping=True, random_state=0).fit(X / 16, y)
    >>> display = TrainingCurveDisplay.from_estimator(clf)
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    score_ax_: Axes | None
    figure_: Figure
    line_: Line2D
    score_line_: Line2D | None
    kept_line_: Line2D | None

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_scores: Sequence[float] | None = None,
        kept_epoch: int | None = None,
        score_name: str = "Validation score",
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_scores = validation_scores
        self.kept_epoch = kept_epoch
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, estimator: Network, *, ax: Axes | None = None, line_kw: Style = None, score_kw: Style = None
    ) -> Self:
        """Draw a fitted network's `loss_curve_` and, where it has them, its `validation_scores_`.

        Parameters
        ----------
        estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
            Fitted; a Pipeline must end with one of them.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        line_kw, score_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        network, _ = fitted_network(estimator)
        estimator = network.estimator
        scores = list(estimator.validation_scores_ or [])
        kept = None
        # After a partial_fit the weights are those of no epoch.
        if scores and len(scores) == len(estimator.loss_curve_):
            before = len(scores) - estimator.n_iter_
            kept = before + 1 + int(np.argmax(scores[before:]))
        display = cls(
            loss_curve=list(estimator.loss_curve_),
            validation_scores=scores or None,
            kept_epoch=kept,
            score_name="Validation R²" if isinstance(network.targets, Values) else "Validation accuracy",
        )
        return display.plot(ax, line_kw=line_kw, score_kw=score_kw)

    def plot(self, ax: Axes | None = None, *, line_kw: Style = None, score_kw: Style = None) -> Self:
        """Draw loss and scores against epochs, counted from the first.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        line_kw, score_kw : dict, default=None
            Keywords of `matplotlib.axes.Axes.plot` for the loss and for the scores.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        self.ax_, self.figure_ = _axes(self, ax)
        epochs = np.arange(1, len(self.loss_curve) + 1)
        style = _style({"color": "tab:blue", **_markers(epochs), "label": "Training loss"}, line_kw)
        (self.line_,) = self.ax_.plot(epochs, self.loss_curve, **style)
        if 0 < _LOGARITHMIC_RATIO * min(self.loss_curve, default=0) < max(self.loss_curve, default=0):
            _logarithmic(self.ax_, "y")
        _whole_numbers(self.ax_.xaxis, len(epochs))
        self.ax_.set_xlabel("Epoch")
        self.ax_.set_ylabel("Training loss", color=self.line_.get_color())
        self.score_ax_ = self.score_line_ = self.kept_line_ = None
        if self.validation_scores is not None:
            self.score_ax_ = self.ax_.twinx()
            epochs = np.arange(1, len(self.validation_scores) + 1)
            style = _style({"color": "tab:orange", **_markers(epochs), "label": self.score_name}, score_kw)
            (self.score_line_,) = self.score_ax_.plot(epochs, self.validation_scores, **style)
            self.score_ax_.set_ylabel(self.score_name, color=self.score_line_.get_color())
        if self.kept_epoch is not None:
            self.kept_line_ = self.ax_.axvline(self.kept_epoch, color="0.5", linestyle="--", linewidth=1, zorder=0)
            self.ax_.annotate(
                "kept", (self.kept_epoch, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
                ha="center", fontsize="small", color="0.35",
            )
        return self

    def __repr__(self):
        text = f"{len(self.loss_curve)} epochs"
        if len(self.loss_curve) > 0:
            text += f", loss {self.loss_curve[0]:.3g} to {self.loss_curve[-1]:.3g}"
        if self.validation_scores is not None:
            text += f"; {self.score_name} {self.validation_scores[-1]:.3f}"
        if self.kept_epoch is not None:
            text += f", {self.validation_scores[self.kept_epoch - 1]:.3f} at epoch {self.kept_epoch}, which was kept"
        return f"TrainingCurveDisplay({text})"


def _answers(targets, outputs):
    """Of outputs after each time step, the arguments of a SpikeRasterDisplay that tell the answers."""
    if isinstance(targets, Values):
        values = np.asarray(targets.decode(outputs)).reshape(len(outputs), -1)
        names = [f"output {k}" for k in range(1, values.shape[1] + 1)] if values.shape[1] > 1 else None
        return {"answers": values, "output_names": names}
    names = [str(label) for label in targets.classes]
    return {"answers": targets.probabilities(outputs), "output_names": names, "answer_name": "Probability"}


def _axes(display, ax):
    """The axes to draw on, and their figure."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    return ax, ax.figure


def _markers(points):
    return {"marker": "o" if len(points) <= _MOST_MARKERS else "", "markersize": 4.0}


def _whole_numbers(axis, n_points):
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=min(2, n_points)))


def _logarithmic(ax, direction):
    """A logarithmic axis whose labels are plain numbers, as many as there is room for."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    class Ticks(LogLocator):
        def tick_values(self, vmin, vmax):
            # All decades; their halves and fifths, or halves of halves, where there is room.
            room = self.axis.get_tick_space() if self.axis is not None else 9
            for subs in ((1, 2, 5), (1, 3), (1,)):
                self.set_params(subs=subs)
                ticks = super().tick_values(vmin, vmax)
                if np.count_nonzero((ticks >= vmin) & (ticks <= vmax)) <= room:
                    break
            return ticks

    axis = getattr(ax, f"{direction}axis")
    getattr(ax, f"set_{direction}scale")("log")
    axis.set_major_locator(Ticks(numticks=1000))
    axis.set_major_formatter(EngFormatter(sep="") if direction == "x" else "{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _whole_powers(axis):
    """Labels of a logarithmic axis of base 2 as whole numbers, as many as there is room for."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=2, numticks=8))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _style(defaults, style):
    """A user's keywords for an artist over our own, by any of their names (c, color)."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return defaults | normalize_kwargs(style, Line2D)
