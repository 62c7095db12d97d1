"""The libraries that a user would train a spiking network with instead, behind two methods each.

All run on PyTorch, show an image as a constant input for every time step and learn by surrogate
gradients, with the neurons, loss and optimiser of their tutorials for MNIST. No benchmark needs any
of them; a library that is missing is named.
"""
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

BATCH_SIZE = 128
N_TIME_STEPS = 10
PREDICTED_AT_ONCE = 1000  # more would only take more memory


class SurrogateGradientNetwork:
    """A network of a library's neurons with the methods of a scikit-learn classifier that the
    benchmarks call.

    Subclasses name their package and the module that holds its neurons, build `network` and say
    what it puts out, what is minimised and what decides.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int
    random_state : numpy.random.RandomState
    """

    learning_rate = 1e-3

    def __init__(self, hidden_layer_sizes, random_state):
        self.torch, self.library = import_module("torch"), import_module(self.module_name)
        self.set_threads(1)
        self.hidden_layer_sizes = hidden_layer_sizes
        self._generator = self.torch.Generator().manual_seed(int(random_state.randint(2**31)))

    @classmethod
    def missing(cls):
        """Why it cannot be run here, or None."""
        absent = [package for package in ("torch", cls.package) if find_spec(package) is None]
        return f"{' and '.join(absent)} not installed" if absent else None

    @classmethod
    def version(cls):
        return f"{cls.package} {version(cls.package)}, torch {version('torch')}"

    def partial_fit(self, X, y, classes=None):
        """An epoch of training, in batches of shuffled samples."""
        torch = self.torch
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(y if classes is None else classes)
            torch.manual_seed(self._generator.initial_seed())
            self.network = self.build([X.shape[-1], *self.hidden_layer_sizes, len(self.classes_)])
            self._optimizer = torch.optim.Adam(self.network.parameters(), lr=self.learning_rate)
        X, y = torch.from_numpy(X), torch.from_numpy(np.searchsorted(self.classes_, y))
        self.network.train()
        for batch in torch.randperm(len(X), generator=self._generator).split(BATCH_SIZE):
            self._optimizer.zero_grad()
            self.loss(self.outputs(X[batch].float()), y[batch]).backward()
            self._optimizer.step()
        return self

    def predict(self, X):
        self.network.eval()
        with self.torch.no_grad():
            batches = self.torch.from_numpy(X).split(PREDICTED_AT_ONCE)
            best = [self.scores(self.outputs(batch.float())).argmax(1) for batch in batches]
        return self.classes_[self.torch.cat(best).numpy()]

    def set_threads(self, n):
        self.torch.set_num_threads(n)

    def stacked(self, sizes, neuron, output, linear=None):
        """Linear layers, each followed by the neurons that `neuron` makes, the last one by
        `output`."""
        linear = linear or self.torch.nn.Linear
        layers = []
        for n_in, n_out in pairwise(sizes):
            layers += [linear(n_in, n_out), neuron()]
        return [*layers[:-1], output()]


class SnnTorch(SurrogateGradientNetwork):
    """Leaky neurons; cross entropy of the output's membrane potential at every step; spikes decide
    (its tutorial 5). Streams, of shape (n_samples, n_time_steps, n_features), too."""

    package = module_name = "snntorch"
    learning_rate = 5e-4
    beta = 0.95

    def build(self, sizes):
        leaky = partial(self.library.Leaky, beta=self.beta)
        return self.torch.nn.ModuleList(self.stacked(sizes, leaky, leaky))

    def outputs(self, x):
        linear, leaky = self.network[::2], self.network[1::2]
        membranes = [layer.reset_mem() for layer in leaky]
        spikes, potentials = [], []
        for sent in x.unbind(1) if x.ndim == 3 else [x] * N_TIME_STEPS:
            for l, layer in enumerate(linear):
                sent, membranes[l] = leaky[l](layer(sent), membranes[l])
            spikes.append(sent)
            potentials.append(membranes[-1])
        return self.torch.stack(spikes), self.torch.stack(potentials)

    def loss(self, outputs, y):
        return sum(self.torch.nn.functional.cross_entropy(potential, y) for potential in outputs[1])

    def scores(self, outputs):
        return outputs[0].sum(0)


class SpikingJelly(SurrogateGradientNetwork):
    """LIF neurons in multi-step mode; squared error of the firing rates (its tutorial for MNIST).
    """

    package, module_name = "spikingjelly", "spikingjelly.activation_based.functional"

    def build(self, sizes):
        from spikingjelly.activation_based import layer, neuron

        lif = partial(neuron.LIFNode, tau=2.0)
        network = self.torch.nn.Sequential(*self.stacked(sizes, lif, lif, layer.Linear))
        self.library.set_step_mode(network, "m")
        return network

    def outputs(self, x):
        self.library.reset_net(self.network)
        return self.network(x.unsqueeze(0).expand(N_TIME_STEPS, -1, -1))

    def loss(self, outputs, y):
        functional = self.torch.nn.functional
        rates = outputs.mean(0)
        return functional.mse_loss(rates, functional.one_hot(y, rates.shape[1]).float())

    def scores(self, outputs):
        return outputs.mean(0)


class Sinabs(SurrogateGradientNetwork):
    """Integrate-and-fire neurons that may fire several times a step; cross entropy of the spike
    counts."""

    package = module_name = "sinabs"

    def build(self, sizes):
        neurons = self.library.layers.IAF
        return self.torch.nn.Sequential(*self.stacked(sizes, neurons, neurons))

    def outputs(self, x):
        self.library.reset_states(self.network)
        return self.network(x.unsqueeze(1).expand(-1, N_TIME_STEPS, -1))

    def loss(self, outputs, y):
        return self.torch.nn.functional.cross_entropy(outputs.sum(1), y)

    def scores(self, outputs):
        return outputs.sum(1)


class Norse(SurrogateGradientNetwork):
    """LIF neurons and a leaky integrator; cross entropy of its largest potential (its tutorial for
    MNIST)."""

    package, module_name = "norse", "norse.torch"

    def build(self, sizes):
        return self.library.SequentialState(*self.stacked(sizes, self.library.LIFCell, self.library.LICell))

    def outputs(self, x):
        state, potentials = None, []
        for _ in range(N_TIME_STEPS):
            potential, state = self.network(x, state)
            potentials.append(potential)
        return self.torch.stack(potentials)

    def loss(self, outputs, y):
        return self.torch.nn.functional.cross_entropy(self.scores(outputs), y)

    def scores(self, outputs):
        return outputs.max(0).values


LIBRARIES = {"snnTorch": SnnTorch, "SpikingJelly": SpikingJelly, "sinabs": Sinabs, "Norse": Norse}


def installed():
    """Those that can be run here, by name."""
    return {name: library for name, library in LIBRARIES.items() if not library.missing()}


def library_rows():
    """A table of which libraries take part, and why not."""
    return [
        {"library": name, "version": None if library.missing() else library.version(), "missing": library.missing()}
        for name, library in LIBRARIES.items()
    ]
