"""Which network the parameters describe: the simulation that "auto" means, and what cannot be computed and why."""
from ._core.settings import Loss, Neuron, Reset, Simulation

LOSSES = {"log_loss": Loss.LOG_LOSS, "squared_error": Loss.SQUARED_ERROR}
NEURONS = {"signed": Neuron.SIGNED, "rectifying": Neuron.RECTIFYING}
RESETS = {"zero": Reset.RESET_ZERO, "keep": Reset.RESET_KEEP, "random": Reset.RESET_RANDOM}
SIMULATIONS = {
    "counting": Simulation.COUNTING,
    "clock-driven": Simulation.CLOCK_DRIVEN,
    "event-driven": Simulation.EVENT_DRIVEN,
}

PAPER_SETTINGS = {
    "n_time_steps": 10,
    "neuron": "rectifying",
    "simulation": "event-driven",
    "feedback": "step",
    "weight_update": "fractional",
    "loss": "squared_error",
    "output_activation": "rectifying",
    "error_resolution": 1,
    "fit_intercept": False,
    "weight_init_scale": 0.01,
    "learning_rate_init": 0.01,
    "learning_rate": "constant",
    "normalized_step": False,
    "mask_negative_inputs": True,
}
"""Parameters that make an estimator the network of O'Connor & Welling (2016), which has 200 neurons in each of two hidden
layers: ``SpikingMLPClassifier((200, 200), **PAPER_SETTINGS)``."""


def choose_simulation(estimator):
    """The simulation that `estimator.simulation` names, or for "auto" the cheapest that computes what is asked for."""
    if estimator.simulation != "auto":
        return estimator.simulation
    if (estimator.neuron, estimator.weight_update, estimator.feedback) == ("signed", "sgd", "sample"):
        return "counting"
    if estimator.propagation == "depth-first" or not estimator.hold_error:
        return "event-driven"
    return "clock-driven"


def refusals(estimator, simulation):
    """Pairs (whether a combination of parameters is there, why it cannot be computed and what to change)."""
    p = estimator
    rectifying_output = p.output_activation == "rectifying"
    yield (
        rectifying_output and p.loss == "log_loss",
        "loss='log_loss' needs output_activation='linear': a softmax has no rectifying outputs.",
    )
    yield (
        rectifying_output and p.error_resolution != int(p.error_resolution),
        "output_activation='rectifying' needs a whole number as error_resolution: its errors are spikes.",
    )
    yield (
        p.weight_update == "fractional" and p.feedback == "sample",
        "weight_update='fractional' needs feedback='step': it updates by the counts at the time of each error spike.",
    )
    yield (
        p.forward_reset == "keep" and p.neuron == "signed",
        "forward_reset='keep' needs neuron='rectifying': a signed neuron's count is a function of the sample alone.",
    )
    yield (
        p.forward_reset == "keep" and p.dropout > 0,
        "forward_reset='keep' cannot go with dropout, which stops neurons in mid-potential; set dropout=0.",
    )
    yield (
        not p.hold_error and not (rectifying_output and p.feedback == "step" and p.error_resolution == 1),
        "hold_error=False sends output spikes down as errors at once; it needs output_activation='rectifying', "
        "feedback='step' and error_resolution=1.",
    )
    yield (
        simulation == "counting" and p.neuron == "rectifying",
        "simulation='counting' needs neuron='signed': a rectifying neuron's count depends on the order of its input.",
    )
    yield (
        simulation == "counting" and p.feedback == "step",
        "simulation='counting' needs feedback='sample': it does not step through time.",
    )
    yield (
        simulation != "event-driven" and not p.hold_error,
        "hold_error=False needs simulation='event-driven'.",
    )
    yield (
        simulation == "clock-driven" and p.propagation == "depth-first",
        "propagation='depth-first' needs simulation='event-driven': a clock-driven layer takes all spikes of a time step "
        "at once.",
    )


def core_settings(estimator, n_time_steps):
    """The parameters as the core reads them. Raises ValueError for a combination that cannot be computed."""
    simulation = choose_simulation(estimator)
    for refused, reason in refusals(estimator, simulation):
        if refused:
            raise ValueError(reason)
    return {
        "simulation": SIMULATIONS[simulation],
        "neuron": NEURONS[estimator.neuron],
        "loss": LOSSES[estimator.loss],
        "backward_reset": RESETS[estimator.backward_reset],
        "forward_reset": RESETS[estimator.forward_reset],
        "depth_first": simulation == "event-driven" and estimator.propagation == "depth-first",
        "step_feedback": estimator.feedback == "step",
        "fractional": estimator.weight_update == "fractional",
        "smooth_gradient": estimator.smooth_gradient,
        "rectifying_output": estimator.output_activation == "rectifying",
        "hold_error": estimator.hold_error,
        "mask_negative_inputs": estimator.mask_negative_inputs,
        "normalized_step": estimator.normalized_step,
        "n_time_steps": n_time_steps,
        "error_resolution": estimator.error_resolution,
        "spike_penalty": estimator.spike_penalty,
        "dropout": estimator.dropout,
        "input_dropout": estimator.input_dropout,
        "max_norm": 0 if estimator.max_norm is None else estimator.max_norm,
    }
