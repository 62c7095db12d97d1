"""Learning by counting: the state after the last time step, its error, and error spikes down
once."""
from libc.string cimport memcpy, memset

from ..encoder cimport Stimulus, stimulus_sum
from ..loss cimport output_error
from ..network cimport Layer, Net, output_layer, spikes_place
from ..signals cimport LEAST_WORK, work_done
from ..simulate.counting cimport counting_run
from .error cimport error_integrate, target_fire
from .feedback cimport errors_fire, errors_send
from .learner cimport Learning, output_learning


cdef int counting_learn(Learning *learning, const Stimulus *stimulus, double eta, double *loss) noexcept nogil:
    """Learns a sample and adds its loss. Returns -1, or the layer that failed."""
    cdef Net *net = learning.net
    cdef Layer *output = output_layer(net)
    cdef int failed = -1, t, l, n = net.n_steps
    net.last_bias_trace = n
    for l in range(net.n_layers):
        learning.layers[l].n_error_spikes = learning.layers[l].n_passed = 0
    for t in range(1 if stimulus.step else n, n + 1):
        failed = counting_run(net, stimulus, 1, t)
        if failed < 0:
            failed = work_done(net, LEAST_WORK)
        if failed >= 0:
            return failed
    if learning.update_rule.smooth_gradient and stimulus.step == 0:
        stimulus_sum(stimulus, n, net.layers.input_sum)
    loss[0] += output_error(net, learning.error_rule.loss, learning.target, output_learning(learning).error)
    if learning.error_rule.rectifying_output:
        if net.kernels.sums_count(output.input_sum, output.n_units, 1.0, output.rule, NULL, output.net_count,
                                  spikes_place(output, 0)):
            return net.n_layers - 1
        memset(learning.target_potential, 0, output.width * sizeof(float))
        memcpy(learning.output_spikes, output.net_count, output.n_units * sizeof(float))
        target_fire(learning)
    else:
        error_integrate(learning, n)
        failed = errors_fire(learning)
        if failed >= 0:
            return failed
    return errors_send(learning, eta)
