"""
Ending a sample when its answer is clear
========================================

With `exit_margin` a sample ends as soon as its largest output is that far above the second, and so does the work. The margin
is read when a method is called, so one fitted network serves every trade of accuracy for additions.
"""
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier
from sk_dsn.metrics import dense_operations, exit_steps, synaptic_operations

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
clf = SpikingMLPClassifier(n_time_steps=32, simulation="clock-driven", max_iter=20, random_state=0).fit(X_train, y_train)

margins = [1, 2, 3, 4, 6, 8, None]
accuracy, operations = [], []
for margin in margins:
    clf.set_params(exit_margin=margin)
    accuracy.append(clf.score(X_test, y_test))
    operations.append(synaptic_operations(clf, X_test)[:, -1].mean() / 1000)

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(operations, accuracy, marker="o")
for margin, x, score in zip(margins, operations, accuracy, strict=True):
    ax.annotate(str(margin), (x, score), xytext=(4, -11), textcoords="offset points", fontsize="small")
ax.axvline(dense_operations(clf) / 1000, color="0.6", linestyle="--", label="multiply-adds without spikes")
ax.set(xscale="log", xlabel="thousands of additions a sample", ylabel="test accuracy")
ax.set_xticks([3, 5, 10, 20, 50, 100], [3, 5, 10, 20, 50, 100])
ax.minorticks_off()
ax.legend(loc="lower right")
plt.show()

# %%
# How long samples take with a margin of 4:
steps = exit_steps(clf.set_params(exit_margin=4), X_test)
print(f"mean {steps.mean():.1f} of 32 time steps, longest {steps.max()}")
