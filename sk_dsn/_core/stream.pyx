"""Live streams: how events become time steps, and how a gap is crossed."""
import numpy as np

from libc.math cimport isfinite, rintf
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from .kernels.arena cimport Arena, arena_begin, arena_end, arena_free, arena_take
from .kernels.kernels cimport lowest_bit
from .network cimport padded
from .signals cimport INTERRUPTED, interruption_raise

# Steps of a gap before its state is looked at.
cdef int64_t SHORT_GAP = 16
# The longest period whose answers are kept, to add them up.
cdef int64_t MOST_ANSWERS = 4096


cdef Values values_take(Arena *arena, Py_ssize_t n) noexcept nogil:
    cdef int32_t *unit = <int32_t *> arena_take(arena, padded(n) * sizeof(int32_t))
    cdef float *value = <float *> arena_take(arena, padded(n) * sizeof(float))
    return Values(0, unit, value)


cdef void values_copy(Values *to, const Values *values) noexcept nogil:
    to.n = values.n
    memcpy(to.unit, values.unit, values.n * sizeof(int32_t))
    memcpy(to.value, values.value, values.n * sizeof(float))


cdef inline void event_add(OpenStep *step, int32_t feature, float value) noexcept nogil:
    cdef Py_ssize_t word = feature // 64
    step.bits[word] |= <uint64_t> 1 << (feature % 64)
    step.words[word // 64] |= <uint64_t> 1 << (word % 64)
    step.value[feature] += value


cdef void open_step_list(OpenStep *step, Values *values, bint empties) noexcept nogil:
    """Lists the features that have events, ascending, with their sums; `empties` forgets them."""
    cdef Py_ssize_t k, word, feature
    cdef uint64_t words, bits
    values.n = 0
    for k in range(step.n_words):
        words = step.words[k]
        while words != 0:
            word = 64 * k + lowest_bit(words)
            words &= words - 1
            bits = step.bits[word]
            while bits != 0:
                feature = 64 * word + lowest_bit(bits)
                bits &= bits - 1
                values_append(values, feature, step.value[feature])
                if empties:
                    step.value[feature] = 0.0
            if empties:
                step.bits[word] = 0
        if empties:
            step.words[k] = 0


cdef void values_round(Values *values, const InputGrid *grid) noexcept nogil:
    cdef float per_step = <float> 1.0 / grid.step
    cdef Py_ssize_t k
    for k in range(values.n):
        values.value[k] = min(max(rintf(values.value[k] * per_step) * grid.step, grid.lowest), grid.highest)


cdef class Stream:
    """The state of one sample between calls. A subclass runs the network."""

    def __dealloc__(self):
        arena_free(&self.arena)

    cdef int prepare(self, Py_ssize_t n_features, Py_ssize_t n_outputs, bint mean) except -1:
        """Makes room. The constructor of a subclass calls it once it knows its network."""
        self.n_features, self.n_outputs, self.mean = n_features, n_outputs, mean
        self.shared_layout()
        self.layout()
        if arena_begin(&self.arena):
            raise MemoryError
        self.shared_layout()
        self.layout()
        arena_end(&self.arena)
        self.begin()
        return 0

    cdef void shared_layout(self) noexcept nogil:
        cdef Arena *arena = &self.arena
        cdef OpenStep *step = &self.open_step
        cdef Py_ssize_t n_words = (self.n_features + 63) // 64
        step.n_words = (n_words + 63) // 64
        step.value = <float *> arena_take(arena, self.n_features * sizeof(float))
        step.bits = <uint64_t *> arena_take(arena, n_words * sizeof(uint64_t))
        step.words = <uint64_t *> arena_take(arena, step.n_words * sizeof(uint64_t))
        self.input = values_take(arena, self.n_features)
        self.open_before = values_take(arena, self.n_features)
        self.answer_sum = <float *> arena_take(arena, self.n_outputs * sizeof(float))
        self.answer_sum_before = <float *> arena_take(arena, self.n_outputs * sizeof(float))

    def round_input(self, float step, float lowest, float highest):
        """From now on, round the input of time steps to multiples of `step`, a power of two, and cut
        it off at both ends, 0 among them."""
        self.grid = InputGrid(True, step, lowest, highest)

    # Calls.

    cdef int occupy(self) except -1:
        if self.busy:
            raise RuntimeError("The stream is in use, by another thread or around a signal handler; give each its own copy.")
        self.busy = True
        return 0

    cdef int call_begin(self) except -1:
        """Before a call that changes the stream."""
        self.occupy()
        open_step_list(&self.open_step, &self.open_before, False)
        self.n_steps_before, self.operations_before = self.n_steps, self.operations
        memcpy(self.answer_sum_before, self.answer_sum, self.n_outputs * sizeof(float))
        self.remember()
        return 0

    cdef int call_end(self, int failed) except -2:
        """The result of a call. Where it has failed, all is as it was before."""
        cdef Py_ssize_t k
        if failed >= 0:
            open_step_list(&self.open_step, &self.input, True)
            for k in range(self.open_before.n):
                event_add(&self.open_step, self.open_before.unit[k], self.open_before.value[k])
            self.n_steps, self.operations = self.n_steps_before, self.operations_before
            memcpy(self.answer_sum, self.answer_sum_before, self.n_outputs * sizeof(float))
            self.roll_back()
        self.busy = False
        if failed == INTERRUPTED:
            interruption_raise()
        return failed

    def feed(self, const int64_t[::1] steps, const int32_t[::1] features, const float[::1] values, int64_t n_steps=0):
        """Take events. The steps before that of the last event are then complete, and n_steps of them
        at least.

        Parameters
        ----------
        steps : ndarray of int64, shape (n_events,)
            The time step of each event, from 0, ascending, none of them complete.
        features : ndarray of int32, shape (n_events,)
        values : ndarray of float32, shape (n_events,)
            Finite. Those of a step and a feature add up.

        Returns
        -------
        failed : int
            -1, or the layer that left the range in which spikes can be counted; the stream is then
            as it was. 0 is the input.
        """
        cdef Py_ssize_t k, n = steps.shape[0]
        cdef int64_t before = self.n_steps
        cdef bint invalid = features.shape[0] != n or values.shape[0] != n
        cdef int failed
        for k in range(0 if invalid else n):
            invalid |= not 0 <= features[k] < self.n_features or steps[k] < before
            before = steps[k]
        if invalid:
            raise ValueError("steps, features and values do not fit each other, the stream's features, or its time")
        if n == 0 and n_steps <= self.n_steps:
            return -1
        self.call_begin()
        with nogil:
            failed = self.events_take(n, &steps[0], &features[0], &values[0]) if n > 0 else -1
            if failed < 0 and n_steps > self.n_steps:
                failed = self.steps_complete(n_steps)
        return self.call_end(failed)

    def feed_frames(self, const float[:, ::1] frames):
        """Take the input of whole time steps. No step may be open.

        Parameters
        ----------
        frames : ndarray of float32, shape (n_steps, n_features)
            Raises ValueError where a value is not finite.

        Returns
        -------
        failed : int
            As of `feed`.
        """
        cdef Py_ssize_t k, i
        cdef int failed
        if frames.shape[1] != self.n_features:
            raise ValueError(f"frames have {frames.shape[1]} features, the network {self.n_features}")
        for k in range(frames.shape[0]):
            for i in range(self.n_features):
                if not isfinite(frames[k, i]):
                    raise ValueError(f"Frame {k} holds {frames[k, i]} in feature {i}; frames must be finite.")
        if frames.shape[0] == 0:
            return -1
        self.call_begin()
        with nogil:
            failed = self.frames_take(frames.shape[0], &frames[0, 0])
        return self.call_end(failed)

    def advance(self, int64_t n_steps):
        """Complete steps until there are n_steps.

        Returns
        -------
        failed : int
            As of `feed`.
        """
        cdef int failed
        if n_steps <= self.n_steps:
            return -1
        self.call_begin()
        with nogil:
            failed = self.steps_complete(n_steps)
        return self.call_end(failed)

    def answers(self):
        """The answer of the last complete step, shape (1, n_outputs), or the layer that left the
        range in which spikes can be counted."""
        answer = np.empty((1, self.n_outputs), dtype=np.float32)
        cdef float[:, ::1] out = answer
        cdef int failed
        if self.n_steps < 1:
            raise ValueError("there is no answer before the first complete step")
        self.occupy()
        with nogil:
            failed = self.answer(&out[0, 0])
        self.busy = False
        if failed == INTERRUPTED:
            interruption_raise()
        return answer if failed < 0 else failed

    def reset(self):
        """Forget the sample."""
        self.occupy()
        self.steps_forget()
        self.begin()
        self.busy = False

    cdef void steps_forget(self) noexcept nogil:
        open_step_list(&self.open_step, &self.input, True)
        self.n_steps = self.operations = 0
        memset(self.answer_sum, 0, self.n_outputs * sizeof(float))

    @property
    def n_complete(self):
        """Complete time steps."""
        return self.n_steps

    @property
    def n_operations(self):
        """Additions so far."""
        return self.operations

    @property
    def has_open_events(self):
        """Whether the open step has events."""
        return any(self.open_step.words[k] != 0 for k in range(self.open_step.n_words))

    # State, to copy and pickle. It goes with the network that the stream was made of.

    def shared_state(self):
        """What all streams have in their state, as plain values."""
        open_step_list(&self.open_step, &self.open_before, False)
        values = [(self.open_before.unit[k], self.open_before.value[k]) for k in range(self.open_before.n)]
        return self.n_steps, self.operations, values, [self.answer_sum[j] for j in range(self.n_outputs)]

    def shared_restore(self, state):
        n_steps, operations, values, answer_sum = state
        self.steps_forget()
        for feature, value in values:
            if not 0 <= feature < self.n_features:
                raise ValueError("the state is of a stream with other features")
            event_add(&self.open_step, feature, value)
        self.n_steps, self.operations = n_steps, operations
        for j, value in zip(range(self.n_outputs), answer_sum, strict=True):
            self.answer_sum[j] = value

    # Time steps.

    cdef int events_take(self, Py_ssize_t n, const int64_t *step, const int32_t *feature, const float *value) noexcept nogil:
        cdef Py_ssize_t k
        cdef int failed
        for k in range(n):
            if step[k] > self.n_steps:
                failed = self.steps_complete(step[k])
                if failed >= 0:
                    return failed
            event_add(&self.open_step, feature[k], value[k])
        return -1

    cdef int frames_take(self, Py_ssize_t n, const float *x) noexcept nogil:
        cdef Py_ssize_t i
        cdef int failed
        for _ in range(n):
            self.input.n = 0
            for i in range(self.n_features):
                if x[i] != 0.0:
                    values_append(&self.input, i, x[i])
            x += self.n_features
            failed = self.step_complete()
            if failed >= 0:
                return failed
        return -1

    cdef int steps_complete(self, int64_t n) noexcept nogil:
        """Completes the open step, and those after it until n are complete."""
        cdef int failed
        open_step_list(&self.open_step, &self.input, True)
        failed = self.step_complete()
        return failed if failed >= 0 else self.rest(n - self.n_steps)

    cdef int step_complete(self) noexcept nogil:
        """Runs a step with `input`."""
        cdef int failed
        if self.grid.rounds:
            values_round(&self.input, &self.grid)
        failed = self.run()
        self.n_steps += 1
        return failed

    # Gaps.

    cdef int rest(self, int64_t n) noexcept nogil:
        """n steps without input: one by one until the state is one that has been before, from where
        on it repeats.

        The state is compared with one that is marked, which is replaced after twice as many steps
        each time (Brent's algorithm).
        """
        cdef int64_t period = 0, patience = SHORT_GAP, operations = 0
        cdef bint marked = False
        cdef int failed
        while n > 0:
            failed = self.steps_run(1)
            if failed >= 0:
                return failed
            n -= 1
            period += 1
            if marked and self.is_marked():
                return self.repeat(n, period, self.operations - operations)
            if period == patience:
                self.mark()
                marked, operations = True, self.operations
                period, patience = 0, 2 * patience
        return -1

    cdef int repeat(self, int64_t n, int64_t period, int64_t operations) noexcept nogil:
        """n steps of a state that repeats after `period` steps, which take so many operations."""
        cdef int64_t repeats = n // period
        cdef float *sums = NULL
        cdef int failed = -1
        if self.mean:
            if 1 < repeats and period <= MOST_ANSWERS:
                sums = <float *> malloc(period * self.n_outputs * sizeof(float))
            if sums == NULL:
                return self.steps_run(n)
            n -= period
            repeats -= 1
            failed = self.answers_repeat(sums, repeats, period)
            free(sums)
        else:
            self.skip(repeats * period)
        self.n_steps += repeats * period
        self.operations += repeats * operations
        return failed if failed >= 0 else self.steps_run(n - repeats * period)

    cdef int answers_repeat(self, float *sums, int64_t repeats, int64_t period) noexcept nogil:
        """A period, whose output sums are kept, and so many more of which only the answers are added
        up."""
        cdef int64_t k
        cdef int failed
        for k in range(period):
            failed = self.steps_run(1)
            if failed >= 0:
                return failed
            memcpy(sums + k * self.n_outputs, self.sums(), self.n_outputs * sizeof(float))
        for k in range(repeats * period):
            failed = self.answer_again(sums + k % period * self.n_outputs)
            if failed >= 0:
                return failed
        return -1

    cdef int steps_run(self, int64_t n) noexcept nogil:
        """n steps without input, one by one."""
        cdef int failed
        while n > 0:
            self.input.n = 0
            failed = self.step_complete()
            if failed >= 0:
                return failed
            n -= 1
        return -1

    # What a subclass provides: see stream.pxd.

    cdef void layout(self) noexcept nogil: pass
    cdef int run(self) noexcept nogil: return 0
    cdef void begin(self) noexcept nogil: pass
    cdef void remember(self) noexcept nogil: pass
    cdef void roll_back(self) noexcept nogil: pass
    cdef void mark(self) noexcept nogil: pass
    cdef bint is_marked(self) noexcept nogil: return False
    cdef void skip(self, int64_t n) noexcept nogil: pass
    cdef const float *sums(self) noexcept nogil: return NULL
    cdef int answer(self, float *out) noexcept nogil: return 0
    cdef int answer_again(self, const float *sums) noexcept nogil: return 0
