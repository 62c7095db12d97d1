"""
Training: loss, validation, and the epoch that is kept
======================================================

With ``early_stopping=True`` a tenth of the training samples is held out. Training ends when their score no longer
improves, and the weights that scored best are kept: the mark shows their epoch.
"""
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sk_dsn import SpikingMLPClassifier
from sk_dsn.plotting import TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
falling = SpikingMLPClassifier((50, 50), max_iter=40, random_state=0).fit(X / 16, y)
TrainingCurveDisplay.from_estimator(falling, ax=axes[0])
axes[0].set_title("rate falls to zero", loc="left", fontsize="medium", pad=16)
stopped = SpikingMLPClassifier((50, 50), max_iter=40, early_stopping=True, n_iter_no_change=8, random_state=0).fit(X / 16, y)
TrainingCurveDisplay.from_estimator(stopped, ax=axes[1])
axes[1].set_title("early_stopping=True", loc="left", fontsize="medium", pad=16)
plt.show()
