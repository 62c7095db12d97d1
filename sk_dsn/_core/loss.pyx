"""The loss, and the error that is its gradient: of the accumulated output over the bias trace,
against the target."""
from .network cimport Layer, output_layer
from .settings cimport LOG_LOSS, SQUARED_ERROR


cdef double output_error(const Net *net, Loss loss, const float *target, float *error) noexcept nogil:
    """Fills `error` and returns the loss. The divisor is the bias trace, without leak the time
    steps so far."""
    cdef const Layer *output = output_layer(net)
    return loss_gradient(net.kernels, loss, output.input_sum, output.n_units, net.bias_trace, target, error)


cdef double loss_gradient(const Kernels *kernels, Loss loss, const float *sum, Py_ssize_t n, float divisor,
                          const float *target, float *error) noexcept nogil:
    """Fills `error` and returns the loss of the answer o/t, with o the output sums and t the
    divisor:

    - squared error: 1/2 |o/t - y|^2, e = o/t - y
    - log loss: -log softmax(o/t)_y, e = softmax(o/t) - onehot(y)
    - binary log loss, of each output on its own: e = sigmoid(o/t) - y
    """
    cdef double total = 0.0
    cdef Py_ssize_t j
    if loss == SQUARED_ERROR:
        for j in range(n):
            error[j] = sum[j] / divisor - target[j]
            total += 0.5 * error[j] * error[j]
        return total
    if loss == LOG_LOSS:
        total = kernels.softmax(sum, n, divisor, error)
    else:
        total = kernels.logistic(sum, n, divisor, error)
    for j in range(n):
        error[j] -= target[j]
        total -= target[j] * (sum[j] / <double> divisor)
    return total
