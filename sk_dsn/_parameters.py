"""The parameters: which values they take, which combinations exist, and how the core reads them."""
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ._compat import Interval, Options, StrOptions, check_parameters
from ._core.settings import Loss, Neuron, Reset, Simulation
from ._learning_rule import SpikingBackprop

LOSSES = {"log_loss": Loss.LOG_LOSS, "squared_error": Loss.SQUARED_ERROR}
NEURONS = {"signed": Neuron.SIGNED, "rectifying": Neuron.RECTIFYING}
RESETS = {"zero": Reset.RESET_ZERO, "keep": Reset.RESET_KEEP, "random": Reset.RESET_RANDOM}
SIMULATIONS = {
    "counting": Simulation.COUNTING,
    "clock-driven": Simulation.CLOCK_DRIVEN,
    "event-driven": Simulation.EVENT_DRIVEN,
    "event-driven-depth-first": Simulation.EVENT_DRIVEN_DEPTH_FIRST,
}
EVENT_DRIVEN = {"event-driven", "event-driven-depth-first"}
MOST_TIME_STEPS = 2**24
# What dropout=None means: this in a single hidden layer of so many neurons.
DEFAULT_DROPOUT, WIDE_LAYER = 0.1, 50

# Of the multilayer perceptrons, in the order and the groups of their signatures.
CONSTRAINTS = {
    # network
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "n_time_steps": [Interval(Integral, 1, MOST_TIME_STEPS, closed="both")],
    "neuron": [StrOptions(set(NEURONS))],
    "simulation": [StrOptions({"auto", *SIMULATIONS})],
    "leak": [Interval(Real, 0, 1, closed="both")],
    "readout": [StrOptions({"last", "mean"})],
    "fit_intercept": ["boolean"],
    "weight_init_scale": [None, Interval(Real, 0, None, closed="left")],
    # learning
    "loss": [StrOptions(set(LOSSES))],
    "error_resolution": [Interval(Real, 0, None, closed="neither")],
    "learning_rate_init": [Interval(Real, 0, None, closed="left")],
    "learning_rate": [StrOptions({"linear", "constant", "adaptive"})],
    "normalized_step": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
    # regularisation
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "input_noise": [Interval(Real, 0, None, closed="left")],
    "max_norm": [None, Interval(Real, 0, None, closed="neither")],
    "spike_penalty": [Interval(Real, 0, None, closed="left")],
    # stopping
    "tol": [Interval(Real, 0, None, closed="left")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    # prediction
    "n_jobs": [None, Integral],
    # rule
    "learning_rule": [None, StrOptions({"paper"}), SpikingBackprop],
}
CLASSIFIER_CONSTRAINTS = CONSTRAINTS | {
    "dropout": [None, *CONSTRAINTS["dropout"]],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "exit_margin": [None, Interval(Real, 0, None, closed="neither")],
}
REGRESSOR_CONSTRAINTS = CONSTRAINTS | {"loss": [StrOptions({"squared_error"})], "scale_target": ["boolean"]}

# The rules behind the values of `learning_rule` that are no SpikingBackprop. They are only read.
NAMED_RULES = {
    None: SpikingBackprop(),
    "paper": SpikingBackprop(
        feedback="step", weight_update="fractional", output_activation="rectifying", mask_negative_inputs=True
    ),
}

PAPER_SETTINGS: dict[str, Any] = {
    "n_time_steps": 10,
    "neuron": "rectifying",
    "simulation": "event-driven",
    "fit_intercept": False,
    "weight_init_scale": 0.01,
    "loss": "squared_error",
    "error_resolution": 1,
    "learning_rate_init": 0.01,
    "learning_rate": "constant",
    "normalized_step": False,
    "dropout": 0.0,
    "learning_rule": "paper",
}
"""Parameters that make an estimator the network of O'Connor & Welling (2016), which has 200 neurons
in each of two hidden layers: ``SpikingMLPClassifier((200, 200), **PAPER_SETTINGS)``. They are plain
values: estimators share nothing by them."""


def rule_of(estimator):
    """The SpikingBackprop that `estimator.learning_rule` means."""
    rule = estimator.learning_rule
    if isinstance(rule, SpikingBackprop):
        return rule
    if rule is not None and rule != "paper":
        check_parameters(estimator, "learning_rule")
    return NAMED_RULES[rule]


def dropout_of(estimator):
    """`estimator.dropout`, or what None means.

    A little dropout keeps a wide layer from learning noise; narrow layers one above the other lose
    their signal by it.
    """
    if estimator.dropout is not None:
        return estimator.dropout
    hidden = estimator.hidden_layer_sizes
    sizes = [hidden] if isinstance(hidden, Integral) else list(hidden)
    single = len(sizes) == 1 and sizes[0] >= WIDE_LAYER
    return DEFAULT_DROPOUT if single and estimator.normalized_step else 0.0


def time_steps(estimator):
    """`estimator.n_time_steps`, checked."""
    n_time_steps = estimator.n_time_steps
    if type(n_time_steps) is int and 1 <= n_time_steps <= MOST_TIME_STEPS:
        return n_time_steps
    if not isinstance(n_time_steps, Integral) or not 1 <= n_time_steps <= MOST_TIME_STEPS:
        check_parameters(estimator, "n_time_steps")
    return int(n_time_steps)


def choose_simulation(estimator, rule):
    """The simulation that `estimator.simulation` names, or for "auto" the cheapest possible."""
    if estimator.simulation != "auto":
        return estimator.simulation
    counts = estimator.neuron == "signed" and estimator.leak == 0 and estimator.readout == "last"
    if counts and rule.weight_update == "sgd" and rule.feedback == "sample":
        return "counting"
    return "clock-driven" if rule.hold_error else "event-driven"


def refusals(estimator, rule, simulation):
    """Yield a message for each unsupported combination of parameters that the estimator has.

    The docstring of SpikingBackprop holds the same as a table.
    """
    if rule.output_activation == "rectifying":
        if estimator.loss != "squared_error":
            yield "output_activation='rectifying' needs loss='squared_error': a softmax has no rectifying outputs."
        if estimator.error_resolution != int(estimator.error_resolution):
            yield "output_activation='rectifying' needs a whole number as error_resolution: its errors are spikes."
    if rule.weight_update == "fractional" and rule.feedback != "step":
        yield "weight_update='fractional' needs feedback='step': it updates by the counts at the time of each error spike."
    if rule.forward_reset == "keep":
        if estimator.neuron != "rectifying":
            yield (
                "forward_reset='keep' needs neuron='rectifying': a signed neuron's count is a function of the sample alone."
            )
        if dropout_of(estimator) > 0:
            yield "forward_reset='keep' needs dropout=0: dropout stops neurons in mid-potential."
        if estimator.leak > 0:
            yield "forward_reset='keep' needs leak=0: potentials that leak forget the sample before."
    if not rule.hold_error:
        if rule.output_activation != "rectifying" or rule.feedback != "step" or estimator.error_resolution != 1:
            yield (
                "hold_error=False needs output_activation='rectifying', feedback='step' and error_resolution=1: it sends "
                "output spikes down as errors at once."
            )
        if simulation not in EVENT_DRIVEN:
            yield (
                "hold_error=False needs simulation='event-driven' or 'event-driven-depth-first': the others know only the "
                "spikes of a whole time step."
            )
    if simulation == "counting":
        if estimator.neuron != "signed":
            yield (
                "simulation='counting' needs neuron='signed': a rectifying neuron's count depends on the order of its input."
            )
        if rule.feedback != "sample":
            yield "simulation='counting' needs feedback='sample': it does not step through time."
        if estimator.leak > 0:
            yield "simulation='counting' needs leak=0: with a leak, a count depends on when input arrives."
        if estimator.readout != "last":
            yield "simulation='counting' needs readout='last': it has no answers at the time steps before."


def checked_simulation(estimator):
    """The simulation to use.

    Raises ValueError for a combination of parameters that cannot be computed.
    """
    rule = rule_of(estimator)
    leak = estimator.leak
    if not isinstance(leak, Real) or not 0 <= leak <= 1 or estimator.readout not in ("last", "mean"):
        check_parameters(estimator, "leak", "readout")
    simulation = choose_simulation(estimator, rule)
    if simulation not in SIMULATIONS or estimator.neuron not in NEURONS:
        check_parameters(estimator, "simulation", "neuron")
    for message in refusals(estimator, rule, simulation):
        raise ValueError(message)
    return simulation


class Dynamics(NamedTuple):
    """The parameters that say how a network runs, whatever its weights."""

    simulation: str  # not "auto"
    neuron: str
    leak: float
    readout: str

    @property
    def is_event_driven(self):
        """Whether a unit may fire spikes of both signs in a time step: spikes arrive one by one."""
        return self.simulation in EVENT_DRIVEN

    @property
    def stepped(self):
        """Dynamics whose spikes can be counted step by step.

        "counting" has the states of "clock-driven", but does not step through time.
        """
        return self._replace(simulation="clock-driven") if self.simulation == "counting" else self


def dynamics_of(estimator):
    """The dynamics of an estimator's network.

    Raises ValueError for a combination of parameters that cannot be computed.
    """
    return Dynamics(checked_simulation(estimator), estimator.neuron, float(estimator.leak), estimator.readout)


# The parameters as the core reads them. `_network` and `_epochs` alone pass them to the core.


def core_dynamics(dynamics, n_time_steps):
    """Dynamics, for samples of so many time steps."""
    simulation = dynamics.simulation
    return {
        "simulation": SIMULATIONS[simulation],
        "neuron": NEURONS[dynamics.neuron],
        "n_time_steps": n_time_steps,
        "leak": dynamics.leak,
    }


def core_settings(estimator, n_time_steps, loss):
    """The settings of a network in training: dynamics, error rule, update rule, dropping. `loss` is
    the core's.

    Raises ValueError for a combination of parameters that cannot be computed.
    """
    rule = rule_of(estimator)
    return {
        "dynamics": core_dynamics(dynamics_of(estimator), n_time_steps),
        "error_rule": {
            "loss": loss,
            "error_resolution": estimator.error_resolution,
            "step_feedback": rule.feedback == "step",
            "rectifying_output": rule.output_activation == "rectifying",
            "hold_error": rule.hold_error,
            "backward_reset": RESETS[rule.backward_reset],
        },
        "update_rule": {
            "fractional": rule.weight_update == "fractional",
            "smooth_gradient": rule.smooth_gradient,
            "mask_negative_inputs": rule.mask_negative_inputs,
            "normalized_step": estimator.normalized_step,
            "spike_penalty": estimator.spike_penalty,
            "max_norm": 0 if estimator.max_norm is None else estimator.max_norm,
        },
        "dropping": {"dropout": dropout_of(estimator), "input_dropout": estimator.input_dropout},
    }
