"""
Leak: when something came
=========================

Each sample is a pulse on one of three features, early or late in twelve time steps. The label is *when* it came. A network
of signed neurons without leak sees only the sum of a stream, and guesses. With leak, recent input weighs more.
"""
import matplotlib.pyplot as plt
import numpy as np

from sk_dsn import SpikingMLPClassifier

rng = np.random.default_rng(0)
y = rng.integers(0, 2, 400)
X = np.zeros((400, 12, 3))
X[np.arange(400), rng.integers(0, 6, 400) + 6 * y, rng.integers(0, 3, 400)] = 4
X += 0.1 * rng.normal(size=X.shape)

leaks = [0, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
scores = []
for leak in leaks:
    clf = SpikingMLPClassifier((20,), leak=leak, max_iter=30, random_state=0).fit(X[:300], y[:300])
    scores.append(clf.score(X[300:], y[300:]))

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(range(len(leaks)), scores, marker="o")
ax.set_xticks(range(len(leaks)), leaks)
ax.axhline(0.5, color="0.7", linestyle="--")
ax.set(xlabel="leak", ylabel="test accuracy")
plt.show()

# %%
# At a leak of 1 the network sees the last time step alone.
