"""What does a user gain over the usual networks on MNIST? The table of the README.

784-200-200-10, CPU seconds on one thread: training until 98 % of the test images are right,
prediction of all of them at once and of one at a time, and the operations of a prediction. sk_dsn
with default parameters, MLPClassifier with its own in float32, and, where they are installed, the
same rectified-linear network in PyTorch (Adam) and snnTorch's (T = 10, as in its tutorial). sk_dsn's
rate falls to zero, so each number of epochs is a fit of its own; the others go on training. A
second table has the spiking network's answers after its first time steps.
"""
from functools import partial
from statistics import median

import numpy as np
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, synaptic_operations

from ..data import load_mnist
from ..harness import Stopwatch, alternate, predict_each
from ..networks import ADAM
from ..report import n_seeds, option_parser, progress, session
from .peers import BATCH_SIZE, SnnTorch, SurrogateGradientNetwork

HIDDEN = (200, 200)
AIM = 0.98
EPOCHS = {"sk_dsn": 10, "MLPClassifier": 40, "PyTorch, rectified-linear": 30, "snnTorch": 5}
STEPS = (1, 2, 3, 4, 8, 16)


class TorchReLU(SurrogateGradientNetwork):
    """The conventional network in PyTorch, in the same loop as the spiking ones."""

    package = module_name = "torch"

    def build(self, sizes):
        return self.torch.nn.Sequential(*self.stacked(sizes, self.torch.nn.ReLU, self.torch.nn.Identity))

    def outputs(self, x):
        return self.network(x)

    def loss(self, outputs, y):
        return self.torch.nn.functional.cross_entropy(outputs, y)

    def scores(self, outputs):
        return outputs


def sides(seed):
    """The makers of the conventional and the libraries' networks that can be run here."""
    made = {"MLPClassifier": partial(MLPClassifier, **ADAM, random_state=np.random.RandomState(seed))}
    for name, library in {"PyTorch, rectified-linear": TorchReLU, "snnTorch": SnnTorch}.items():
        if library.missing():
            progress(f"{name}: {library.missing()}")
        else:
            made[name] = partial(library, hidden_layer_sizes=HIDDEN, random_state=np.random.RandomState(seed))
    return made


def accuracy(network, data):
    return float(np.mean(network.predict(data.X_test) == data.y_test))


def trained_by_fits(data, seed, most):
    """A spiking network that reaches the aim in as few epochs as possible, its epochs and seconds."""
    for epochs in range(1, most + 1):
        network, watch = SpikingMLPClassifier(HIDDEN, max_iter=epochs, random_state=seed), Stopwatch()
        with watch:
            network.fit(data.X_train, data.y_train)
        progress(f"sk_dsn, {epochs} epochs: {accuracy(network, data):.4f} after {watch.seconds:.2f} s")
        if accuracy(network, data) >= AIM:
            break
    return network, epochs, watch.seconds


def trained_by_epochs(name, network, data, most):
    watch = Stopwatch()
    for epoch in range(1, most + 1):
        with watch:
            network.partial_fit(data.X_train, data.y_train, classes=np.unique(data.y_train))
        progress(f"{name}, epoch {epoch}: {accuracy(network, data):.4f} after {watch.seconds:.1f} s")
        if accuracy(network, data) >= AIM:
            break
    return network, epoch, watch.seconds


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz").parse_args(argv)
    with session(__doc__, options) as report:
        data = load_mnist(options)
        most = dict.fromkeys(EPOCHS, 1) if options.quick else EPOCHS
        singles = [data.X_test[k : k + 1] for k in range(10 if options.quick else 300)]
        for seed in range(n_seeds(options, 1)):
            trained = {"sk_dsn": trained_by_fits(data, seed, most["sk_dsn"])}
            for name, make in sides(seed).items():
                trained[name] = trained_by_epochs(name, make(), data, most[name])
            networks = {name: network for name, (network, *_) in trained.items()}
            rounds = 2 if options.quick else 7
            batch = {name: partial(predict_each, network, [data.X_test]) for name, network in networks.items()}
            batch = alternate(batch, rounds, per=len(data.X_test))
            single = {name: partial(predict_each, network, singles) for name, network in networks.items()}
            single = alternate(single, rounds, per=len(singles))
            ours = networks["sk_dsn"]
            rows = []
            for name, (network, epochs, seconds) in trained.items():
                reached = accuracy(network, data)
                rows.append({
                    "network": name,
                    "test accuracy %": 100 * reached,
                    "epochs": epochs,
                    "s to 98 %": seconds if reached >= AIM else None,
                    "s an epoch": seconds / epochs,
                    "median µs, 10,000 at once": 1e6 * median(batch[name]),
                    "median µs, one at a time": 1e6 * median(single[name]),
                })
            report.table(f"{data.name}, seed {seed}: training with batches of {BATCH_SIZE} in PyTorch", rows)
            additions = synaptic_operations(ours, data.X_test).mean(axis=0)
            rows = [
                {"time step": t + 1, "accuracy %": 100 * float(np.mean(labels == data.y_test)), "additions": additions[t]}
                for t, labels in enumerate(ours.staged_predict(data.X_test))
                if t + 1 in (*STEPS, ours.n_time_steps)
            ]
            rows.append({"time step": "MLPClassifier", "accuracy %": 100 * accuracy(networks["MLPClassifier"], data),
                         "additions": f"{dense_operations(ours)} multiply-adds"})
            report.table(f"{data.name}, seed {seed}: answers after the first time steps", rows)


if __name__ == "__main__":
    main()
