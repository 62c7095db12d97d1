"""What does a prediction cost in operations, energy and memory, with spikes and without?

A network trained on MNIST, in simulations that count the same spikes (counting, clock-driven) and
in one that also counts passing spikes (event-driven), beside the multiply-adds of the same layers
without spikes. Means over every fifth test image, because the event-driven simulation is slow.
Takes about half a minute.
"""
import pickle

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import (
    activation_sparsity,
    connection_sparsity,
    dense_operations,
    energy_estimate,
    footprint,
    neurobench_synaptic_operations,
    synaptic_operations,
)

from ..data import load_mnist
from ..report import n_seeds, option_parser, session

EVERY = 5


def prediction_costs(network, simulation, X, y):
    """A row of the table of predictions."""
    network.set_params(simulation=simulation)
    energy = energy_estimate(network, X)
    return {
        "simulation": simulation,
        "accuracy %": 100 * network.score(X, y),
        "synaptic operations": float(synaptic_operations(network, X)[:, -1].mean()),
        "multiply-adds, dense": dense_operations(network),
        "nJ": 1e9 * float(energy.spiking.mean()),
        "nJ, dense": 1e9 * energy.dense,
        **neurobench_synaptic_operations(network, X),
        "activation sparsity": ", ".join(f"{s:.3f}" for s in activation_sparsity(network, X, by_layer=True)),
    }


def model_size(network):
    return {
        "footprint, bytes": footprint(network),
        "weights and biases, bytes": sum(a.nbytes for a in network.coefs_ + network.intercepts_),
        "file, bytes": len(pickle.dumps(network)),
        "connection sparsity": connection_sparsity(network),
    }


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz").parse_args(argv)
    with session(__doc__, options) as report:
        data = load_mnist(options)
        chosen = slice(None, None, 10 * EVERY if options.quick else EVERY)
        for seed in range(n_seeds(options, 1)):
            network = SpikingMLPClassifier((200, 200), n_time_steps=10, max_iter=5, random_state=seed)
            network.fit(data.X_train, data.y_train)
            rows = [
                prediction_costs(network, simulation, data.X_test[chosen], data.y_test[chosen])
                for simulation in ("counting", "clock-driven", "event-driven")
            ]
            report.table(f"{data.name}: a prediction, seed {seed}", rows)
            report.table(f"{data.name}: the model, seed {seed}", [model_size(network)])


if __name__ == "__main__":
    main()
