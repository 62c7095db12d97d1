"""NIR: graphs of fitted networks, run by NIR's own equations, and estimators of graphs."""
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from sklearn.datasets import load_diabetes, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor, SpikingRNNRegressor
from sk_dsn._network import FittedNetwork
from sk_dsn.export import from_nir, nir_input, to_nir
from strategies import few_examples, small_problems

RECTIFYING = {"neuron": "rectifying", "simulation": "clock-driven"}


@dataclass(eq=False)
class Input:
    input_type: object


@dataclass(eq=False)
class Output:
    output_type: object


@dataclass(eq=False)
class Affine:
    weight: np.ndarray
    bias: np.ndarray


@dataclass(eq=False)
class Linear:
    weight: np.ndarray


@dataclass(eq=False)
class IF:
    r: np.ndarray
    v_threshold: np.ndarray


@dataclass(eq=False)
class NIRGraph:
    nodes: dict
    edges: list
    metadata: dict = field(default_factory=dict)


NODES = SimpleNamespace(Input=Input, Output=Output, Affine=Affine, Linear=Linear, IF=IF, NIRGraph=NIRGraph)


@pytest.fixture(autouse=True, scope="module")
def nir():
    """The package, or its nodes alone where it is not installed."""
    try:
        import nir
    except ImportError:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "nir", NODES)
            yield NODES
    else:
        yield nir


@pytest.fixture
def real_nir(nir):
    if nir is NODES:
        pytest.skip("nir is not installed")
    return nir


def chain(graph):
    """The nodes in order, by the edges."""
    above, name, found = dict(graph.edges), "input", []
    while name in above:
        name = above[name]
        found.append((name, graph.nodes[name]))
    return found


def fire_above(v, threshold):
    """z = 1 where v > v_threshold and v - v_threshold then, as often as it is."""
    spikes = np.zeros_like(v)
    while (v > threshold).any():
        fires = v > threshold
        spikes += fires
        v -= np.where(fires, threshold, 0)
    return spikes


def fire_from(v, threshold):
    """As tools do that fire at the threshold too."""
    spikes = np.where(v > 0, np.floor(v / threshold), 0)
    v -= spikes * threshold
    return spikes


def interpret(graph, values, fire=fire_above, start=0.0):
    """The output and the spikes of each IF node in each time step, one time unit a step.

    `start`: initial potentials, in thresholds.
    """
    neurons = {name: node for name, node in graph.nodes.items() if is_if(node)}
    potentials = {name: start * node.v_threshold + np.zeros((len(values), 1)) for name, node in neurons.items()}
    outputs, spikes = [], {name: [] for name in potentials}
    for x in values.astype(np.float64).swapaxes(0, 1):
        for name, node in chain(graph):
            if is_if(node):
                potentials[name] = potentials[name] + node.r * x
                x = fire(potentials[name], node.v_threshold)
                spikes[name].append(x)
            elif type(node).__name__ != "Output":
                x = x @ node.weight.T + getattr(node, "bias", 0)
        outputs.append(x)
    return np.array(outputs), {name: np.array(of_steps) for name, of_steps in spikes.items()}


def is_if(node):
    return type(node).__name__ == "IF"


def answers(outputs):
    """The estimator's outputs after each time step."""
    t = np.arange(1, len(outputs) + 1, dtype=np.float32)[:, np.newaxis, np.newaxis]
    return outputs.cumsum(axis=0).astype(np.float32) / t


def regressor_of(coefs, intercepts, **params):
    """A regressor with these weights."""
    hidden = [w.shape[1] for w in coefs[:-1]]
    X, y = np.zeros((2, len(coefs[0]))), np.arange(2.0 * coefs[-1].shape[1]).reshape(2, -1)
    estimator = SpikingMLPRegressor(hidden, learning_rate_init=0.0, **RECTIFYING | params)
    return estimator.partial_fit(X, y, coefs_init=coefs, intercepts_init=intercepts)


def random_network(sizes, seed, denominator=8, **params):
    """A regressor with weights in fractions of a power of two, large enough for several spikes a step."""
    rng = np.random.default_rng(seed)
    coefs = [rng.integers(-denominator, 2 * denominator, shape) / denominator for shape in pairwise(sizes)]
    intercepts = [rng.integers(-denominator, denominator, n) / denominator for n in sizes[1:]]
    return regressor_of(coefs, intercepts, **params)


def random_samples(n_features, seed, shape=(20,)):
    return np.random.default_rng(seed).integers(-8, 9, (*shape, n_features)).astype(np.float32) / 4


@pytest.mark.parametrize("sizes", [(3, 2), (4, 5, 3), (4, 6, 5, 2), (3, 4, 4, 4, 2)])
@pytest.mark.parametrize("shape", [(20,), (20, 12)])
def test_nirs_equations_give_the_estimators_bits(sizes, shape):
    estimator, X = random_network(sizes, len(sizes), n_time_steps=12), random_samples(sizes[0], 1, shape)
    wanted = FittedNetwork.of(estimator).staged_outputs(X)
    outputs, spikes = interpret(to_nir(estimator), nir_input(estimator, X))
    np.testing.assert_array_equal(answers(outputs), wanted)
    hidden = FittedNetwork.of(estimator).unit_spike_counts(X)[1:]
    for of_units, counts in zip(spikes.values(), hidden, strict=True):
        np.testing.assert_array_equal(of_units[..., : counts.shape[2]].swapaxes(0, 1), counts[..., 0])
        assert counts.max() > 1  # several spikes a step


@few_examples
@given(small_problems())
def test_nirs_equations_give_the_bits_of_any_dyadic_network(problem):
    coefs, intercepts = problem.coefs, problem.intercepts
    estimator = regressor_of(coefs, [np.zeros(w.shape[1]) for w in coefs] if intercepts is None else intercepts)
    estimator.set_params(n_time_steps=6)
    X = problem.X[:, 0]
    wanted = FittedNetwork.of(estimator).staged_outputs(X)
    for fire in (fire_above, fire_from):
        np.testing.assert_array_equal(answers(interpret(to_nir(estimator), nir_input(estimator, X), fire)[0]), wanted)


@pytest.mark.parametrize("fire", [fire_above, fire_from])
@pytest.mark.parametrize(("weight", "n_spikes"), [(0.5, [0, 1, 0, 1]), (1.5, [1, 2, 1, 2]), (0.25, [0, 0, 1, 0])])
def test_a_unit_does_not_fire_at_exactly_half_a_spike(fire, weight, n_spikes):
    estimator = regressor_of([np.array([[weight]]), np.array([[1.0]])], [np.zeros(1)] * 2, n_time_steps=4)
    spikes = interpret(to_nir(estimator), nir_input(estimator, [[1.0]]), fire)[1]["if_1"]
    np.testing.assert_array_equal(spikes[:, 0, 0], n_spikes)


def test_a_relay_in_each_hidden_layer_but_the_last_hands_the_start_up():
    graph = to_nir(random_network((4, 6, 5, 3, 2), 0, denominator=16))
    assert list(graph.nodes) == ["input", "affine_1", "if_1", "affine_2", "if_2", "affine_3", "if_3", "affine_4", "output"]
    shapes = [node.weight.shape for name, node in graph.nodes.items() if name.startswith("affine")]
    assert shapes == [(7, 5), (6, 7), (3, 6), (2, 3)]
    for l in (1, 2, 3):
        np.testing.assert_array_equal(graph.nodes[f"affine_{l}"].weight[:, -1][: (6, 5, 3)[l - 1]], 0.5 - 1 / 32)
    spikes = interpret(graph, nir_input(random_network((4, 6, 5, 3, 2), 0), random_samples(4, 0)))[1]
    for l in (1, 2):
        assert (spikes[f"if_{l}"][0, :, -1] == 1).all() and (spikes[f"if_{l}"][1:, :, -1] == 0).all()


def test_the_start_of_weights_on_no_grid_is_just_below_half_a_spike():
    estimator = random_network((4, 5, 3), 0)
    estimator.coefs_[0][0, 0] = 1 / 3
    np.testing.assert_array_equal(to_nir(estimator).nodes["affine_1"].weight[:, -1], np.float32(0.5 - 2**-16))


def test_the_input_is_net_counts_and_the_start_pulse():
    estimator = random_network((2, 3, 1), 0, n_time_steps=4)
    values = nir_input(estimator, [[1.0, -0.5]])
    np.testing.assert_array_equal(values, [[[1, -1, 1], [1, 0, 0], [1, -1, 0], [1, 0, 0]]], strict=False)


@pytest.mark.parametrize("through_a_file", [False, True])
def test_a_classifier_comes_back_from_its_graph(request, tmp_path, through_a_file):
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier((20, 10), n_time_steps=16, max_iter=3, random_state=0, **RECTIFYING).fit(X / 16, y)
    graph = to_nir(clf)
    if through_a_file:
        request.getfixturevalue("real_nir").write(tmp_path / "digits.nir", graph)
        graph = tmp_path / "digits.nir"
    again = from_nir(graph, reset="subtract", classes=clf.classes_, n_time_steps=16)
    np.testing.assert_array_equal(again.decision_function(X / 16), clf.decision_function(X / 16))
    np.testing.assert_array_equal(again.predict(X / 16), clf.predict(X / 16))
    assert again.score(X / 16, y) > 0.8
    again.partial_fit(X / 16, y)


def test_a_regressor_comes_back_from_its_graph_with_the_scale_of_its_targets():
    X, y = load_diabetes(return_X_y=True)
    regressor = SpikingMLPRegressor((20,), n_time_steps=16, max_iter=5, random_state=0, **RECTIFYING)
    pipeline = make_pipeline(MinMaxScaler(), regressor).fit(X, y)
    again = from_nir(to_nir(pipeline), reset="subtract", n_time_steps=16)
    np.testing.assert_array_equal(again.predict(pipeline[0].transform(X)), pipeline.predict(X))


def test_a_file_passes_nirs_checks_of_types(real_nir, tmp_path):
    estimator = random_network((4, 6, 5, 3), 0)
    real_nir.write(tmp_path / "network.nir", to_nir(estimator))
    graph = real_nir.read(tmp_path / "network.nir")  # newer versions check types here
    if hasattr(graph, "_check_types"):
        assert graph._check_types()
    assert graph.metadata["reset"] == "subtract" and graph.metadata["start_pulse"] == 1
    values = nir_input(estimator, random_samples(4, 0))
    np.testing.assert_array_equal(interpret(graph, values)[0], interpret(to_nir(estimator), values)[0])


def torch_outputs(graph, values, units):
    """The output of a graph of torch modules in each time step; `units` makes those of an IF node."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    modules = []
    for _, node in chain(graph):
        if is_if(node):
            modules.append(units(float(node.v_threshold[0])))
        elif type(node).__name__ == "Affine":
            modules.append(torch.nn.Linear(*node.weight.T.shape))
            modules[-1].weight.data, modules[-1].bias.data = torch.from_numpy(node.weight), torch.from_numpy(node.bias)
    outputs = []
    with torch.no_grad():
        for x in torch.from_numpy(values).swapaxes(0, 1):
            for module in modules:
                x = module(x)
            outputs.append(x.numpy())
    return np.array(outputs)


@pytest.mark.parametrize("sizes", [(4, 6, 3), (4, 6, 5, 4, 2)])
def test_sinabs_computes_the_estimators_bits(sizes):
    sinabs = pytest.importorskip("sinabs.layers", reason="sinabs is not installed")
    estimator, X = random_network(sizes, 7, n_time_steps=12), random_samples(sizes[0], 1)
    outputs = torch_outputs(
        to_nir(estimator),
        nir_input(estimator, X),
        # Its own import of a graph sets min_v_mem, below which potentials do not fall, to the threshold.
        lambda threshold: sinabs.IAFSqueeze(batch_size=len(X), spike_threshold=threshold, min_v_mem=None),
    )
    np.testing.assert_array_equal(answers(outputs), FittedNetwork.of(estimator).staged_outputs(X))
    assert FittedNetwork.of(estimator).unit_spike_counts(X)[-1].max() > 1


def test_sinabs_reads_the_graph(real_nir):
    sinabs = pytest.importorskip("sinabs.nir", reason="sinabs is not installed")
    torch = pytest.importorskip("torch")
    estimator, X = random_network((4, 6, 5, 2), 7, n_time_steps=12), random_samples(4, 1)
    try:
        network = sinabs.from_nir(to_nir(estimator), batch_size=len(X))
    except AttributeError as error:
        pytest.skip(f"this sinabs does not read graphs of this nir: {error}")
    for module in network.modules():
        if hasattr(module, "min_v_mem"):
            module.min_v_mem = None
    outputs, state = [], None
    with torch.no_grad():
        for x in torch.from_numpy(nir_input(estimator, X)).swapaxes(0, 1):
            output, state = network(x, state)
            outputs.append(output.numpy())
    np.testing.assert_array_equal(answers(np.array(outputs)), FittedNetwork.of(estimator).staged_outputs(X))


def test_spikingjelly_computes_the_estimators_bits_where_no_unit_fires_twice_in_a_step():
    spikingjelly = pytest.importorskip("spikingjelly.activation_based.neuron", reason="spikingjelly is not installed")
    n_same = n_spikes = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        coefs = [rng.integers(-4, 7, shape) / 16 for shape in [(4, 6), (6, 5), (5, 2)]]
        estimator = regressor_of(coefs, [np.zeros(w.shape[1]) for w in coefs], n_time_steps=12)
        X = random_samples(4, seed)
        counts = FittedNetwork.of(estimator).unit_spike_counts(X)[1:]
        X = X[np.logical_and(*[of_layer.max(axis=(1, 2, 3)) <= 1 for of_layer in counts])]
        outputs = torch_outputs(
            to_nir(estimator),
            nir_input(estimator, X),
            lambda threshold: spikingjelly.IFNode(v_threshold=threshold, v_reset=None),
        )
        np.testing.assert_array_equal(answers(outputs), FittedNetwork.of(estimator).staged_outputs(X))
        n_same, n_spikes = n_same + len(X), n_spikes + int(counts[-1].sum())
    assert n_same > 50 and n_spikes > 500


def test_without_nir_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ImportError, match="nir"):
        to_nir(random_network((2, 3, 1), 0))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"neuron": "signed"}, r"neuron='signed'.*set_params\(neuron='rectifying', simulation='clock-driven'\)"),
        ({"simulation": "event-driven"}, "simulation='event-driven'.*simulation='clock-driven'"),
        ({"leak": 0.5}, "leak=0.5.*leak=0"),
        ({"readout": "mean"}, "readout='mean'.*readout='last'"),
    ],
)
def test_what_nir_cannot_say_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        to_nir(random_network((2, 3, 1), 0).set_params(**params))


def test_an_exit_margin_is_refused():
    clf = SpikingMLPClassifier((3,), max_iter=1, exit_margin=0.5, **RECTIFYING).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"exit_margin=0\.5.*exit_margin=None"):
        to_nir(clf)


def test_a_recurrent_network_is_refused():
    rnn = SpikingRNNRegressor((3,), max_iter=1).fit(np.ones((4, 3, 2)), np.arange(4.0))
    with pytest.raises(ValueError, match=r"recurrent.*Train a SpikingMLPClassifier"):
        to_nir(rnn)


def test_signed_weights_in_rectifying_neurons_lose_little_score():
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier((50,), max_iter=10, random_state=0).fit(X[:1200] / 16, y[:1200])
    before = clf.score(X[1200:] / 16, y[1200:])
    clf.set_params(**RECTIFYING)
    assert clf.score(X[1200:] / 16, y[1200:]) > before - 0.02
    to_nir(clf)


# Graphs of others.


def graph_of(nir, *nodes):
    names = ["input", *(f"n{k}" for k in range(len(nodes))), "output"]
    nodes = [nir.Input(np.array([2])), *nodes, nir.Output(np.array([2]))]
    return nir.NIRGraph(dict(zip(names, nodes, strict=True)), list(pairwise(names)), **unchecked(nir))


def unchecked(nir):
    """nir looks at types itself where it is told nothing else."""
    return {"type_check": False} if "type_check" in nir.NIRGraph.__init__.__code__.co_varnames else {}


def affine(nir, n_out, n_in, scale=1.0):
    rng = np.random.default_rng(n_out)
    return nir.Affine(scale * rng.integers(-4, 9, (n_out, n_in)) / 4, scale * rng.integers(-4, 4, n_out) / 4)


def units(nir, n, r=1.0, threshold=1.0):
    return nir.IF(np.full(n, r), np.full(n, threshold))


@pytest.mark.parametrize(("r", "threshold"), [(1.0, 1.0), (2.0, 0.5), (0.25, 2.0)])
def test_r_and_thresholds_are_folded_into_weights(nir, r, threshold):
    linear = nir.Linear(np.array([[1.0, -0.5, 0.25], [0.5, 0.75, -1.0]]))
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3, r, threshold), linear)
    estimator = from_nir(graph, reset="subtract", n_time_steps=8)
    X = random_samples(2, 3)
    outputs = interpret(graph, nir_input(estimator, X)[..., :-1], start=0.5)[0]
    np.testing.assert_array_equal(answers(outputs)[-1], FittedNetwork.of(estimator).outputs(X))
    assert np.abs(outputs).max() > 0


def test_nirs_own_start_makes_a_difference_that_falls_with_the_time_steps(nir):
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 3))
    X, differences = random_samples(2, 3), []
    for n_time_steps in (8, 128):
        estimator = from_nir(graph, reset="subtract", n_time_steps=n_time_steps)
        outputs = answers(interpret(graph, nir_input(estimator, X)[..., :-1])[0])[-1]
        differences.append(np.abs(outputs - estimator.predict(X)).max())
    assert 0 < 8 * differences[1] <= differences[0]


def bad_graphs(nir):
    yield "n1.*Linear.*IF is needed", [affine(nir, 3, 2), nir.Linear(np.ones((3, 3))), affine(nir, 2, 3)]
    yield "n0.*IF.*Affine or Linear is needed", [units(nir, 2), affine(nir, 2, 2)]
    yield "n1.*last", [affine(nir, 3, 2), units(nir, 3)]
    yield "input.*last", []
    yield "n1.*v_threshold above 0", [affine(nir, 3, 2), units(nir, 3, threshold=0.0), affine(nir, 2, 3)]
    yield "n1.*finite r", [affine(nir, 3, 2), units(nir, 3, r=np.nan), affine(nir, 2, 3)]
    yield "n1.*shapes", [affine(nir, 3, 2), units(nir, 4), affine(nir, 2, 3)]
    yield "n2.*takes 4 values.*below has 3", [affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 4)]
    yield "n0.*not finite", [affine(nir, 3, 2, 1e39), units(nir, 3), affine(nir, 2, 3)]
    yield "n0.*two dimensions", [nir.Linear(np.ones((2, 3, 2))), units(nir, 3), affine(nir, 2, 3)]


@pytest.mark.parametrize("k", range(10))
def test_any_other_graph_is_refused_by_the_name_of_the_node(nir, k):
    message, nodes = list(bad_graphs(nir))[k]
    with pytest.raises(ValueError, match=message):
        from_nir(graph_of(nir, *nodes), reset="subtract")


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([("n1", "n1")], "'n1' leads to several"),
        ([("input", "n2")], "'input' leads to several"),
        ([("extra", "n2")], "'n2' has several"),
        ([], "'extra' is not between"),
    ],
)
def test_a_graph_that_is_no_chain_is_refused(nir, edges, message):
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 3))
    graph.nodes["extra"] = units(nir, 3)
    graph.edges = [*graph.edges, *edges]
    with pytest.raises(ValueError, match=message):
        from_nir(graph, reset="subtract")


def test_a_graph_that_breaks_off_or_has_two_inputs_is_refused(nir):
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 3))
    graph.edges = graph.edges[:-1]
    with pytest.raises(ValueError, match="'n2' leads nowhere"):
        from_nir(graph, reset="subtract")
    graph.nodes["second"] = nir.Input(np.array([2]))
    with pytest.raises(ValueError, match="2 nodes of type Input \\('input', 'second'\\)"):
        from_nir(graph, reset="subtract")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"reset": "zero"}, "reset must be 'subtract'"),
        ({"classes": [0, 1, 2]}, "classes must hold 2 sorted labels"),
        ({"classes": [1, 0]}, "classes must hold 2 sorted labels"),
        ({"fit_intercept": False}, "fit_intercept=False would drop the biases"),
        ({"n_time_steps": 0}, "n_time_steps"),
    ],
)
def test_bad_arguments_are_refused(nir, params, message):
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 3))
    with pytest.raises(ValueError, match=message):
        from_nir(graph, **{"reset": "subtract"} | params)


def test_metadata_that_no_relay_bears_out_is_refused(nir):
    graph = graph_of(nir, affine(nir, 3, 2), units(nir, 3), affine(nir, 2, 3), units(nir, 2), affine(nir, 2, 2))
    graph.metadata["start_pulse"] = 1
    with pytest.raises(ValueError, match=r"hidden layer 1 is no relay; delete graph.metadata"):
        from_nir(graph, reset="subtract")
