"""The optimizer: what the gradient of a batch does to the weights, by Adam or by gradient descent
with momentum.

It is the only place that changes weights, and changes both copies.
"""
from libc.math cimport isfinite, sqrt

from ..kernels.kernels cimport ROW_PADDING, AdamRates, Kernels
from .learner cimport LayerParameters, Parameter
from .recurrent_network cimport biases_scale

cdef double BETA_1 = 0.9
cdef double BETA_2 = 0.999
cdef float EPSILON = 1e-8


cdef void parameter_transpose(const Kernels *kernels, Parameter *p) noexcept nogil:
    if p.transposed != NULL:
        kernels.transpose(p.transposed, p.transposed_stride, p.weights, p.stride, p.n_rows, p.n_columns)


cdef void parameters_transpose(RecurrentLearning *learning) noexcept nogil:
    """Makes the transposed copies anew."""
    cdef int l
    for l in range(1, learning.net.n_layers):
        parameter_transpose(learning.net.kernels, &learning.layers[l].weights)
        parameter_transpose(learning.net.kernels, &learning.layers[l].recurrent)


cdef void gradient_join(const Kernels *kernels, Parameter *p) noexcept nogil:
    """Adds the two layouts of a gradient."""
    if p.is_transposed:
        kernels.transpose_move(p.gradient, p.stride, p.gradient_transposed, p.transposed_stride, p.n_columns, p.n_rows)
        p.is_transposed = False


cdef double gradient_square(const Kernels *kernels, const Parameter *p) noexcept nogil:
    """The squared norm, in units of the loss."""
    if p.gradient == NULL:
        return 0.0
    return <double> p.worth * p.worth * kernels.squares_sum(p.gradient, p.n_rows * p.stride)


cdef void parameter_step(const RecurrentLearning *learning, Parameter *p, double scale, double rate,
                         const AdamRates *rates) noexcept nogil:
    """A step of the optimizer, by as many rows as make up a cache line of the transposed copy."""
    cdef const Kernels *kernels = learning.net.kernels
    cdef float factor = <float> (scale * p.worth)
    cdef Py_ssize_t row = 0, n, first
    if p.gradient == NULL:
        return
    while row < p.n_rows:
        n = min(p.n_rows - row, <Py_ssize_t> ROW_PADDING)
        first = row * p.stride
        if learning.optimizer_rule.adam:
            kernels.adam_step(p.weights + first, p.first + first, p.second + first, p.gradient + first, n * p.stride,
                              factor, rates)
        else:
            kernels.momentum_step(p.weights + first, p.first + first, p.gradient + first, n * p.stride, factor,
                                  <float> rate, learning.optimizer_rule.momentum)
        if p.transposed != NULL:
            kernels.transpose(p.transposed + row, p.transposed_stride, p.weights + first, p.stride, n, p.n_columns)
        row += n


cdef AdamRates adam_rates(double n_updates, double rate) noexcept nogil:
    return AdamRates(
        <float> BETA_1, <float> (1.0 - BETA_1), <float> BETA_2, <float> (1.0 - BETA_2),
        <float> (rate / (1.0 - BETA_1**n_updates)), <float> (1.0 / sqrt(1.0 - BETA_2**n_updates)), EPSILON)


cdef bint batch_apply(RecurrentLearning *learning, Py_ssize_t n_samples, double rate) noexcept nogil:
    """One update with the mean gradient of so many samples. Returns whether the gradient's norm,
    where it is limited, is finite."""
    cdef const Kernels *kernels = learning.net.kernels
    cdef LayerParameters *learned
    cdef double scale = 1.0 / (<double> learning.error_rule.error_resolution * n_samples), norm = 0.0
    cdef double limit = learning.optimizer_rule.max_grad_norm
    cdef AdamRates rates
    cdef int l
    for l in range(1, learning.net.n_layers):
        learned = &learning.layers[l]
        gradient_join(kernels, &learned.weights)
        gradient_join(kernels, &learned.recurrent)
        if limit > 0.0:
            norm += (gradient_square(kernels, &learned.weights) + gradient_square(kernels, &learned.recurrent)
                     + gradient_square(kernels, &learned.intercepts))
    if limit > 0.0:
        norm = scale * sqrt(norm)
        if not isfinite(norm):
            return False
        if norm > limit:
            scale *= limit / norm
    learning.n_updates += 1
    rates = adam_rates(learning.n_updates, rate)
    for l in range(1, learning.net.n_layers):
        learned = &learning.layers[l]
        parameter_step(learning, &learned.weights, scale, rate, &rates)
        parameter_step(learning, &learned.recurrent, scale, rate, &rates)
        parameter_step(learning, &learned.intercepts, scale, rate, &rates)
    biases_scale(learning.net)
    return True


cdef bint parameter_is_finite(const Parameter *p) noexcept nogil:
    cdef Py_ssize_t k
    cdef float total = 0.0
    if p.gradient == NULL:
        return True
    for k in range(p.n_rows * p.stride):
        total += 0.0 * p.weights[k]     # NaN, of a weight that is not finite
    return total == 0.0


cdef bint weights_are_finite(const RecurrentLearning *learning) noexcept nogil:
    cdef const LayerParameters *learned
    cdef int l
    for l in range(1, learning.net.n_layers):
        learned = &learning.layers[l]
        if not (parameter_is_finite(&learned.weights) and parameter_is_finite(&learned.recurrent)
                and parameter_is_finite(&learned.intercepts)):
            return False
    return True
