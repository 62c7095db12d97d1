"""
Weights of few bits
===================

`quantize` puts the weights of a fitted network on a grid of powers of two, so that integers repeat its arithmetic exactly.
`sk_dsn.export.to_c` writes such a network as C.
"""
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier
from sk_dsn.export import to_c

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
clf = SpikingMLPClassifier((50,), n_time_steps=32, random_state=0).fit(X_train, y_train)

bits = [2, 3, 4, 5, 6, 8]
scores = [clf.quantize(bits=b, input_range=(0, 1)).score(X_test, y_test) for b in bits]
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(bits, scores, marker="o", label="quantised")
ax.axhline(clf.score(X_test, y_test), color="0.6", linestyle="--", label="float32")
ax.set(xlabel="bits of a weight", ylabel="test accuracy")
ax.legend()
plt.show()

# %%
# The C of the network with 8 bits:
network = to_c(clf.quantize(bits=8, input_range=(0, 1)), name="digits")
print(*sorted(network.files))
print(network.proof)
