"""
A recording of an event sensor
==============================

A dot crosses a sensor of 8 x 2 pixels in 80 ms, to the left or to the right, among noise. The number of events of each pixel
says nothing of the direction. The picture shows the spikes of one recording in all layers, and the answer over time.
"""
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sk_dsn import SpikingMLPClassifier
from sk_dsn.events import EventFrames
from sk_dsn.plotting import SpikeRasterDisplay

EVENT = np.dtype([("t", "<u4"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")])
rng = np.random.default_rng(0)
labels = np.array(["left", "right"] * 30)
recordings = []
for label in labels:
    events = np.zeros(100, EVENT)
    events["t"] = np.sort(rng.integers(0, 80_000, 100))  # µs
    place = events["t"] // 10_000
    noise = rng.random(100) < 0.1
    events["x"] = np.where(noise, rng.integers(0, 8, 100), place if label == "right" else 7 - place)
    events["y"], events["p"] = rng.integers(0, 2, (2, 100))
    recordings.append(events)

network = SpikingMLPClassifier((20,), leak=0.1, max_iter=20, random_state=0)
pipeline = make_pipeline(EventFrames(sensor_size=(8, 2), time_step=2_000), network)
pipeline.fit(recordings[:40], labels[:40])
print(pipeline.score(recordings[40:], labels[40:]))

display = SpikeRasterDisplay.from_estimator(pipeline, recordings[40:], sample=1, answers=True)
print(display)
plt.show()
