"""The oracle of recurrent networks: the equations in plain NumPy, unit by unit and step by step.

`RecurrentReference` runs and trains a recurrent network of spiking neurons. It is slow and obvious.
Every number is float32 and every sum runs in the order that the core promises (decay, rows in index
order from below, then recurrent rows, the bias last), so that on problems whose gradients are exact
(dyadic ones that fit 24 bits) the core must agree bit for bit.

`relu_gradients` is an independent network: the rectified-linear recurrent network that the spiking
one approaches, in float64, with backpropagation through time.
"""
import numpy as np

F = np.float32
TINY = F(2.0**-100)


def spikes_due(v):
    """⌈v − 1/2⌉ without rounding v − 1/2."""
    return np.ceil(v.astype(np.float64) - 0.5).astype(F) + F(0)


def leaked(values, keep):
    kept = keep * values
    return np.where(np.abs(kept) < TINY, F(0), kept).astype(F)


def rows_added(total, weights, counts):
    """total + counts @ weights, one row after the other."""
    total = total.copy()
    for unit in np.flatnonzero(counts):
        total += counts[unit] * weights[unit]
    return total


class RecurrentReference:
    """A recurrent network of spiking neurons.

    `settings` is a dict of the estimators' parameters: neuron, leak, threshold, readout, feedback,
    loss ("squared_error" or "log_loss"), error_resolution, solver, momentum, max_grad_norm.
    """

    def __init__(self, coefs, recurrent_coefs, intercepts, settings, error_potentials=None):
        self.coefs = [w.astype(F) for w in coefs]
        self.recurrent_coefs = [w.astype(F) for w in recurrent_coefs]
        self.intercepts = None if intercepts is None else [b.astype(F) for b in intercepts]
        self.settings = settings
        self.keep = F(1 - settings["leak"])
        self.threshold = F(settings["threshold"])
        self.error_potentials = error_potentials or [np.zeros(w.shape[1], F) for w in coefs]
        self.error_potentials = [phi.copy() for phi in self.error_potentials]
        self.first = [np.zeros_like(p) for p in self.parameters]
        self.second = [np.zeros_like(p) for p in self.parameters]
        self.n_updates = 0

    @property
    def parameters(self):
        return [*self.coefs, *self.recurrent_coefs, *(self.intercepts or [])]

    @property
    def n_hidden(self):
        return len(self.recurrent_coefs)

    # --- Forward.

    def run(self, x, masks=None):
        """The tape of a sequence x of shape (T, n_features): per time step the spikes s, traces n
        and gates of each layer, and the answers.

        `masks` holds the scales of dropout of each hidden layer.
        """
        keep, theta, L = self.keep, self.threshold, len(self.coefs)
        masks = masks or [np.ones(w.shape[1], F) for w in self.recurrent_coefs]
        self.masks = [np.ones(len(self.coefs[0]), F), *masks]
        u = [np.zeros(w.shape[0], F) for w in self.coefs]
        n = [np.zeros(w.shape[0], F) for w in self.coefs]
        s = [np.zeros(w.shape[0], F) for w in self.coefs]
        o, c, total = np.zeros(self.coefs[-1].shape[1], F), F(0), F(0)
        tape = []
        for t, features in enumerate(x, start=1):
            n = [leaked(trace, keep) for trace in n]
            gates = [None]
            u[0] = (leaked(u[0], keep) + features / theta).astype(F)
            s[0] = spikes_due(u[0] - n[0])
            n[0] = n[0] + s[0]
            for l in range(1, L):
                total_input = rows_added(leaked(u[l], keep), self.coefs[l - 1], s[l - 1] * self.masks[l - 1])
                total_input = rows_added(total_input, self.recurrent_coefs[l - 1], s[l])
                u[l] = total_input + self.bias(l - 1)
                if self.settings["neuron"] == "signed":
                    s[l] = spikes_due(np.maximum(u[l], F(0)) - n[l])
                else:
                    s[l] = np.maximum(F(0), spikes_due(u[l] - n[l]))
                n[l] = n[l] + s[l]
                gates.append(u[l] >= 0)
            o = rows_added(leaked(o, keep), self.coefs[-1], s[-1] * self.masks[-1]) + self.bias(L - 1)
            c = keep * c + F(1)
            answer = o / (c / theta)
            total = total + answer
            readout = answer if self.settings["readout"] == "last" else total / F(t)
            tape.append({"s": list(s), "n": list(n), "gates": gates, "c": c, "own": answer, "answer": readout})
        return tape

    def bias(self, k):
        return F(0) if self.intercepts is None else self.intercepts[k] / self.threshold

    def answers(self, x):
        return np.array([step["answer"] for step in self.run(x)])

    def spikes(self, x):
        """Spikes of each layer that fires, (T, n_units) each."""
        tape = self.run(x)
        return [np.array([step["s"][l] for step in tape]) for l in range(len(self.coefs))]

    # --- Loss.

    def loss(self, answer, target):
        if self.settings["loss"] == "squared_error":
            error = (answer - target).astype(F)
            return 0.5 * float((error.astype(float) ** 2).sum()), error
        shifted = answer.astype(float) - answer.max()
        p = np.exp(shifted) / np.exp(shifted).sum()
        return -float((target * np.log(p)).sum()), (p - target).astype(F)

    def output_errors(self, tape, target, weight):
        """The loss, and for each time step the error of the output sum times the error resolution
        (None: nothing)."""
        g, T = float(F(self.settings["error_resolution"])), len(tape)
        errors = [None] * T
        if self.settings["feedback"] == "step":
            total = 0.0
            for t, step in enumerate(tape):
                loss, error = self.loss(step["own"], target)
                total += loss / T
                errors[t] = F(weight / T * g / float(step["c"])) * error
            return total, errors
        loss, error = self.loss(tape[-1]["answer"], target)
        if self.settings["readout"] == "last":
            errors[-1] = F(weight * g / float(tape[-1]["c"])) * error
        else:
            errors = [F(weight / T * g / float(step["c"])) * error for step in tape]
        return loss, errors

    # --- Backward.

    def fire_errors(self, l, error):
        phi = self.error_potentials[l - 1] + error
        fired = spikes_due(phi)
        self.error_potentials[l - 1] = phi - fired
        return fired

    def gradients(self, x, target, weight=1.0, masks=None):
        """Loss and gradients of a sequence, in units of spikes times error spikes, and the error
        spikes of each layer and step."""
        tape = self.run(x, masks)
        loss, output_errors = self.output_errors(tape, target, weight)
        L, T = len(self.coefs), len(tape)
        gradients = [np.zeros_like(p) for p in self.parameters]
        sizes = [w.shape[1] for w in self.coefs]
        error_spikes = [np.zeros((T, size), F) for size in sizes]
        after = [np.zeros(size, F) for size in sizes]
        for t in reversed(range(T)):
            e = [np.zeros(size, F) for size in sizes]
            if output_errors[t] is not None:
                e[-1] = self.fire_errors(L, output_errors[t])
            for l in range(L - 1, 0, -1):
                d = rows_added(np.zeros(sizes[l - 1], F), self.coefs[l].T, e[l]) * self.masks[l]
                d = rows_added(d, self.recurrent_coefs[l - 1].T, after[l - 1])
                e[l - 1] = self.fire_errors(l, np.where(tape[t]["gates"][l], d, F(0)))
            after = e
            for l in range(1, L + 1):
                error_spikes[l - 1][t] = e[l - 1]
                gradients[l - 1] += np.outer(tape[t]["n"][l - 1] * self.masks[l - 1], e[l - 1])
                if l < L and t > 0:
                    gradients[L + l - 1] += np.outer(tape[t - 1]["n"][l], e[l - 1])
                if self.intercepts is not None:
                    gradients[L + self.n_hidden + l - 1] += tape[t]["c"] * e[l - 1]
        return loss, gradients, error_spikes

    # --- Learning.

    def worths(self):
        """What an entry of each gradient is worth: of weights the threshold, of biases 1."""
        n_weights = len(self.coefs) + self.n_hidden
        return [float(self.threshold)] * n_weights + [1.0] * (len(self.parameters) - n_weights)

    def learn_batch(self, X, targets, rate, weights=None, masks=None):
        """One update by the mean gradient of a batch. Returns the losses."""
        losses, totals = [], [np.zeros_like(p) for p in self.parameters]
        for k, (x, target) in enumerate(zip(X, targets, strict=True)):
            loss, gradients, _ = self.gradients(
                x, target, 1.0 if weights is None else float(weights[k]), None if masks is None else masks[k]
            )
            losses.append(loss)
            totals = [a + b for a, b in zip(totals, gradients, strict=True)]
        scale = 1 / (float(F(self.settings["error_resolution"])) * len(X))
        if self.settings.get("max_grad_norm"):
            squares = [
                w * w * float((g.astype(float) ** 2).sum()) for w, g in zip(self.worths(), totals, strict=True)
            ]
            norm = scale * np.sqrt(sum(squares))
            limit = float(F(self.settings["max_grad_norm"]))
            scale *= min(1.0, limit / norm) if norm > 0 else 1.0
        self.n_updates += 1
        step = self.adam_step if self.settings["solver"] == "adam" else self.momentum_step
        for k, worth in enumerate(self.worths()):
            step(k, F(scale * worth) * totals[k], rate)
        return losses

    def momentum_step(self, k, gradient, rate):
        v = F(self.settings["momentum"]) * self.first[k] - F(rate) * gradient
        self.first[k] = np.where(np.abs(v) < TINY, F(0), v)
        self.parameters[k][...] += self.first[k]

    def adam_step(self, k, gradient, rate):
        m = F(0.9) * self.first[k] + F(1 - 0.9) * gradient
        v = F(0.999) * self.second[k] + F(1 - 0.999) * (gradient * gradient)
        self.first[k] = np.where(np.abs(m) < TINY, F(0), m)
        self.second[k] = np.where(v < TINY, F(0), v)
        corrected = F(rate / (1 - 0.9**self.n_updates))
        scale = F(1 / np.sqrt(1 - 0.999**self.n_updates))
        self.parameters[k][...] -= corrected * self.first[k] / (np.sqrt(self.second[k]) * scale + F(1e-8))


def relu_gradients(coefs, recurrent_coefs, intercepts, x, target, settings):
    """Answers and exact gradients of the rectified-linear recurrent network on the leaky sum of x.

    h_l[t] = max(0, W h_{l-1}[t] + R h_l[t-1] + c_t b), answer (W h[t] + c_t b) / c_t. Gradients are
    of the same loss as the spiking network's; dense, in float64, through all time steps.
    """
    W, R, b = ([np.asarray(a, float) for a in arrays] for arrays in (coefs, recurrent_coefs, intercepts))
    a, T, L = 1 - settings["leak"], len(x), len(W)
    h, u, c = [[None] * T for _ in range(L)], [[None] * T for _ in range(L)], np.zeros(T)
    own = []
    for t in range(T):
        c[t] = 1 + (a * c[t - 1] if t else 0)
        h[0][t] = x[t] + (a * h[0][t - 1] if t else 0)
        for l in range(1, L):
            u[l][t] = h[l - 1][t] @ W[l - 1] + (h[l][t - 1] @ R[l - 1] if t else 0) + c[t] * b[l - 1]
            h[l][t] = np.maximum(u[l][t], 0)
        own.append((h[L - 1][t] @ W[-1] + c[t] * b[-1]) / c[t])
    own = np.array(own)
    answers = own if settings["readout"] == "last" else np.cumsum(own, axis=0) / np.arange(1, T + 1)[:, None]

    def gradient(answer):
        if settings["loss"] == "squared_error":
            return answer - target
        p = np.exp(answer - answer.max())
        return p / p.sum() - target

    if settings["feedback"] == "step":
        d_output = [gradient(own[t]) / T / c[t] for t in range(T)]
    elif settings["readout"] == "mean":
        d_output = [gradient(answers[-1]) / T / c[t] for t in range(T)]
    else:
        d_output = [np.zeros_like(target, float)] * (T - 1) + [gradient(answers[-1]) / c[-1]]
    dW, dR, db = ([np.zeros_like(a) for a in arrays] for arrays in (W, R, b))
    after = [np.zeros(w.shape[1]) for w in W]
    for t in reversed(range(T)):
        d = [None] * L
        d[-1] = d_output[t]
        for l in range(L - 1, 0, -1):
            d[l - 1] = (u[l][t] >= 0) * (d[l] @ W[l].T + after[l - 1] @ R[l - 1].T)
        for l in range(L):
            dW[l] += np.outer(h[l][t], d[l])
            db[l] += c[t] * d[l]
            if l < L - 1 and t:
                dR[l] += np.outer(h[l + 1][t - 1], d[l])
        after = d
    return answers, [*dW, *dR, *db]
