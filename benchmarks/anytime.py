"""How much accuracy does a spiking network have after how much time and how many synaptic operations?

A sample ends as soon as its outputs are `exit_margin` apart. Over a range of margins: accuracy, CPU time of `predict`, the
time steps used and the synaptic operations of the spiking network, for each simulation of one trained network
(784-200-200-10), beside MLPClassifier of the same layers, whose operations are multiply-adds. `--figure` draws it.
"""
from functools import partial

from sklearn.neural_network import MLPClassifier

from sk_dsn.metrics import dense_operations, exit_steps, synaptic_operations

from .harness import alternate, load_mnist, option_parser, session, spread
from .mnist import ADAM, ours

SIMULATIONS = ("counting", "clock-driven", "event-driven")
N_TIME_STEPS = 16
MARGINS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, None)
DENSE = "MLPClassifier"


def predict(estimator, X, watch, k):
    with watch:
        estimator.predict(X)


def measure(report, data, options):
    """Rows of the table: one for each simulation and margin, and the dense network's."""
    epochs, repeats, n_samples, margins = (1, 2, 100, (1.0, None)) if options.quick else (5, 5, 2000, MARGINS)
    X, y = data.X_test[:n_samples], data.y_test[:n_samples]
    spiking = ours("deep", n_time_steps=N_TIME_STEPS, max_iter=epochs, random_state=0).fit(data.X_train, data.y_train)
    dense = MLPClassifier(**ADAM | {"max_iter": epochs}, random_state=0).fit(data.X_train, data.y_train)
    rows = []
    for simulation in SIMULATIONS:
        for margin in margins:
            spiking.set_params(simulation=simulation, exit_margin=margin)
            seconds = alternate({simulation: partial(predict, spiking, X)}, repeats, per=len(X))[simulation]
            rows.append(
                {"network": simulation, "exit margin": "none" if margin is None else margin}
                | {"accuracy %": 100 * spiking.score(X, y), "mean steps": float(exit_steps(spiking, X).mean())}
                | {"operations": float(synaptic_operations(spiking, X)[:, -1].mean())}
                | spread(seconds, "µs")
            )
    seconds = alternate({DENSE: partial(predict, dense, X)}, repeats, per=len(X))[DENSE]
    row = {"network": DENSE, "accuracy %": 100 * dense.score(X, y), "operations": float(dense_operations(spiking))}
    rows.append(row | spread(seconds, "µs"))
    report.table(
        f"{data.name}, {len(X)} samples, {epochs} epochs, {N_TIME_STEPS} time steps; times a sample",
        rows,
        ("network", "exit margin"),
    )
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
