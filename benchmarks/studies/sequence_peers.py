"""The libraries that a user would learn sequences with instead, behind fit and predict.

Networks of PyTorch and of snnTorch, echo state networks of PyRCN and nearest neighbours by time
warping of sequentia. No benchmark needs any of them; a library that is missing is named.
"""
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

BATCH_SIZE = 256
PREDICTED_AT_ONCE = 1000


def missing(*packages):
    """Why a peer cannot be run here, or None."""
    absent = [package for package in packages if find_spec(package) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


class TorchSequenceClassifier:
    """A network of PyTorch that answers at the end of a sequence, in batches of shuffled samples, with
    Adam. Sequences have one length.

    Subclasses build `network` and say what it puts out.
    """

    packages = ("torch",)

    def __init__(self, hidden_layer_sizes, learning_rate, random_state=0):
        self.torch = import_module("torch")
        self.torch.set_num_threads(1)
        self.hidden_layer_sizes, self.learning_rate = hidden_layer_sizes, learning_rate
        self.random_state = random_state

    def partial_fit(self, X, y):
        """An epoch of training. Labels are 0, 1, …"""
        torch = self.torch
        if not hasattr(self, "network"):
            self._generator = torch.Generator().manual_seed(self.random_state)
            torch.manual_seed(self.random_state)
            self.network = self.build(X.shape[2], int(y.max()) + 1)
            self._optimizer = torch.optim.Adam(self.network.parameters(), lr=self.learning_rate)
        X, y = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
        self.network.train()
        for batch in torch.randperm(len(X), generator=self._generator).split(BATCH_SIZE):
            self._optimizer.zero_grad()
            self.loss(self.outputs(X[batch]), y[batch]).backward()
            self._optimizer.step()
        return self

    def predict(self, X):
        self.network.eval()
        with self.torch.no_grad():
            return np.concatenate(
                [self.answers(self.outputs(x)).argmax(1) for x in self.torch.from_numpy(X).split(PREDICTED_AT_ONCE)]
            )

    def score(self, X, y):
        return float((self.predict(X) == y).mean())

    def loss(self, outputs, y):
        return self.torch.nn.functional.cross_entropy(outputs, y)

    def answers(self, outputs):
        return outputs


class GRUClassifier(TorchSequenceClassifier):
    """torch.nn.GRU, with a linear layer on its last state. All layers have one size."""

    def build(self, n_features, n_classes):
        nn, sizes = self.torch.nn, self.hidden_layer_sizes
        gru = nn.GRU(n_features, sizes[0], num_layers=len(sizes), batch_first=True)
        return nn.ModuleList([gru, nn.Linear(sizes[-1], n_classes)])

    def outputs(self, X):
        gru, readout = self.network
        return readout(gru(X)[0][:, -1])


class RecurrentLeakyClassifier(TorchSequenceClassifier):
    """Recurrent leaky neurons of snnTorch, in the idiom of its tutorials: reset by subtraction, fast
    sigmoid surrogates of slope 25, the loss of the last layer's potentials summed over time steps,
    the class that spikes most."""

    packages = ("torch", "snntorch")

    def build(self, n_features, n_classes):
        snntorch, nn = import_module("snntorch"), self.torch.nn
        surrogate = import_module("snntorch.surrogate").fast_sigmoid(slope=25)
        sizes = [n_features, *self.hidden_layer_sizes]
        layers = []
        for n_in, n_out in pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), snntorch.RLeaky(0.9, linear_features=n_out, spike_grad=surrogate)]
        return nn.ModuleList([*layers, nn.Linear(sizes[-1], n_classes), snntorch.Leaky(0.9, spike_grad=surrogate)])

    def outputs(self, X):
        *layers, readout, last = self.network
        linear, neurons = layers[::2], layers[1::2]
        states = [neuron.init_rleaky() for neuron in neurons]
        potential, spikes, potentials = last.init_leaky(), [], []
        for x in X.unbind(1):
            for k, (layer, neuron) in enumerate(zip(linear, neurons, strict=True)):
                states[k] = neuron(layer(x), *states[k])
                x = states[k][0]
            spike, potential = last(readout(x), potential)
            spikes.append(spike)
            potentials.append(potential)
        return self.torch.stack(spikes), self.torch.stack(potentials)

    def loss(self, outputs, y):
        _, potentials = outputs
        return sum(self.torch.nn.functional.cross_entropy(p, y) for p in potentials) / len(potentials)

    def answers(self, outputs):
        # Potentials break ties of spikes.
        spikes, potentials = outputs
        return spikes.sum(0) + self.torch.sigmoid(potentials.mean(0)) / 2


class EchoStateClassifier:
    """PyRCN's echo state network of 500 units. Its readout is a ridge regression, at each time step, of
    one output a class.

    ESNClassifier regresses the same, but of two classes it has one output, whose argmax is always the
    first class. So ESNRegressor regresses here, and `decision` says whether a sequence's class is that
    of the outputs' mean over time steps ("mean") or of the last time step ("last").
    """

    packages = ("pyrcn", "torch")

    def __init__(
        self, input_scaling=0.4, spectral_radius=0.9, leakage=0.3, alpha=1e-5, decision="mean", random_state=0
    ):
        import_module("torch").set_num_threads(1)
        network = import_module("pyrcn.echo_state_network")
        blocks = import_module("pyrcn.base.blocks")
        readout = import_module("pyrcn.linear_model").IncrementalRegression(alpha=alpha)
        units = {"hidden_layer_size": 500, "random_state": random_state}
        self.decision = decision
        self.network = network.ESNRegressor(
            input_to_node=blocks.InputToNode(**units, input_scaling=input_scaling),
            node_to_node=blocks.NodeToNode(**units, spectral_radius=spectral_radius, leakage=leakage),
            regressor=readout,
            requires_sequence=True,
        )

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        targets = (np.asarray(y)[:, None] == self.classes_).astype(float)
        self.network.fit(as_objects(X), as_objects([np.tile(t, (len(x), 1)) for x, t in zip(X, targets, strict=True)]))
        return self

    def score(self, X, y):
        outputs = self.network.predict(as_objects(X))
        answers = [o.mean(axis=0) if self.decision == "mean" else o[-1] for o in outputs]
        return float((self.classes_[np.argmax(answers, axis=1)] == y).mean())


class TimeWarpingNeighbour:
    """sequentia's nearest neighbours by dynamic time warping, with the distances that dtaidistance
    compiled."""

    packages = ("sequentia",)

    def __init__(self, k=1, window=1.0, independent=False, random_state=0):
        models = import_module("sequentia.models")
        self.model = models.KNNClassifier(k=k, window=window, independent=independent, random_state=random_state)

    def fit(self, X, y):
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.model.fit(np.concatenate(X).astype(float), labels, lengths=np.array([len(x) for x in X]))
        return self

    def score(self, X, y):
        found = self.model.predict(np.concatenate(X).astype(float), lengths=np.array([len(x) for x in X]))
        return float((self.classes_[found] == y).mean())


def as_objects(arrays):
    objects = np.empty(len(arrays), object)
    for k, array in enumerate(arrays):
        objects[k] = array
    return objects
