"""
The paper's quantisers
======================

A neuron adds its input to a potential, fires above 1/2, and loses 1 by it. Its running count of spikes then follows the
running sum of its input. A signed neuron follows it down as well as up; a rectifying neuron only ever fires, so its count
is that of the highest point so far.
"""
import matplotlib.pyplot as plt
import numpy as np

from sk_dsn.quantization import quantize_stream, rectify_stream

steps = np.arange(1, 101)
signal = 0.4 * np.sin(2 * np.pi * steps / 60) + 0.05
stream = signal[:, None]


def running_count(events):
    return np.array([events["sign"][events["t"] <= t].sum() for t in steps])


fig, axes = plt.subplots(2, sharex=True, layout="constrained", figsize=(7, 5))
axes[0].plot(steps, signal, color="0.4")
axes[0].axhline(0, color="0.8", linewidth=0.8)
axes[0].set_ylabel("input")
axes[1].plot(steps, signal.cumsum(), color="0.4", label="sum of the input")
axes[1].step(steps, running_count(quantize_stream(stream)), where="mid", label="signed neuron: net count")
axes[1].step(steps, running_count(rectify_stream(stream)), where="mid", label="rectifying neuron: count")
axes[1].set(xlabel="Time step", ylabel="spikes")
axes[1].legend(loc="upper left", fontsize="small")
axes[1].set_ylim(-1, 17)
plt.show()
