"""to_nir, from_nir: networks in the Neuromorphic Intermediate Representation, as chains of Affine and IF.

NIR's IF has neither an initial potential nor a say in how a unit that fires is reset. docs/nir.md
says how both are met.
"""
from __future__ import annotations

from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._compat import check_parameters
from .._network import fitted_network
from .._parameters import checked_simulation
from .._targets import Labels, Values
from .._weights import start_network

if TYPE_CHECKING:
    from nir import NIRGraph
    from numpy.typing import ArrayLike

    from .._typing import Float32Array, Network, Samples

__all__ = ["from_nir", "nir_input", "to_nir"]

# Where weights are no fractions of a power of two, the start is this much below half a spike.
SMALLEST_GAP = 2.0**-16
# A relay fires once at the start pulse, whether a unit fires at its threshold or above it.
RELAY_WEIGHT = 1.5


def to_nir(estimator: Network) -> NIRGraph:
    """A fitted network of rectifying neurons as a graph of NIR [1]_.

    Needs the package `nir` (the extra `nir`). `nir.write(path, graph)` saves the graph.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted, with `neuron="rectifying"`, clock-driven, without leak. Of a Pipeline the last step
        is taken; its input are the transformed samples.

    Returns
    -------
    graph : nir.NIRGraph
        Nodes "input", "affine_1", "if_1", …, "affine_L", "output". Affine's weights have shape
        (n_out, n_in). Run it with reset by subtraction, one time unit a step, on `nir_input`. The
        sum of the output's values, divided by the time steps, is the estimator's output (of a
        regressor in units of `target_scale_`, around `target_mean_`; both are in the metadata).

    Raises
    ------
    ImportError
        Without the package `nir`.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        For a network that NIR's IF does not compute; the message names the parameter.

    See Also
    --------
    from_nir : The other way.
    nir_input : The input of the graph.

    Notes
    -----
    A unit here fires above 1/2, from a potential of 0; one of the graph has the threshold 1, so it
    needs the initial potential 1/2. NIR has none. The graph therefore has one input more, the start
    pulse: 1 in the first time step, then 0. Its weight is 1/2 - ε. One relay neuron in each hidden
    layer below the last hands the pulse up within the time step. ε is half the grid of a layer's
    weights (at least 2**-16): a sum on the grid is then never at the threshold, at which tools
    differ.

    References
    ----------
    .. [1] J. E. Pedersen et al. (2024). "Neuromorphic intermediate representation: a unified instruction set for
       interoperable brain-inspired computing". Nature Communications 15:8122.
    """
    network, _ = fitted_network(estimator)
    _refuse_dynamics(network)
    import nir

    coefs, intercepts = network.arrays()
    names, nodes = ["input"], [nir.Input(np.array([network.n_units[0] + 1]))]
    for l, (weight, bias) in enumerate(_layers(coefs, intercepts), start=1):
        names.append(f"affine_{l}")
        nodes.append(nir.Affine(weight=weight, bias=bias))
        if l < len(coefs):
            one = np.ones(len(bias), dtype=np.float32)
            names.append(f"if_{l}")
            nodes.append(nir.IF(r=one, v_threshold=one.copy()))
    names.append("output")
    nodes.append(nir.Output(np.array([network.n_units[-1]])))
    return nir.NIRGraph(
        nodes=dict(zip(names, nodes, strict=True)), edges=list(pairwise(names)), metadata=_metadata(network)
    )


def nir_input(estimator: Network, X: Samples) -> Float32Array:
    """The input of a graph of `to_nir`: net counts of the input units' spikes, and the start pulse.

    Parameters
    ----------
    estimator : SpikingMLPClassifier, SpikingMLPRegressor or Pipeline
        Fitted.
    X : array-like or sparse matrix of shape (n_samples[, n_time_steps], n_features)

    Returns
    -------
    values : ndarray of float32, shape (n_samples, n_time_steps, n_features + 1)
        The last feature is the start pulse. Of streams of unequal length, 0 after the end.

    See Also
    --------
    to_nir : The graph.
    """
    network, X = fitted_network(estimator, X)
    spikes = network.unit_spike_counts(X)[0]
    values = np.zeros((*spikes.shape[:2], spikes.shape[2] + 1), dtype=np.float32)
    values[..., :-1] = spikes[..., 0] - spikes[..., 1]
    values[:, 0, -1] = 1
    return values


def from_nir(
    graph: NIRGraph | str | PathLike[str],
    *,
    reset: Literal["subtract"],
    classes: ArrayLike | None = None,
    **params: Any,
) -> Network:
    """The estimator of a graph of NIR that is a chain of Affine or Linear and IF nodes.

    Parameters
    ----------
    graph : nir.NIRGraph or path-like
        Input, Affine or Linear, IF, …, Affine or Linear, Output. A path is read by the package `nir`.
    reset : {"subtract"}
        How a unit of the graph that fires is reset. NIR leaves that to the tool that runs a graph:
        say that it is by subtraction of the threshold.
    classes : array-like of shape (n_outputs,), default=None
        Sorted labels of the outputs, of a classifier; None makes a regressor.
    **params : dict
        Parameters of the estimator but `hidden_layer_sizes`, `neuron` and `simulation`, for
        instance `n_time_steps`.

    Returns
    -------
    estimator : SpikingMLPClassifier or SpikingMLPRegressor
        Fitted, of rectifying neurons, clock-driven. It can be trained further.

    Raises
    ------
    ImportError
        For a path without the package `nir`.
    ValueError
        For any other graph; the message names the node.

    See Also
    --------
    to_nir : The other way.

    Notes
    -----
    The weights and biases into an IF node are multiplied by r and divided by the threshold, and those
    out of it stay, as its spikes have the size 1. A unit here starts half a spike below its
    threshold, one of NIR a whole: counts are rounded here and rounded down there, and the answers of
    both approach each other with the time steps. A graph of `to_nir` starts like the estimator, and comes
    back as it was: its start pulse and relays, which its metadata names, are left out.
    """
    from .. import SpikingMLPClassifier, SpikingMLPRegressor

    if reset != "subtract":
        raise ValueError(f"reset must be 'subtract', as neurons here lose one threshold a spike, got {reset!r}.")
    if isinstance(graph, (str, PathLike)):
        import nir

        graph = nir.read(graph)
    metadata = getattr(graph, "metadata", None) or {}
    layers = _folded_layers(_chain(graph))
    if "start_pulse" in metadata:
        layers = _without_relays(layers)
    coefs, intercepts = [weight.T for weight, _ in layers], [bias for _, bias in layers]
    n_outputs = len(intercepts[-1])
    has_biases = any(bias.any() for bias in intercepts)
    params = {"fit_intercept": has_biases} | params
    if has_biases and not params["fit_intercept"]:
        raise ValueError("fit_intercept=False would drop the biases of the graph; set fit_intercept=True.")
    estimator = (SpikingMLPRegressor if classes is None else SpikingMLPClassifier)(
        tuple(len(bias) for bias in intercepts[:-1]), neuron="rectifying", simulation="clock-driven", **params
    )
    check_parameters(estimator)
    checked_simulation(estimator)
    if classes is None:
        mean = np.asarray(metadata.get("target_mean", np.zeros(n_outputs)), dtype=np.float64)
        scale = np.asarray(metadata.get("target_scale", np.ones(n_outputs)), dtype=np.float64)
        targets = Values(n_outputs == 1, mean, scale)
    else:
        classes = np.asarray(classes)
        if n_outputs < 2 or classes.shape != (n_outputs,) or not np.array_equal(np.unique(classes), classes):
            raise ValueError(f"classes must hold {n_outputs} sorted labels, one an output and at least 2, got {classes!r}.")
        targets = Labels(classes, estimator.loss)
    vars(estimator).update(targets.fitted_attributes())
    estimator.n_features_in_ = len(coefs[0])
    start_network(estimator, coefs, intercepts if estimator.fit_intercept else None)
    return estimator


# To NIR.


def _refuse_dynamics(network):
    dynamics = network.dynamics
    wrong = None
    if network.recurrent_coefs:
        wrong = "a recurrent network: its units take spikes back. Train a SpikingMLPClassifier or SpikingMLPRegressor"
    elif dynamics.neuron != "rectifying":
        wrong = (
            f"neuron={dynamics.neuron!r}: NIR's neurons take no spike back. Train with neuron='rectifying', or keep the "
            "weights by estimator.set_params(neuron='rectifying', simulation='clock-driven') and compare score(X, y) before "
            "and after"
        )
    elif dynamics.simulation != "clock-driven":
        wrong = (
            f"simulation={dynamics.simulation!r}: in NIR a unit fires once all input of a time step is there. Call "
            "estimator.set_params(simulation='clock-driven') and compare score(X, y) before and after"
        )
    elif dynamics.leak != 0:
        wrong = (
            f"leak={dynamics.leak:g}: NIR's LIF is a differential equation, which tools turn into time steps in different "
            "ways. Train with leak=0"
        )
    elif dynamics.readout != "last":
        wrong = f"readout={dynamics.readout!r}: the outputs of the graph are summed once. Set readout='last'"
    elif network.exit_margin is not None:
        wrong = f"exit_margin={network.exit_margin:g}: a graph does not end a sample early. Set exit_margin=None"
    if wrong is not None:
        raise ValueError(f"NIR cannot say {wrong}.")


def _layers(coefs, intercepts):
    """Yield weight (n_out, n_in) and bias of each Affine node, with start pulse and relays."""
    last = len(coefs) - 1
    for l, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        has_pulse, has_relay = l == 0 or l < last, l < last - 1
        weight = np.zeros((coef.shape[1] + has_relay, coef.shape[0] + has_pulse), dtype=np.float32)
        bias = np.zeros(len(weight), dtype=np.float32)
        weight[: coef.shape[1], : coef.shape[0]] = coef.T
        bias[: coef.shape[1]] = intercept
        if l < last:
            weight[: coef.shape[1], -1] = 0.5 - _gap(coef, intercept)
        if has_relay:
            weight[-1, -1] = RELAY_WEIGHT
        yield weight, bias


def _gap(coef, intercept):
    """ε: half the largest power of two, at most 1, of which all weights and biases are multiples."""
    mantissas, exponents = np.frexp(np.concatenate([coef.ravel(), intercept, [1.0]]).astype(np.float64))
    there = mantissas != 0
    whole = (mantissas[there] * 2.0**24).astype(np.int64)
    lowest_bits = np.log2((whole & -whole).astype(np.float64))
    return max(SMALLEST_GAP, 0.5 * 2.0 ** float((exponents[there] - 24 + lowest_bits).min()))


def _metadata(network):
    metadata = {"reset": "subtract", "start_pulse": 1, "n_time_steps": network.n_time_steps}
    if isinstance(network.targets, Values):
        metadata |= {"target_mean": network.targets.mean, "target_scale": network.targets.scale}
    return metadata


# From NIR.


def _chain(graph):
    """Names and nodes between input and output, in order."""
    nodes, above = graph.nodes, {}
    for source, target in graph.edges:
        if source in above:
            raise ValueError(f"Node {source!r} leads to several nodes; only chains can be read.")
        if target in above.values():
            raise ValueError(f"Node {target!r} has several nodes below it; only chains can be read.")
        above[source] = target
    ends = {kind: [name for name, node in nodes.items() if _kind(node) == kind] for kind in ("Input", "Output")}
    for kind, found in ends.items():
        if len(found) != 1:
            names = ", ".join(map(repr, found))
            raise ValueError(f"The graph has {len(found)} nodes of type {kind} ({names}) and needs one.")
    chain, name = [], ends["Input"][0]
    while name in above and above[name] != ends["Output"][0]:
        name = above[name]
        chain.append((name, nodes[name]))
    if name not in above:
        raise ValueError(f"Node {name!r} leads nowhere; a chain ends in the output.")
    left_out = set(nodes) - {name for name, _ in chain} - {ends[kind][0] for kind in ends}
    if left_out:
        raise ValueError(f"Node {min(left_out)!r} is not between input and output; remove it.")
    return chain


def _kind(node):
    return type(node).__name__


def _folded_layers(chain):
    """Weight (n_out, n_in) and bias of each layer, in units of its threshold."""
    layers = []
    for k, (name, node) in enumerate(chain):
        kind, wanted = _kind(node), "IF" if k % 2 else "Affine or Linear"
        if kind not in wanted.split(" or "):
            raise ValueError(
                f"Node {name!r} is of type {kind}, where {wanted} is needed: a chain of Affine or Linear and IF nodes in "
                "turn can be read, and nothing else."
            )
        if kind == "IF":
            weight, bias = layers[-1]
            factor = _gain(name, node, len(bias))
            layers[-1] = _single(name, weight * factor[:, np.newaxis], bias * factor)
        else:
            layers.append(_affine(name, node, layers))
    if len(chain) % 2 == 0:
        name = chain[-1][0] if chain else "input"
        raise ValueError(f"Node {name!r} is the last, but the last must be Affine or Linear: outputs here do not fire.")
    return layers


def _affine(name, node, layers):
    weight = np.asarray(node.weight, dtype=np.float64)
    if weight.ndim != 2:
        raise ValueError(f"Node {name!r} has weights of shape {weight.shape}; they need two dimensions.")
    bias = np.zeros(len(weight)) if _kind(node) == "Linear" else np.asarray(node.bias, dtype=np.float64)
    if bias.shape != (len(weight),):
        raise ValueError(f"Node {name!r} has biases of shape {bias.shape}; {(len(weight),)} is needed.")
    if layers and weight.shape[1] != len(layers[-1][1]):
        raise ValueError(f"Node {name!r} takes {weight.shape[1]} values, but the layer below has {len(layers[-1][1])}.")
    return _single(name, weight, bias)


def _single(name, weight, bias):
    with np.errstate(over="ignore"):
        single = weight.astype(np.float32), bias.astype(np.float32)
    if not all(np.isfinite(array).all() for array in single):
        raise ValueError(f"Node {name!r} makes weights or biases that are not finite in float32.")
    return weight, bias


def _gain(name, node, n_units):
    """What the input of a unit is multiplied by, so that its threshold is 1."""
    r, threshold = (np.asarray(a, dtype=np.float64) for a in (node.r, node.v_threshold))
    if any(a.size != 1 and a.shape != (n_units,) for a in (r, threshold)):
        raise ValueError(
            f"Node {name!r} has r and v_threshold of shapes {r.shape} and {threshold.shape}; {(n_units,)} is needed."
        )
    if not (np.isfinite(r).all() and np.isfinite(threshold).all() and (threshold > 0).all()):
        raise ValueError(f"Node {name!r} needs a finite r, and a v_threshold above 0.")
    if hasattr(node, "v_reset") and np.any(np.asarray(node.v_reset) != 0):
        raise ValueError(f"Node {name!r} has a v_reset, but neurons here are reset by subtraction; set it to 0.")
    return np.broadcast_to(r.ravel() / threshold.ravel(), n_units)


def _without_relays(layers):
    """Layers as they were before `to_nir` added start pulse and relays."""
    last, kept = len(layers) - 1, []
    for l, (weight, bias) in enumerate(layers):
        has_pulse, has_relay = l == 0 or l < last, l < last - 1
        if has_relay:
            relay = np.zeros(weight.shape[1])
            relay[-1] = RELAY_WEIGHT
            if not np.array_equal(weight[-1], relay) or bias[-1] != 0:
                raise ValueError(
                    f"The metadata says start_pulse, but the last unit of hidden layer {l + 1} is no relay; delete "
                    "graph.metadata['start_pulse'], and the graph is read as any other."
                )
            weight, bias = weight[:-1], bias[:-1]
        kept.append((weight[:, :-1] if has_pulse else weight, bias))
    return kept
