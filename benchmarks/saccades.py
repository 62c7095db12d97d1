"""Recordings made of images: a simulated event camera looks at an image that moves in three saccades.

After Orchard et al. (2015), who showed MNIST to a camera that moved along a triangle, 100 ms a side.
The pixels here are those of the usual model: each keeps the logarithm of a brightness and sends an
event, ON or OFF, whenever the brightness it sees is a threshold above or below that.
"""
from itertools import pairwise

import numpy as np

SENSOR = (34, 34)
SIDE = 100_000  # µs of a saccade
FRAMES = 8  # of a saccade; brightness is linear between them
CORNERS = ((0.0, 0.0), (2.5, 5.0), (5.0, 0.0), (0.0, 0.0))  # (row, column) of the image's corner, in pixels
DARK = 0.15  # brightness that is there in the dark, with images from 0 to 1
THRESHOLD, MISMATCH = 0.38, 0.05  # of a pixel, and its standard deviation over pixels
NOISE = 0.5  # events a pixel and second
EVENT = np.dtype([("t", np.uint32), ("x", np.uint8), ("y", np.uint8), ("p", np.bool_)])


def simulate(images, seeds):
    """Recordings of images.

    Parameters
    ----------
    images : ndarray of shape (n_images, 28, 28)
        Brightness from 0 to 1.
    seeds : iterable of int
        Of each image: its pixels' thresholds and noise.

    Returns
    -------
    events : structured ndarray of shape (n_events,)
        Of all recordings, one after the other, each in the order of time in µs.
    offsets : ndarray of int64, shape (n_images + 1,)
        Recording k is events[offsets[k] : offsets[k + 1]].
    """
    n, (width, height) = len(images), SENSOR
    rngs = [np.random.default_rng(seed) for seed in seeds]
    thresholds = THRESHOLD + MISMATCH * np.stack([rng.standard_normal((height, width)) for rng in rngs])
    thresholds = np.maximum(thresholds, THRESHOLD / 4).astype(np.float32)
    parts = []
    places = path()
    brightness = seen(images, places[0])
    kept = brightness.copy()
    for frame, place in enumerate(places[1:]):
        before, brightness = brightness, seen(images, place)
        counts = np.trunc((brightness - kept) / thresholds).astype(np.int64)
        which = np.nonzero(counts)
        counts, step = counts[which], thresholds[which]
        sign = np.sign(counts)
        spikes = np.abs(counts)
        nth = np.arange(spikes.sum()) - np.repeat(np.cumsum(spikes) - spikes, spikes) + 1
        levels = np.repeat(kept[which], spikes) + nth * np.repeat(sign * step, spikes)
        start = np.repeat(before[which], spikes)
        change = np.repeat(brightness[which], spikes) - start
        share = np.divide(levels - start, change, out=np.zeros_like(change), where=change != 0)
        t = (frame + np.clip(share, 0, 1)) * (SIDE / FRAMES)
        parts.append((*(np.repeat(index, spikes) for index in which), t, np.repeat(sign > 0, spikes)))
        kept[which] += counts * step
    parts += [noise(k, rng) for k, rng in enumerate(rngs)]
    recording, y, x, t, p = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((t, recording))
    events = np.empty(len(t), EVENT)
    for name, values in {"t": t, "x": x, "y": y, "p": p}.items():
        events[name] = values[order]
    return events, np.searchsorted(recording[order], np.arange(n + 1))


def path():
    """Where the image's corner is at each frame."""
    shares = np.arange(1, FRAMES + 1) / FRAMES
    sides = [a + np.outer(shares, np.subtract(b, a)) for a, b in pairwise(map(np.array, CORNERS))]
    return np.concatenate([[CORNERS[0]], *sides])


def seen(images, place):
    """Logarithm of the brightness at each pixel, shape (n_images, height, width), between pixels by
    proportion."""
    n, rows, columns = images.shape
    (row, column), (row_share, column_share) = np.divmod(place, 1)
    frame = np.zeros((n, SENSOR[1] + 1, SENSOR[0] + 1), np.float32)
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (row_share if down else 1 - row_share) * (column_share if across else 1 - column_share)
        top, left = int(row) + down, int(column) + across
        frame[:, top : top + rows, left : left + columns] += np.float32(share) * images
    return np.log(frame[:, :-1, :-1] + np.float32(DARK))


def noise(recording, rng):
    width, height = SENSOR
    duration = SIDE * (len(CORNERS) - 1)
    n = rng.poisson(NOISE * width * height * duration / 1e6)
    y, x, t, p = (rng.integers(0, end, n) for end in (height, width, duration, 2))
    return np.full(n, recording), y, x, t.astype(np.float64), p > 0


def write_chunks(folder, images, labels, *, size=1000, batch=100, seed=0):
    """Write recordings of images to files of `size` recordings each.

    Returns
    -------
    files : list of Path
    """
    files = []
    for first in range(0, len(images), size):
        chosen = range(first, min(first + size, len(images)))
        made = [
            simulate(images[part], [(seed, k) for k in part])
            for part in (chosen[k : k + batch] for k in range(0, len(chosen), batch))
        ]
        counts = np.concatenate([np.diff(offsets) for _, offsets in made])
        files.append(folder / f"{first:06d}.npz")
        np.savez(
            files[-1], events=np.concatenate([events for events, _ in made]), labels=labels[chosen],
            offsets=np.concatenate([[0], np.cumsum(counts)]),
        )
    return files


def read_chunk(file):
    """The recordings of a chunk, and their labels."""
    with np.load(file) as arrays:
        events, offsets, labels = (arrays[name] for name in ("events", "offsets", "labels"))
    return [events[first:end] for first, end in pairwise(offsets)], labels
