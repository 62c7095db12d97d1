"""
The spikes of one sample
========================

A static digit of 64 pixels goes through two hidden layers. Each mark is a spike. Signed neurons take spikes back while
evidence changes (red). Beneath, the probability of each digit after each time step.
"""
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sk_dsn import SpikingMLPClassifier
from sk_dsn.plotting import SpikeRasterDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
clf = SpikingMLPClassifier((40, 20), n_time_steps=20, random_state=0).fit(X_train, y_train)

display = SpikeRasterDisplay.from_estimator(clf, X_test, sample=1, answers=True)
print(display)
plt.show()

# %%
# The label of this sample, and the label that the network gives it:
print(y_test[1], clf.predict(X_test[1:2])[0])
