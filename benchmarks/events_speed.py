"""Speed on streams of events: the parts of `benchmarks.events` that measure time.

"feed": events a second through `feed` of a live stream, at 1 ms a step, by size of packet. "packets":
the time from a packet of 10 events to its answer, and that of an hour's silence. "peers": recordings
a second at 1 ms a step, beside snnTorch and sinabs on dense frames. "scaling": time against the
number of events, and against the length of a step; with few events a step, what a step costs by
itself weighs most. Networks are 2312-200-200-10. They learn 10 ms
steps, and run at others with a leak that forgets as much a second.
"""
from copy import copy
from functools import partial
from statistics import median

import numpy as np

from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingRNNClassifier
from sk_dsn.events import EventFrames

from .data import N_MNIST_SENSOR, load_recordings
from .harness import Target, alternate, predict_each, ratios, spread
from .report import progress
from .studies.peers import Sinabs, SnnTorch

LEARNED_STEP, LEARNED_LEAK = 10_000, 0.2
SPEED = Target(">=", 8.0)  # million events a second
ANSWER = Target("<=", 40.0)  # µs
TIMES_FASTER = Target(">=", 20.0)
LOWEST_POWER, HIGHEST_POWER = Target(">=", 0.9), Target("<=", 1.1)
SUBLINEAR = Target("<=", 1.0)


def frames_of(step):
    return EventFrames(N_MNIST_SENSOR, step)


def leaky_network(recordings, y, quick, step=1000, simulation="clock-driven"):
    """A leaky network that has learned recordings, for steps of so many µs."""
    rule = SpikingBackprop(feedback="step")
    network = SpikingMLPClassifier(
        hidden(quick), simulation=simulation, leak=LEARNED_LEAK, readout="mean", learning_rule=rule, learning_rate_init=2.0,
        max_iter=1 if quick else 5, random_state=0,
    ).fit(frames_of(LEARNED_STEP).transform(recordings), y)
    leak = 1 - (1 - LEARNED_LEAK) ** (step / LEARNED_STEP)
    # A bias comes in at every step, 1 / leak times in all.
    network.intercepts_ = [b * np.float32(leak / LEARNED_LEAK) for b in network.intercepts_]
    return network.set_params(leak=leak)


def recurrent_network(recordings, y, quick):
    """A recurrent network that has learned 10 ms steps. It has no leak to fit to others, so its
    answers at those mean little."""
    network = SpikingRNNClassifier(
        hidden(quick), feedback="step", readout="mean", error_resolution=32.0, threshold=0.5, learning_rate_init=0.002,
        max_iter=1, random_state=0,
    )
    return network.fit(frames_of(LEARNED_STEP).transform(recordings), y)


def static_network(recordings, y, quick):
    network = SpikingMLPClassifier(hidden(quick), max_iter=1, random_state=0)
    return network.fit(frames_of(LEARNED_STEP).transform(recordings), y)


def hidden(quick):
    return (10, 10) if quick else (200, 200)


def some(options, n):
    """The first recordings, which hold all labels, and the number to measure."""
    recordings, y = load_recordings(options)
    order = np.random.default_rng(0).permutation(len(y))
    recordings, y = [recordings[k] for k in order], y[order]
    return recordings[: 5 * n], y[: 5 * n], recordings[: 3 if options.quick else n]


def feed_all(stream, recordings, size, watch, k):
    """A side for `alternate`: recordings in packets of so many events."""
    packets = [[events[first : first + size] for first in range(0, len(events), size)] for events in recordings]
    with watch:
        for recording in packets:
            stream.reset()
            for packet in recording:
                stream.feed(packet)


# Parts


def feed(report, options):
    recordings, y, measured = some(options, 60)
    networks = {
        "leaky, clock-driven": leaky_network(recordings, y, options.quick),
        "leaky, event-driven": leaky_network(recordings, y, options.quick, simulation="event-driven"),
        "static, counting": static_network(recordings, y, options.quick),
        "recurrent": recurrent_network(recordings, y, options.quick),
    }
    n_events = sum(map(len, measured))
    n_steps = sum(int(events["t"][-1]) // 1000 + 1 for events in measured)
    sizes = (1000, 100, 10)
    streams = {name: network.create_stream(frames_of(1000)) for name, network in networks.items()}
    sides = {(name, size): partial(feed_all, stream, measured, size) for name, stream in streams.items() for size in sizes}
    seconds = alternate(sides, 2 if options.quick else 7, per=n_events)
    rows = []
    for (name, size), times in seconds.items():
        speed = 1e-6 / median(times)
        judged = SPEED if (name, size) == ("leaky, clock-driven", 1000) else None
        rows.append(
            {"network": name, "packet": size, "million events/s": speed}
            | report.judgement(speed, judged)
            | spread(times, "ns")
            | {"µs a step": 1e6 * median(times) * n_events / n_steps}
        )
    report.table(f"feed, {n_events / n_steps:.1f} events a step of 1 ms: time of an event", rows)


def packets(report, options):
    recordings, y, measured = some(options, 60)
    leaky = leaky_network(recordings, y, options.quick)
    networks = {
        "leaky, clock-driven": leaky,
        "static, counting": static_network(recordings, y, options.quick),
        "recurrent": recurrent_network(recordings, y, options.quick),
    }
    n_packets = 20 if options.quick else 40
    rows = []
    for name, network in networks.items():
        stream = network.create_stream(frames_of(1000))
        side = partial(answer_each, stream, measured, n_packets)
        times = alternate({name: side}, 3 if options.quick else 40, per=n_packets)[name]
        rows.append({"network": name} | spread(times, "µs") | report.judgement(1e6 * median(times), ANSWER))
    report.table("A packet of 10 events and predict", rows)

    unbiased = copy(leaky)
    unbiased.intercepts_ = [0 * b for b in leaky.intercepts_]
    rows = []
    steps = 36_000 if options.quick else 3_600_000
    for name, network in {**networks, "leaky, without biases": unbiased}.items():
        if name == "static, counting":
            continue  # an hour of its biases is more than 2**24 spikes
        stream = network.create_stream(frames_of(1000))

        def be_silent(watch, k, stream=stream):
            stream.reset().feed(measured[k % len(measured)])
            with watch:
                stream.advance(1000 * (stream.n_steps_ + steps)).predict()

        times = alternate({name: be_silent}, 1 if options.quick else 3)[name]
        rows.append({"network": name, "steps": steps} | spread(times, "ms"))
    report.table("Silence of an hour at 1 ms a step, and predict", rows)


def answer_each(stream, recordings, n_packets, watch, k):
    """A side for `alternate`: an answer after each packet of 10 events."""
    events = recordings[k % len(recordings)][: 10 * n_packets].copy()
    events["t"] += 1000  # so that the first packet completes a step
    split = np.array_split(events, n_packets)
    stream.reset()
    with watch:
        for packet in split:
            stream.feed(packet).predict()


class LeakySinabs(Sinabs):
    """Leaky neurons on streams, of shape (n_samples, n_time_steps, n_features)."""

    def build(self, sizes):
        leaky = partial(self.library.layers.LIF, tau_mem=50.0)
        return self.torch.nn.Sequential(*self.stacked(sizes, leaky, leaky))

    def outputs(self, x):
        self.library.reset_states(self.network)
        return self.network(x)


def peers(report, options):
    """Frames for the libraries, and packets for us, are made outside the timer."""
    recordings, y, measured = some(options, 100)
    network = leaky_network(recordings, y, options.quick)
    frames = frames_of(1000)
    one_by_one = measured[: 2 if options.quick else 10]
    stream = network.create_stream(frames)

    def live(watch, k):
        with watch:
            for events in one_by_one:
                stream.reset().feed(events).advance((int(events["t"][-1]) // 1000 + 1) * 1000).predict()

    def whole(recordings, watch, k):
        with watch:
            network.predict(frames.transform(recordings))

    n_all = len(measured)
    single = {"sk_dsn, live stream": live}
    batch = {"sk_dsn, EventFrames and predict": partial(whole, measured)}
    X = np.nan_to_num(frames.transform(measured).toarray())
    for name, library in {"snnTorch": SnnTorch, "sinabs": LeakySinabs}.items():
        if library.missing():
            progress(f"{name}: {library.missing()}")
            continue
        peer = library(hidden(options.quick), np.random.RandomState(0))
        peer.partial_fit(X[:2, :2], y[:2], classes=np.arange(10))
        lengths = [int(events["t"][-1]) // 1000 + 1 for events in one_by_one]
        single[f"{name}, one at a time"] = partial(
            predict_each, peer, [X[k : k + 1, :n] for k, n in enumerate(lengths)]
        )
        batch[f"{name}, batch of {n_all}"] = partial(predict_each, peer, [X])
    ours = alternate(single, 1 if options.quick else 5, per=len(one_by_one))
    together = alternate(batch, 1 if options.quick else 2, per=n_all)
    base = ours["sk_dsn, live stream"]
    rows = []
    for name, times in {**ours, **together}.items():
        rows.append({"side": name, "recordings/s": 1 / median(times)} | spread(times, "ms"))
        if name.endswith("one at a time"):
            ratio = ratios(times, base)
            rows[-1] |= ratio | report.judgement(ratio["ratio"], TIMES_FASTER)
        else:
            rows[-1] |= {"ratio": median(times) / median(base)}
    report.table("Recordings at 1 ms a step; ratios to the live stream", rows)


def scaling(report, options):
    recordings, y, measured = some(options, 40)
    n_rounds = 2 if options.quick else 7
    network = leaky_network(recordings, y, options.quick)
    stream = network.create_stream(frames_of(1000))
    rng = np.random.default_rng(0)
    n_measured = 2 if options.quick else 10
    for kind, sizes, make, judged in [
        ("N-MNIST, thinned and laid over each other", (0.25, 0.5, 1, 2, 4), partial(with_share, measured), False),
        ("noise", (25_000, 50_000, 100_000, 200_000), partial(noise, rng, measured), True),
    ]:
        sets = {size: [make(k, size) for k in range(n_measured)] for size in sizes[-2 if options.quick else None:]}
        sides = {size: partial(feed_all, stream, made, 10**9) for size, made in sets.items()}
        seconds = alternate(sides, n_rounds, per=n_measured)
        n_events = [sum(map(len, made)) / n_measured for made in sets.values()]
        times = [median(seconds[size]) for size in sets]
        power = float(np.polyfit(np.log(n_events), np.log(np.maximum(times, 1e-9)), 1)[0])
        rows = [
            {"events": round(n), "ns an event": 1e9 * median(seconds[size]) / n} | spread(seconds[size], "ms")
            for n, size in zip(n_events, sets, strict=True)
        ]
        rows[-1] |= {"power": power}
        if judged and not options.quick:
            verdicts = {target.judge(power) for target in (LOWEST_POWER, HIGHEST_POWER)}
            rows[-1] |= {"target": "0.9 to 1.1", "verdict": "miss" if "miss" in verdicts else "pass"}
        report.table(f"{kind}: time of a recording of 300 steps of 1 ms against its events", rows)

    sides = {}
    for step in (10_000, 5000, 2000, 1000):
        stream = leaky_network(recordings, y, options.quick, step).create_stream(frames_of(step))
        sides[step] = partial(feed_all, stream, measured, 10**9)
    seconds = alternate(sides, n_rounds, per=len(measured))
    times = [median(seconds[step]) for step in sides]
    power = -float(np.polyfit(np.log(list(sides)), np.log(np.maximum(times, 1e-9)), 1)[0])
    rows = [{"ms a step": step / 1000} | spread(seconds[step], "ms") for step in sides]
    rows[-1] |= {"power of steps": power} | report.judgement(power, SUBLINEAR)
    report.table("Time of a recording against the length of a step", rows)


def with_share(recordings, k, share):
    """Recording k with this share of its events: others are laid over it, or events left out."""
    if share < 1:
        return recordings[k][:: round(1 / share)]
    together = np.concatenate([recordings[(k + i) % len(recordings)] for i in range(share)])
    return together[np.argsort(together["t"], kind="stable")]


def noise(rng, recordings, k, n_events):
    """So many events at any time and pixel of 300 ms."""
    events = np.empty(n_events, recordings[k % len(recordings)].dtype)
    events["t"] = np.sort(rng.integers(0, 300_000, n_events))
    for name, end in zip("xyp", (*N_MNIST_SENSOR, 2), strict=True):
        events[name] = rng.integers(0, end, n_events)
    return events


PARTS = {"feed": feed, "packets": packets, "peers": peers, "scaling": scaling}
