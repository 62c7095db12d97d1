"""
Leak or recurrence
==================

The label is the *first* of two symbols that a sequence of noise holds, so the network must keep it and ignore the second. A
leaky network weighs recent input more, and a recurrent one makes a state of its own.
"""
import matplotlib.pyplot as plt
import numpy as np

from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingRNNClassifier

rng = np.random.default_rng(0)
n = 600
first, second = rng.integers(0, 3, (2, n))
X = 0.2 * rng.normal(size=(n, 20, 3))
X[np.arange(n), rng.integers(0, 8, n), first] += 3
X[np.arange(n), rng.integers(11, 19, n), second] += 3
train, test = slice(0, 400), slice(400, None)

rule = SpikingBackprop(feedback="step")
networks = {
    "leak 0": SpikingMLPClassifier((50,), max_iter=30, random_state=0),
    "leak 0.1": SpikingMLPClassifier((50,), leak=0.1, learning_rule=rule, max_iter=30, random_state=0),
    "recurrent": SpikingRNNClassifier((50,), max_iter=30, random_state=0),
}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, network in networks.items():
    network.fit(X[train], first[train])
    accuracy = [(labels == first[test]).mean() for labels in network.staged_predict(X[test])]
    ax.plot(np.arange(1, 21), accuracy, label=name)
ax.axhline(1 / 3, color="0.7", linestyle="--")
ax.set(xlabel="Time step", ylabel="test accuracy of the answer so far", ylim=(0.2, 1.02))
ax.set_xticks([1, 5, 10, 15, 20])
ax.legend()
plt.show()

# %%
# Before the second symbol comes, all three know the first. The leaky network forgets it when the second
# comes; without leak both count alike; the recurrent one keeps it.
