"""
From a conventional network to a spiking one
============================================

`from_mlp` takes over the weights of a trained `MLPClassifier`. The more time steps, the closer the spiking network comes to
it. With ``X``, layers are rescaled to their activations: fewer spikes a time step, so that more time steps are needed.
"""
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, synaptic_operations

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
mlp = MLPClassifier((50, 50), early_stopping=True, max_iter=100, random_state=0).fit(X_train, y_train)

steps = np.arange(1, 33)
fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, samples in {"weights as they are": None, "layers rescaled": X_train}.items():
    spiking = SpikingMLPClassifier.from_mlp(mlp, samples, n_time_steps=32)
    accuracy = [(labels == y_test).mean() for labels in spiking.staged_predict(X_test)]
    operations = synaptic_operations(spiking, X_test).mean(axis=0) / dense_operations(spiking)
    axes[0].plot(steps, accuracy, label=name)
    axes[1].plot(steps, operations, label=name)
axes[0].axhline(mlp.score(X_test, y_test), color="0.6", linestyle="--", label="MLPClassifier")
axes[0].set(xlabel="Time steps", ylabel="test accuracy")
axes[0].legend()
axes[1].axhline(1, color="0.6", linestyle="--")
axes[1].set(xlabel="Time steps", ylabel="additions / multiply-adds")
plt.show()
