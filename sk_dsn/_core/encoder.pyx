"""Input encoding: which stimulus a sample is, and which spikes the input units fire for it."""
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset

from .kernels.kernels cimport FIRE_BOTH, SpikeCounts, lowest_bit, prefetch
from .network cimport Layer, Net, spikes_place, units_number
from .random cimport normal, uniform
from .settings cimport SIGNED
from .signals cimport LEAST_WORK, work_done

# The most values of a sample that are fetched ahead: more would evict data in use from the cache.
cdef Py_ssize_t PREFETCHED = 4096


# Samples.

cdef void sample_fetch(const SampleArrays *samples, Py_ssize_t sample) noexcept nogil:
    """Asks for the memory that `sample_present` reads; of a stream, of its first time step."""
    cdef Py_ssize_t first, n
    if samples.dense == NULL:
        first = samples.indptr[sample]
        n = min(samples.indptr[sample + 1] - first, PREFETCHED)
        prefetch(samples.data + first, n * sizeof(float))
        prefetch(samples.indices + first, n * sizeof(int32_t))
    else:
        prefetch(sample_frames(samples, sample), min(samples.n_features, PREFETCHED) * sizeof(float))


cdef void units_activate(const SampleArrays *samples, Py_ssize_t sample, Net *net, Stimulus *stimulus) noexcept nogil:
    """A sparse stream: the units of its stored values are active, and its frames hold their values
    side by side.

    The indices are borrowed: where another thread changes them, values are wrong, but no place is
    outside the frames.
    """
    cdef Py_ssize_t n_features = samples.n_features, n_steps = net.n_steps, n = 0, k, w, unit, place, step
    cdef Py_ssize_t first = samples.indptr[sample], end = samples.indptr[sample + 1]
    cdef uint64_t bits
    for k in range(first, end):
        unit = <uint32_t> samples.indices[k] % n_features
        net.unit_bits[unit // 64] |= <uint64_t> 1 << (unit % 64)
    for w in range((n_features + 63) // 64):
        bits = net.unit_bits[w]
        net.unit_bits[w] = 0
        while bits != 0:
            unit = 64 * w + lowest_bit(bits)
            bits &= bits - 1
            net.active_unit[n] = <int32_t> unit
            net.active_place[unit] = <int32_t> n
            n += 1
    memset(net.frames, 0, n_steps * n * sizeof(float))
    for k in range(first, end):
        unit = <uint32_t> samples.indices[k]
        step = unit // n_features
        place = net.active_place[unit - step * n_features]
        if step < n_steps and place < n:
            net.frames[step * n + place] = samples.data[k]
    stimulus.n = n
    stimulus.x = net.frames
    stimulus.unit = net.active_unit
    stimulus.step = max(n, 1)


cdef void sample_present(const SampleArrays *samples, Py_ssize_t sample, Net *net, bint condense,
                         Stimulus *stimulus) noexcept nogil:
    """Presents a sample to the input layer. With `condense` only the units of a static vector's
    non-zero values are active: the time-stepped simulations read the vector again at each step."""
    cdef Layer *layer = net.layers
    cdef SpikeCounts nonzero
    net.n_steps = <int> sample_length(samples, sample) if samples.n_steps > 1 else net.dynamics.n_time_steps
    stimulus.step = 0
    stimulus.unit = NULL
    if samples.dense == NULL and samples.n_steps > 1:
        units_activate(samples, sample, net, stimulus)
    elif samples.dense == NULL:
        stimulus.n = samples.indptr[sample + 1] - samples.indptr[sample]
        stimulus.x = samples.data + samples.indptr[sample]
        stimulus.unit = samples.indices + samples.indptr[sample]
    else:
        stimulus.n = samples.n_features
        stimulus.x = sample_frames(samples, sample)
        if samples.n_steps > 1:
            stimulus.step = samples.n_features
        elif condense:
            nonzero.unit, nonzero.count = net.active_unit, net.active_value
            net.kernels.spikes_list(stimulus.x, samples.n_features, &nonzero)
            stimulus.n = nonzero.n
            stimulus.x = net.active_value
            stimulus.unit = net.active_unit
    layer.n_active = stimulus.n
    layer.active = stimulus.unit


cdef void stimulus_blur(Stimulus *stimulus, const SampleArrays *samples, float *room, Net *net, double deviation,
                        uint64_t key) noexcept nogil:
    """Adds noise to every feature of a stimulus, the same at all its time steps. `room` takes the
    new vectors."""
    cdef Py_ssize_t i, t, n = samples.n_features, n_vectors = net.n_steps if stimulus.step else 1
    cdef float noise
    for i in range(n):
        # Layers, from 0 on, draw their dropout under the same key.
        noise = <float> (deviation * normal(key, net.n_layers, i))
        for t in range(n_vectors):
            room[t * n + i] = noise
    for t in range(n_vectors):
        for i in range(stimulus.n):
            room[t * n + (stimulus.unit[i] if stimulus.unit != NULL else i)] += stimulus.x[t * stimulus.step + i]
    stimulus.n = net.layers.n_active = n
    stimulus.x = room
    stimulus.step = n if stimulus.step else 0
    stimulus.unit = net.layers.active = NULL


cdef void stimulus_drop(Stimulus *stimulus, const SampleArrays *samples, float *room, Net *net, double dropout,
                        uint64_t key) noexcept nogil:
    """Leaves features out of a stimulus, each with probability `dropout`, at all time steps; the
    kept ones are 1 / (1 - dropout) times as large. `room` takes the new vectors of a stream."""
    cdef float scale = <float> (1.0 / (1.0 - dropout))
    cdef float factor
    cdef Py_ssize_t i, t, n = 0
    cdef int32_t unit
    if stimulus.step == 0:
        for i in range(stimulus.n):
            unit = stimulus.unit[i] if stimulus.unit != NULL else <int32_t> i
            if uniform(key, 0, unit) >= dropout:
                net.active_unit[n] = unit
                net.active_value[n] = scale * stimulus.x[i]
                n += 1
        stimulus.n = net.layers.n_active = n
        stimulus.x = net.active_value
        stimulus.unit = net.layers.active = net.active_unit
        return
    for i in range(stimulus.n):
        unit = stimulus.unit[i] if stimulus.unit != NULL else <int32_t> i
        factor = scale if uniform(key, 0, unit) >= dropout else 0.0
        for t in range(net.n_steps):
            room[t * stimulus.step + i] = factor * stimulus.x[t * stimulus.step + i]
    stimulus.x = room


# The input units.

cdef void stimulus_sum(const Stimulus *stimulus, int t, float *total) noexcept nogil:
    """The sum of the vectors of time steps 1 … t; of a stream, given the sum up to t - 1."""
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if stimulus.step == 0:
        for i in range(stimulus.n):
            total[i] = t * x[i]
    else:
        for i in range(stimulus.n):
            total[i] = (total[i] if t > 1 else <float> 0.0) + x[i]


cdef int input_count(Net *net, const Stimulus *stimulus, Py_ssize_t sample, int t) noexcept nogil:
    """Counting: lists the net counts of the input units after t steps, ceil(sum - 1/2), behind
    those of the last sample."""
    cdef Layer *layer = net.layers
    cdef SpikeCounts *spikes = spikes_place(layer, sample)
    cdef const float *sums = stimulus.x
    cdef float scale = t
    if stimulus.step != 0:
        stimulus_sum(stimulus, t, layer.input_sum)
        sums, scale = layer.input_sum, 1.0
    if net.kernels.sums_count(sums, stimulus.n, scale, FIRE_BOTH, NULL, layer.net_count, spikes):
        return 0
    units_number(stimulus.unit, spikes.unit, spikes.n)
    return -1


cdef int frames_sum(Net *net, const Stimulus *stimulus, int first, int end) noexcept nogil:
    """Counting: adds time steps first … end-1 of a stream to the input's sum, which must stay
    countable at each."""
    cdef int t, failed
    for t in range(first, end):
        failed = input_count(net, stimulus, 0, t)
        if failed < 0:
            failed = work_done(net, LEAST_WORK + stimulus.n)
        if failed >= 0:
            return failed
    return -1


cdef void input_integrate(Net *net, const Stimulus *stimulus, int t) noexcept nogil:
    """Brings the potentials of the input units to time step t, before they fire.

    With signed neurons and no leak they follow from the sum of the input so far, so that all
    simulations count the same; with rectifying ones, or a leak, each step's vector is added, as the
    authors' program does.
    """
    cdef Layer *layer = net.layers
    cdef const float *x = stimulus_at(stimulus, t)
    cdef Py_ssize_t i
    if net.dynamics.neuron == SIGNED and layer.decay == 1.0:
        stimulus_sum(stimulus, t, layer.input_sum)
        for i in range(stimulus.n):
            layer.potential[i] = layer.input_sum[i] - layer.net_count[i]
    else:
        for i in range(stimulus.n):
            layer.potential[i] += x[i]
