"""Epochs: the loop of training, the schedule of the rate, the stopping rule, and the calls of
callbacks.

How to read it: `train` is the loop. A `Learner` holds the network in training and learns an epoch;
the core is called here alone to learn. A schedule says which share of the initial rate an epoch
has and whether a stall ends training, a `StoppingRule` when nothing improves any more. A
`Progress` prints the epochs and why training ended.
"""
import copy
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._core.learn.epoch import epoch_order, train_epoch
from ._core.learn.learner import Learner as CoreLearner
from ._core.samples import Samples as CoreSamples
from ._inputs import check_finite, is_stream
from ._network import FittedNetwork
from ._parameters import core_settings, dropout_of, rule_of, time_steps
from ._scales import FEWEST_ROWS, FeatureScales, silent_layer_complaint
from ._targets import fitted_targets
from ._weights import weights_copy


class Samples(NamedTuple):
    """Checked samples to learn from or to score.

    Indices say which take part, so that none are copied.
    """

    X: np.ndarray  # as `_inputs` checks it
    core: CoreSamples  # the core's view of it
    targets: np.ndarray  # encoded, as `_targets` has it
    weights: np.ndarray | None  # float32, shape (n_samples,); None: all 1
    rows: np.ndarray  # those that take part: of a weight above 0


class Learner:
    """The network of an estimator in training. It changes the estimator's weights in place.

    It reads the parameters of the estimator when it is made, and those of the rate in each epoch.
    """

    core_train_epoch = staticmethod(train_epoch)

    def __init__(self, estimator, X):
        """`X` holds samples like those to learn from."""
        self.estimator = estimator
        self.targets = fitted_targets(estimator)
        self.n_time_steps = X.shape[1] if is_stream(X) else time_steps(estimator)
        settings = core_settings(estimator, self.n_time_steps, self.targets.core_loss)
        # The layers of a network move its answer together: they share the normalised step.
        self.n_shares = estimator.n_layers_ - 1 if estimator.normalized_step else 1
        self.totals = np.zeros((2, estimator.n_layers_), dtype=np.int64)
        self.keeps_potentials = rule_of(estimator).forward_reset == "keep"
        self.core = CoreLearner(
            settings,
            estimator.coefs_,
            estimator.intercepts_ if estimator.fit_intercept else None,
            estimator.backward_potentials_,
            potentials=estimator.forward_potentials_ if self.keeps_potentials else None,
        )

    def order(self, rows):
        """The rows in the order of the next epoch: a function of the seed and of `t_` alone."""
        estimator = self.estimator
        return epoch_order(rows, estimator.seed_, estimator.t_) if estimator.shuffle else rows

    def learn_epoch(self, samples, shares=(1, 1), counts=None):
        """Learns each sample once and returns their mean loss.

        `shares` are those of the initial rate and noise at the first sample, and where one after
        the last would stand. Into `counts` go the spikes of each sample, as the core's
        `train_epoch` says; `totals` then holds those of the epoch.
        """
        estimator = self.estimator
        rate = estimator.learning_rate_init / self.n_shares
        self.totals[:] = 0
        labels, Y = self.targets.core_arrays(samples.targets)
        order = self.order(samples.rows)
        epoch, estimator.t_ = estimator.t_, estimator.t_ + len(order)  # an interrupted epoch is not drawn again
        loss, failed_layer = self.core_train_epoch(
            self.core,
            samples.core,
            labels,
            Y,
            order,
            rate_first=rate * shares[0],
            rate_last=rate * shares[1],
            noise_first=estimator.input_noise * shares[0],
            noise_last=estimator.input_noise * shares[1],
            seed=estimator.seed_,
            epoch=epoch,
            weights=samples.weights,
            counts=counts,
            totals=self.totals,
        )
        if failed_layer >= 0:
            self._raise_failed(samples, failed_layer)
        return loss

    def notices(self, samples):
        """Messages and categories of warnings: the faults of samples, targets and spikes that the
        last epoch shows.

        Where they made training diverge, its error has named them.
        """
        if len(samples.rows) < FEWEST_ROWS:
            return []
        scales = FeatureScales.of(samples.X, samples.rows, self.n_time_steps)
        complaints = [
            scales.too_small(),
            scales.too_large(),
            self.targets.complaint(samples.targets, samples.rows),
            silent_layer_complaint(self.totals[0], len(samples.rows)),
        ]
        return [(complaint, ConvergenceWarning) for complaint in complaints if complaint is not None]

    def sent_errors(self):
        """Whether the last epoch sent an error spike."""
        return self.totals[1].any()

    def _raise_failed(self, samples, layer):
        X = samples.X
        if layer == 0:
            check_finite(self.estimator, X)
            raise ValueError(
                f"Input contains values that mean more than 2**24 spikes in {self.n_time_steps} time steps. Scale the "
                "features, for instance with StandardScaler or MinMaxScaler, or lower n_time_steps or input_noise."
            )
        scales = FeatureScales.of(X, samples.rows, self.n_time_steps)
        causes = [scales.too_large(), self.targets.complaint(samples.targets, samples.rows)]
        cause = next(filter(None, causes), None)
        raise ValueError(
            f"Training diverged{f'. {cause} In the end' if cause else ':'} layer {layer} had more than 2**24 spikes in a "
            f"sample of {self.n_time_steps} time steps, or its potentials or weights left the range of float32. "
            f"{'If that was not the cause, l' if cause else 'L'}ower learning_rate_init (or sample and class weights, "
            "which multiply it), scale the features (StandardScaler, MinMaxScaler), set normalized_step=True or lower "
            "n_time_steps."
        )

    def store_potentials(self):
        """Gives the estimator the potentials that the next call goes on with."""
        self.estimator.backward_potentials_ = self.core.error_potentials()
        if self.keeps_potentials:
            self.estimator.forward_potentials_ = self.core.potentials()

    def check_finite(self, samples):
        """Raises ValueError where training that was interrupted had diverged."""
        estimator = self.estimator
        arrays = [*estimator.coefs_, *estimator.intercepts_, *self.core.error_potentials()]
        if not all(np.isfinite(array).all() for array in arrays):
            self._raise_failed(samples, estimator.n_layers_ - 1)

    def state(self):
        """Copies of weights, biases and error potentials."""
        return *weights_copy(self.estimator), self.core.error_potentials()


class ConstantRate:
    """The initial rate in every epoch."""

    ends_at_zero = False

    def shares(self, epoch):
        """Shares of the initial rate at the first sample of an epoch, and after its last."""
        return 1, 1

    def lower(self):
        """Lowers the rate after a stall. Returns whether training goes on; if not, it ends."""
        return False


class LinearRate(ConstantRate):
    """A rate that falls with every sample, to zero after `max_iter` epochs."""

    ends_at_zero = True

    def __init__(self, max_iter):
        self.max_iter = max_iter

    def shares(self, epoch):
        return 1 - epoch / self.max_iter, 1 - (epoch + 1) / self.max_iter


class AdaptiveRate(ConstantRate):
    """A rate that is divided by 5 at each stall, until it is below 1e-6 (as in MLPClassifier)."""

    divisor = 5.0
    minimum = 1e-6

    def __init__(self, rate):
        self.rate = rate
        self.share = 1

    def shares(self, epoch):
        return self.share, self.share

    def lower(self):
        self.share /= self.divisor
        return self.rate * self.share >= self.minimum


def rate_schedule(estimator):
    """The schedule that `learning_rate` names."""
    if estimator.learning_rate == "linear":
        return LinearRate(estimator.max_iter)
    return AdaptiveRate(estimator.learning_rate_init) if estimator.learning_rate == "adaptive" else ConstantRate()


class StoppingRule:
    """Counts epochs in a row whose merit does not improve on the best by `tol`.

    The merit is the validation score or the negative loss.
    """

    def __init__(self, tol, n_iter_no_change):
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.best = -np.inf
        self.n_stalled = 0

    def note(self, merit):
        """Takes the merit of an epoch and returns whether it is the best so far."""
        self.n_stalled = 0 if merit >= self.best + self.tol else self.n_stalled + 1
        is_best = merit > self.best
        if is_best:
            self.best = merit
        return is_best

    def stalled(self):
        """Whether training has stalled; then the count starts anew."""
        if self.n_stalled < self.n_iter_no_change:
            return False
        self.n_stalled = 0
        return True


class Progress:
    """Prints an epoch a line, or with a `verbose` of 2 or more about ten of all, and the end."""

    lines = 10

    def __init__(self, verbose, max_iter):
        self.every = max(1, max_iter // self.lines) if verbose > 1 else 1
        self.verbose = verbose
        self.max_iter = max_iter
        self.began = time.perf_counter()

    def epoch(self, n_iter, loss, score):
        """Takes the loss of an epoch, and its validation score or None."""
        began, self.began = self.began, time.perf_counter()
        if self.verbose and n_iter % self.every == 0:
            score_text = "" if score is None else f", validation score {score:.4f}"
            print(f"Epoch {n_iter}/{self.max_iter}, loss {loss:.6f}{score_text}, {duration(self.began - began)}")

    def end(self, n_iter, reason):
        if self.verbose:
            print(f"Training ended after epoch {n_iter}: {reason}.")


def duration(seconds):
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.2g} ms"


def train(estimator, samples, validation, context, call):
    """Epochs until max_iter, until nothing improves any more or until a callback says so.

    A schedule that ends at zero does not stop where the loss stalls: the noise of online learning,
    which makes it stall, falls with the rate.

    Ctrl-C ends training with the weights reached. With `early_stopping` those remain that scored
    best on the samples `validation`, or, if they are None, on samples held out. `context` is that
    of the callbacks of this fit, `call` holds the keywords of each of their hooks.

    Returns messages and categories of warnings, to be given once the estimator has what it learned.
    """
    notices = []
    scored = estimator.early_stopping
    if scored:
        if validation is None:
            samples, validation = hold_out(estimator, samples)
        check_scored(estimator, validation)
        estimator.validation_scores_ = list(estimator.validation_scores_ or [])
        n_scores_before = len(estimator.validation_scores_)
    estimator.loss_curve_ = list(estimator.loss_curve_)
    n_before = len(estimator.loss_curve_)
    learner, schedule = Learner(estimator, samples.X), rate_schedule(estimator)
    stopping, best = StoppingRule(estimator.tol, estimator.n_iter_no_change), None
    draws = dropout_of(estimator) or estimator.input_dropout or estimator.input_noise
    progress = Progress(estimator.verbose, estimator.max_iter)
    estimator.n_iter_ = 0
    try:
        for epoch in range(estimator.max_iter):
            subcontext = context.subcontext(task_name="epoch")
            subcontext.call_on_fit_task_begin(**call)
            loss = learner.learn_epoch(samples, schedule.shares(epoch))
            merit = score(estimator, validation) if scored else -loss
            estimator.loss_curve_.append(loss)
            if scored:
                estimator.validation_scores_.append(merit)
            if stopping.note(merit) and scored:
                best = epoch + 1, merit, *learner.state()
            estimator.n_iter_ = epoch + 1
            progress.epoch(estimator.n_iter_, loss, merit if scored else None)
            if epoch == 0:
                notices += learner.notices(samples)
            if subcontext.call_on_fit_task_end(**call, reconstruction_attributes=partial(fitted_copy, estimator, learner)):
                reason = "a callback ended it"
                break
            if schedule.ends_at_zero and not draws and not learner.sent_errors():
                reason = "an epoch sent no error spike, so nothing is left to learn"
                break
            if (scored or not schedule.ends_at_zero) and stopping.stalled() and not schedule.lower():
                merit_name = "validation score" if scored else "loss"
                reason = (
                    f"the {merit_name} has not improved by tol={estimator.tol} in "
                    f"n_iter_no_change={estimator.n_iter_no_change} epochs"
                )
                break
        else:
            reason = f"max_iter={estimator.max_iter} epochs are done"
            if schedule.ends_at_zero:
                reason += " and the learning rate has fallen to zero"
            else:
                message = (
                    f"Training reached max_iter={estimator.max_iter} epochs and was still improving. Raise max_iter, or set "
                    "learning_rate='linear' to end at a rate of zero."
                )
                notices.append((message, ConvergenceWarning))
    except KeyboardInterrupt:
        reason = "it was interrupted"
        if best is None:
            learner.check_finite(samples)
        notices.append(("Training interrupted: the estimator keeps the weights reached.", UserWarning))
    learner.store_potentials()
    if best is not None:
        estimator.n_iter_ = max(estimator.n_iter_, best[0])
        estimator.best_validation_score_ = best[1]
        estimator.coefs_, estimator.intercepts_, estimator.backward_potentials_ = best[2:]
    # An epoch may have been interrupted after its learning.
    del estimator.loss_curve_[n_before + estimator.n_iter_ :]
    if scored:
        del estimator.validation_scores_[n_scores_before + estimator.n_iter_ :]
    progress.end(estimator.n_iter_, reason)
    return notices


def fitted_copy(estimator, learner=None):
    """Copies of all attributes that `fit` has set so far.

    With a `learner` those include the potentials with which it would go on.
    """
    if learner is not None:
        learner.store_potentials()
    return copy.deepcopy({name: value for name, value in vars(estimator).items() if name.endswith("_")})


def hold_out(estimator, samples):
    """Samples to train on, and samples held out."""
    # Half of all that importing sk_dsn would cost.
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

    rows, targets = samples.rows, samples.targets[samples.rows]
    splitter = StratifiedShuffleSplit if fitted_targets(estimator).stratified else ShuffleSplit
    fraction = estimator.validation_fraction
    split = splitter(1, test_size=fraction, random_state=estimator.seed_).split(rows, targets)
    try:
        training, validation = next(split)
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True could not hold out validation_fraction={fraction} of {len(rows)} samples: "
            f"{str(error).rstrip('.')}. Set early_stopping=False, change validation_fraction, or pass more samples."
        ) from error
    return samples._replace(rows=rows[training]), samples._replace(rows=rows[validation])


def check_scored(estimator, validation):
    """Raises ValueError where validation samples are too few for a score."""
    fewest, n_samples = fitted_targets(estimator).fewest_scored, len(validation.rows)
    if n_samples < fewest:
        raise ValueError(
            f"early_stopping=True needs at least {fewest} validation samples (of weight above 0) to compute R², got "
            f"{n_samples}. Pass more samples to hold out from, or as X_val, raise "
            f"validation_fraction={estimator.validation_fraction}, or set early_stopping=False."
        )


def score(estimator, samples):
    """Score of an estimator's outputs after the last time step; larger is better."""
    network, rows = FittedNetwork.of(estimator), samples.rows
    weights = None if samples.weights is None else samples.weights[rows]
    return network.targets.score(network.outputs(samples.X, rows), samples.targets[rows], weights)
