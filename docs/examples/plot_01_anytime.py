"""
An answer at every time step
============================

A spiking network can be asked after any time step. Early answers rest on few spikes. Here the accuracy on held-out digits
is drawn against the time step, and against the synaptic operations (additions of a weight) that a sample has taken by then.
The dotted line marks the multiply-adds of a conventional network with the same layers.
"""
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier
from sk_dsn.plotting import AnytimeDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
clf = SpikingMLPClassifier(n_time_steps=32, random_state=0).fit(X_train, y_train)

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
AnytimeDisplay.from_estimator(clf, X_test, y_test, ax=axes[0])
AnytimeDisplay.from_estimator(clf, X_test, y_test, against="synaptic_operations", ax=axes[1])
plt.show()

# %%
# After four time steps the network is as good as after 32. After two, with fewer additions than the conventional network has
# multiply-adds, it is nearly so. :doc:`/anytime` shows how to end a sample as soon as its answer is clear.
