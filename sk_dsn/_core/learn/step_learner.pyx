"""Learning a sample by a time-stepped simulation."""
from ..encoder cimport Stimulus
from ..loss cimport output_error
from ..settings cimport CLOCK_DRIVEN, EVENT_DRIVEN, Simulation
from ..signals cimport LEAST_WORK, work_done
from ..simulate.sample cimport sample_begin
from .clock_driven cimport clock_end, clock_feedback, clock_learn_step
from .depth_first cimport depth_feedback, depth_learn_step
from .error cimport input_sum_step, learning_begin, spikes_total
from .event_driven cimport breadth_feedback, breadth_learn_step, events_end
from .learner cimport Learning, keeps_gradients, output_learning
from .update cimport gradients_add, gradients_learn


cdef StepLearner step_learner_of(Simulation simulation) noexcept nogil:
    if simulation == CLOCK_DRIVEN:
        return StepLearner(clock_learn_step, clock_feedback, clock_end)
    if simulation == EVENT_DRIVEN:
        return StepLearner(breadth_learn_step, breadth_feedback, events_end)
    return StepLearner(depth_learn_step, depth_feedback, events_end)


cdef int stepped_learn(Learning *learning, const StepLearner *learner, const Stimulus *stimulus, double eta,
                       double *loss) noexcept nogil:
    """Learns a sample and adds its loss. Returns -1, or the layer that failed."""
    cdef bint step_feedback = learning.error_rule.step_feedback, gradients = keeps_gradients(learning)
    cdef int failed, t, n = learning.net.n_steps
    cdef double step_loss
    sample_begin(learning.net)
    learning_begin(learning)
    for t in range(1, n + 1):
        failed = learner.step(learning, stimulus, eta, t)
        if failed < 0:
            failed = work_done(learning.net, LEAST_WORK + learning.net.layers.n_active)
        if failed >= 0:
            return failed
        if not step_feedback:
            input_sum_step(learning, stimulus, t)
            spikes_total(learning)
        if step_feedback or t == n:
            step_loss = output_error(learning.net, learning.error_rule.loss, learning.target,
                                     output_learning(learning).error)
            failed = learner.feedback(learning, stimulus, eta, t)
            if failed >= 0:
                return failed
            if t == n:
                loss[0] += step_loss
        if gradients:
            gradients_add(learning)
    if gradients:
        gradients_learn(learning, eta)
    else:
        learner.end(learning, eta)
    return -1
