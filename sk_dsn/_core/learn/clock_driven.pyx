"""Learning by the clock-driven simulation: the error spikes of a time step go down together."""
from ..encoder cimport Stimulus
from ..simulate.clock_driven cimport clock_step
from ..simulate.sample cimport input_sum_refresh
from .error cimport error_integrate, input_sum_step, target_fire
from .feedback cimport errors_fire, errors_send
from .learner cimport Learning
from .update cimport totals_learn


cdef int clock_learn_step(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    return clock_step(learning.net, stimulus, t)


cdef int clock_feedback(Learning *learning, const Stimulus *stimulus, double eta, int t) noexcept nogil:
    cdef bint step_feedback = learning.error_rule.step_feedback
    cdef int l, failed
    if step_feedback:
        input_sum_step(learning, stimulus, t)
    for l in range(1, learning.net.n_layers - 1):
        input_sum_refresh(&learning.net.layers[l])
    if learning.error_rule.rectifying_output:
        target_fire(learning)
    else:
        error_integrate(learning, 1.0 if step_feedback else learning.net.n_steps)
        failed = errors_fire(learning)
        if failed >= 0:
            return failed
    return errors_send(learning, eta)


cdef void clock_end(Learning *learning, double eta) noexcept nogil:
    """With feedback once a sample, and with fractional updates, errors_send has learned already."""
    if learning.error_rule.step_feedback and not learning.update_rule.fractional:
        totals_learn(learning, eta)
