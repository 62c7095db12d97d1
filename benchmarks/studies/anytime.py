"""How accurate is a spiking network after how much time and how many synaptic operations?

A sample ends as soon as its outputs are `exit_margin` apart. Accuracy, CPU time of `predict`, time
steps and synaptic operations over a range of margins, for each simulation of one trained network
(784-200-200-10), beside MLPClassifier of the same layers, whose operations are multiply-adds.
`--figure` draws the curves.
"""
from copy import deepcopy
from functools import partial

from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, exit_steps, synaptic_operations

from ..data import load_mnist
from ..harness import alternate, predict_each, ratios, spread
from ..networks import ADAM, SETTINGS
from ..report import option_parser, session

SIMULATIONS = ("counting", "clock-driven", "event-driven")
N_TIME_STEPS = 16
MARGINS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, None)
DENSE = "MLPClassifier"


def measure(report, data, options):
    """Rows of the table: one for each simulation and margin, and the dense network's.

    All are measured in turn.
    """
    epochs, repeats, n_samples, margins = (1, 2, 40, (1.0, None)) if options.quick else (5, 5, 2000, MARGINS)
    X, y = data.X_test[:n_samples], data.y_test[:n_samples]
    settings = SETTINGS["deep"] | {"n_time_steps": N_TIME_STEPS, "max_iter": epochs}
    spiking = SpikingMLPClassifier(**settings, random_state=0).fit(data.X_train, data.y_train)
    dense = MLPClassifier(**ADAM | {"max_iter": epochs}, random_state=0).fit(data.X_train, data.y_train)
    networks = {
        (simulation, margin): deepcopy(spiking).set_params(simulation=simulation, exit_margin=margin)
        for simulation in SIMULATIONS
        for margin in margins
    } | {(DENSE, None): dense}
    seconds = alternate({side: partial(predict_each, network, [X]) for side, network in networks.items()}, repeats, len(X))
    multiply_adds = dense_operations(spiking)
    rows = []
    for (name, margin), network in networks.items():
        row = {"network": name, "exit margin": None, "accuracy %": 100 * network.score(X, y)}
        operations = multiply_adds
        if network is not dense:
            operations = float(synaptic_operations(network, X)[:, -1].mean())
            row |= {
                "exit margin": "none" if margin is None else margin,
                "mean steps": float(exit_steps(network, X).mean()),
            }
        row |= {"operations": operations, "of dense": operations / multiply_adds, **spread(seconds[name, margin], "µs")}
        rows.append(row | ratios(seconds[name, margin], seconds[DENSE, None]))
    title = f"{data.name}, {len(X)} samples, {epochs} epochs, {N_TIME_STEPS} time steps; times a sample"
    report.table(title, rows)
    return rows


def draw(rows, quantity, label, axes):
    for network, marker in zip((*SIMULATIONS, DENSE), "os^*", strict=True):
        points = [row for row in rows if row["network"] == network]
        x, accuracy = ([row[column] for row in points] for column in (quantity, "accuracy %"))
        axes.plot(x, accuracy, marker=marker, markersize=11 if network == DENSE else 5, label=network)
    axes.set(xscale="log", xlabel=label, ylabel="Accuracy, %")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")


def main(argv=None):
    options = option_parser(__doc__, data="mnist.npz").parse_args(argv)
    data = load_mnist(options)
    with session(__doc__, options) as report:
        rows = measure(report, data, options)
        report.panel(partial(draw, rows, "median µs", "CPU time of a prediction, µs"))
        report.panel(partial(draw, rows, "operations", "Operations of a prediction"))


if __name__ == "__main__":
    main()
