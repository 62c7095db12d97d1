"""NeuroBench's own harness on a replay of our spikes, beside our metrics."""
import numpy as np
import pytest
from sklearn.datasets import load_digits

from sk_dsn import SpikingMLPClassifier
from sk_dsn._network import FittedNetwork
from sk_dsn.metrics import activation_sparsity, dense_operations, footprint, neurobench_synaptic_operations

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("neurobench", reason="neurobench is not installed")

from neurobench.benchmarks import Benchmark  # noqa: E402
from neurobench.metrics.static import Footprint  # noqa: E402
from neurobench.metrics.workload import ActivationSparsity, SynapticOperations  # noqa: E402
from neurobench.models import TorchModel  # noqa: E402


class RecordedSpikes(torch.nn.Module):
    """A layer of units that sends the spikes that ours have sent. Its state is that of our units."""

    def __init__(self, spikes, state):
        super().__init__()
        self.spikes = spikes
        for name, n_units in state.items():
            self.register_buffer(name, torch.zeros(n_units))

    def forward(self, rows, t):
        return self.spikes[rows, t]


class Replay(torch.nn.Module):
    """A copy of a network, one time step after the other. Its answers are computed from the spikes."""

    def __init__(self, clf, X):
        super().__init__()
        network = FittedNetwork.of(clf)
        counts = network.unit_spike_counts(network.check_input(X))
        recorded = [torch.from_numpy((s[..., 0] - s[..., 1]).astype(np.float32)) for s in counts]
        counted = ["potential", "net_count"] if clf.neuron == "signed" else ["potential"]
        self.units = torch.nn.ModuleList(
            RecordedSpikes(spikes, dict.fromkeys(counted if l else ["potential"], spikes.shape[2]))
            for l, spikes in enumerate(recorded)
        )
        self.layers = torch.nn.ModuleList()
        for weights, biases in zip(clf.coefs_, clf.intercepts_, strict=True):
            layer = torch.nn.Linear(*weights.shape, bias=clf.fit_intercept)
            layer.weight.data = torch.from_numpy(np.ascontiguousarray(weights.T))
            if clf.fit_intercept:
                layer.bias.data = torch.from_numpy(biases.copy())
            self.layers.append(layer)
        self.n_time_steps = clf.n_time_steps
        self.register_buffer("output", torch.zeros(network.n_units[-1]))

    @torch.no_grad()
    def forward(self, rows):
        total = 0
        for t in range(self.n_time_steps):
            for units, layer in zip(self.units, self.layers, strict=True):
                current = layer(units(rows, t))
            total = total + current
        return total / self.n_time_steps


@pytest.mark.parametrize("neuron", ["signed", "rectifying"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_neurobenchs_harness_gives_our_figures(neuron, fit_intercept):
    X, y = load_digits(return_X_y=True)
    X = X / 14  # input units of the largest features send two spikes in one of the steps
    parameters = {"neuron": neuron, "simulation": "clock-driven", "fit_intercept": fit_intercept}
    clf = SpikingMLPClassifier((20, 15), n_time_steps=6, max_iter=3, random_state=0, **parameters).fit(X, y)
    clf.coefs_[0][::3, ::2] = 0
    X = X[:12]
    replay = Replay(clf, X)
    rows = torch.arange(len(X))
    np.testing.assert_allclose(replay(rows).numpy(), clf.decision_function(X), atol=1e-4)

    model = TorchModel(replay)
    model.add_activation_module(RecordedSpikes)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows, torch.zeros(len(X))), batch_size=1)
    wanted = Benchmark(model, loader, [], [], [[Footprint], [ActivationSparsity, SynapticOperations]]).run(quiet=True)

    assert wanted["Footprint"] == footprint(clf)
    assert wanted["ActivationSparsity"] == pytest.approx(activation_sparsity(clf, X))
    operations = wanted["SynapticOperations"]
    assert neurobench_synaptic_operations(clf, X, granularity="layer") == pytest.approx(operations)
    assert operations["Effective_MACs"] > 0 and operations["Effective_ACs"] > 0
    assert operations["Dense"] == 6 * dense_operations(clf)
    ours = neurobench_synaptic_operations(clf, X)
    assert ours["Effective_MACs"] < operations["Effective_MACs"]
    assert sum(ours.values()) == pytest.approx(sum(operations.values()))
