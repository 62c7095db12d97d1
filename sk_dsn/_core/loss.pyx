"""The loss, and the error that is its gradient: of the accumulated output over the bias trace, against the target."""
from .network cimport Layer, Net, output_layer
from .settings cimport LOG_LOSS, SQUARED_ERROR, Loss


cdef double output_error(const Net *net, Loss loss, const float *target, float *error) noexcept nogil:
    """Fills `error` and returns the loss, with o the output sum and t the bias trace, without leak the time steps so far:

    - squared error: 1/2 |o/t - y|^2, e = o/t - y
    - log loss: -log softmax(o/t)_y, e = softmax(o/t) - onehot(y)
    - binary log loss, of each output on its own: e = sigmoid(o/t) - y
    """
    cdef const Layer *output = output_layer(net)
    cdef float t = net.bias_trace
    cdef double total = 0.0
    cdef Py_ssize_t j
    if loss == SQUARED_ERROR:
        for j in range(output.n_units):
            error[j] = output.input_sum[j] / t - target[j]
            total += 0.5 * error[j] * error[j]
        return total
    if loss == LOG_LOSS:
        total = net.kernels.softmax(output.input_sum, output.n_units, t, error)
    else:
        total = net.kernels.logistic(output.input_sum, output.n_units, t, error)
    for j in range(output.n_units):
        error[j] -= target[j]
        total -= target[j] * (output.input_sum[j] / <double> t)
    return total
