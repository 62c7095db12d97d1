"""SpikingBackprop: the learning rule, which holds the variants of the paper."""
from __future__ import annotations

from typing import Literal

from ._compat import CheckedParameters, StrOptions


class SpikingBackprop(CheckedParameters):
    """Spiking backpropagation and its variants: how an estimator turns errors into changes of
    weights.

    An estimator takes it as `learning_rule`. The default is the rule of the estimators' defaults;
    `learning_rule="paper"` is the rule of O'Connor & Welling [1]_,
    `SpikingBackprop(feedback="step", weight_update="fractional", output_activation="rectifying",
    mask_negative_inputs=True)`.

    An estimator never changes the rule that it is given. It reads the parameters of the rule when
    one of its methods is called, like its own parameters. Two estimators with one rule share it;
    `sklearn.base.clone` copies it.

    Parameters
    ----------
    feedback : {"sample", "step"}, default="sample"
        When the error is sent down: once, after the last time step, or at the end of every time
        step (the paper's). Of streams "step" teaches the answers before the last one, too, and
        often wants a larger `learning_rate_init`: on N-MNIST, with leak, 2.0 in place of 1.0.
    weight_update : {"sgd", "fractional"}, default="sgd"
        "sgd": at the end of the sample, by the product of presynaptic and error spike counts.
        "fractional" (the paper's FSGD): at each error spike, by the presynaptic counts so far.
    output_activation : {"linear", "rectifying"}, default="linear"
        "linear": the error is taken at the accumulated output. "rectifying": it is the output
        spikes minus the target spikes (the paper's; squared error only, and targets of at least 0).
        Predictions are never rectified.
    hold_error : bool, default=True
        Rectifying outputs with feedback "step": True sends the difference of output and target
        spikes down at the end of the time step, False sends every output spike at once.
    smooth_gradient : bool, default=False
        True: weights change by the sum of input behind the spikes of a presynaptic unit. False: by
        their count.
    backward_reset : {"keep", "zero", "random"}, default="keep"
        Error potentials at the start of a sample: those of the last one (the paper's), zero (small
        errors are then never sent and the network does not learn) or uniform in [-1/2, 1/2).
    forward_reset : {"zero", "keep"}, default="zero"
        Potentials at the start of a training sample. Prediction always starts at zero.
    mask_negative_inputs : bool, default=False
        Whether weights learn only from positive presynaptic counts, as in the program of the
        paper's authors.

    See Also
    --------
    SpikingMLPClassifier : The classifier; its notes describe the algorithm.
    SpikingMLPRegressor : The regressor.

    Notes
    -----
    The parameters of the rule and of the estimator combine freely, but for these rows. An estimator
    refuses a combination that breaks one, with a ValueError that says the same.

    ==============================  ===============================  ===============================
    parameter                       needs                            because
    ==============================  ===============================  ===============================
    output_activation='rectifying'  loss='squared_error'             a softmax has no rectifying
                                                                     outputs
    output_activation='rectifying'  a whole number as                its errors are spikes
                                    error_resolution
    weight_update='fractional'      feedback='step'                  it updates by the counts at the
                                                                     time of each error spike
    forward_reset='keep'            neuron='rectifying'              a signed neuron's count is a
                                                                     function of the sample alone
    forward_reset='keep'            dropout=0                        dropout stops neurons in
                                                                     mid-potential
    forward_reset='keep'            leak=0                           potentials that leak forget the
                                                                     sample before
    hold_error=False                output_activation='rectifying',  it sends output spikes down as
                                    feedback='step' and              errors at once
                                    error_resolution=1
    hold_error=False                simulation='event-driven' or     the others know only the spikes
                                    'event-driven-depth-first'       of a whole time step
    simulation='counting'           neuron='signed'                  a rectifying neuron's count
                                                                     depends on the order of its
                                                                     input
    simulation='counting'           feedback='sample'                it does not step through time
    simulation='counting'           leak=0                           with a leak, a count depends on
                                                                     when input arrives
    simulation='counting'           readout='last'                   it has no answers at the time
                                                                     steps before
    ==============================  ===============================  ===============================

    References
    ----------
    .. [1] P. O'Connor and M. Welling (2016). "Deep Spiking Networks". arXiv:1602.08323.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sk_dsn import SpikingBackprop, SpikingMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = SpikingMLPClassifier((20,), learning_rule=SpikingBackprop(), max_iter=10, random_state=0)
    >>> search = GridSearchCV(clf, {"learning_rule__feedback": ["sample", "step"]}, cv=2).fit(X / 8, y)
    >>> sorted(search.best_params_)
    ['learning_rule__feedback']
    """

    _parameter_constraints = {
        "feedback": [StrOptions({"sample", "step"})],
        "weight_update": [StrOptions({"sgd", "fractional"})],
        "output_activation": [StrOptions({"linear", "rectifying"})],
        "hold_error": ["boolean"],
        "smooth_gradient": ["boolean"],
        "backward_reset": [StrOptions({"keep", "zero", "random"})],
        "forward_reset": [StrOptions({"zero", "keep"})],
        "mask_negative_inputs": ["boolean"],
    }

    def __init__(
        self,
        *,
        feedback: Literal["sample", "step"] = "sample",
        weight_update: Literal["sgd", "fractional"] = "sgd",
        output_activation: Literal["linear", "rectifying"] = "linear",
        hold_error: bool = True,
        smooth_gradient: bool = False,
        backward_reset: Literal["keep", "zero", "random"] = "keep",
        forward_reset: Literal["zero", "keep"] = "zero",
        mask_negative_inputs: bool = False,
    ) -> None:
        self.feedback = feedback
        self.weight_update = weight_update
        self.output_activation = output_activation
        self.hold_error = hold_error
        self.smooth_gradient = smooth_gradient
        self.backward_reset = backward_reset
        self.forward_reset = forward_reset
        self.mask_negative_inputs = mask_negative_inputs
