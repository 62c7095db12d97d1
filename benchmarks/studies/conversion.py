"""How much accuracy does a conventional network lose when it is converted to a spiking one?

A trained MLPClassifier beside the networks that `SpikingMLPClassifier.from_mlp` makes from it, on
test images, by the number of time steps: with the weights as they are, with layers rescaled to the
99.9th percentile of their activations, and with neurons that never take a spike back (rectifying,
clock-driven). Points of accuracy lost against the MLPClassifier, and synaptic operations of a
sample as a share of its multiply-adds. Takes about a minute.
"""
from statistics import mean

from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, synaptic_operations

from ..data import load_mnist
from ..report import n_seeds, option_parser, session

TIME_STEPS = (1, 2, 4, 8, 16, 32, 64, 128)


def conversions(mlp, data):
    """Converted networks by name."""
    rescaled_by = data.X_train[:10_000]
    return {
        "as it is": SpikingMLPClassifier.from_mlp(mlp),
        "rescaled": SpikingMLPClassifier.from_mlp(mlp, rescaled_by),
        "rectifying": SpikingMLPClassifier.from_mlp(mlp, neuron="rectifying"),
        "rectifying, rescaled": SpikingMLPClassifier.from_mlp(mlp, rescaled_by, neuron="rectifying"),
    }


def points_lost(mlp, network, data):
    return 100 * (mlp.score(data.X_test, data.y_test) - network.score(data.X_test, data.y_test))


def share_of_operations(mlp, network, data):
    return synaptic_operations(network, data.X_test[:1000])[:, -1].mean() / dense_operations(network)


def compare_time_steps(report, title, figure, mlps, data):
    """A table of `figure` by time steps and kind of conversion, means over the MLPs."""
    networks = [conversions(mlp, data) for mlp in mlps]
    rows = []
    for n_time_steps in TIME_STEPS[: 2 if report.quick else None]:
        rows.append({"T": n_time_steps})
        for name in networks[0]:
            converted = [of_mlp[name].set_params(n_time_steps=n_time_steps) for of_mlp in networks]
            rows[-1][name] = mean(figure(mlp, network, data) for mlp, network in zip(mlps, converted, strict=True))
    report.table(f"{data.name}: {title}", rows)


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz").parse_args(argv)
    with session(__doc__, options) as report:
        data = load_mnist(options)
        mlps = [
            MLPClassifier((200, 200), max_iter=1 if options.quick else 20, random_state=seed)
            for seed in range(n_seeds(options, 1))
        ]
        accuracy = mean(mlp.fit(data.X_train, data.y_train).score(data.X_test, data.y_test) for mlp in mlps)
        compare_time_steps(
            report, f"points of accuracy lost, MLPClassifier {100 * accuracy:.2f} %", points_lost, mlps, data
        )
        compare_time_steps(report, "synaptic operations by multiply-adds", share_of_operations, mlps, data)


if __name__ == "__main__":
    main()
