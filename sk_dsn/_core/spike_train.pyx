"""Spike trains: room, and the order of emission."""
from libc.stdint cimport int32_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from .kernels cimport SPIKE_LIMIT, SpikeTrain

cdef enum:
    # Spikes of one arrival that are simply sorted by insertion; more are dealt into buckets before.
    INSERTION_LIMIT = 16
    # From here on by all digits of the key: keys may crowd in a few buckets, and insertion is quadratic.
    DEALING_LIMIT = 2048
    N_BUCKETS = 256
    BY_RANGE = -1


cdef int train_reserve(SpikeTrain *train, Py_ssize_t more) noexcept nogil:
    """Makes room for `more` spikes. Returns -1 where there is no memory or the train would pass the spike limit."""
    cdef Py_ssize_t room = max(train.n + more, 2 * train.room)
    cdef void *grown
    if train.n > SPIKE_LIMIT:
        return -1
    if train.room - train.n >= more:
        return 0
    grown = realloc(train.unit, room * sizeof(int32_t))
    if grown == NULL:
        return -1
    train.unit = <int32_t *> grown
    grown = realloc(train.sign, room * sizeof(float))
    if grown == NULL:
        return -1
    train.sign = <float *> grown
    grown = realloc(train.key, room * sizeof(float))
    if grown == NULL:
        return -1
    train.key = <float *> grown
    grown = realloc(train.arrival, room * sizeof(int32_t))
    if grown == NULL:
        return -1
    train.arrival = <int32_t *> grown
    train.room = room
    return 0


cdef int train_append(SpikeTrain *train, int unit, float sign) noexcept nogil:
    if train_reserve(train, 1):
        return -1
    train.unit[train.n] = unit
    train.sign[train.n] = sign
    train.n += 1
    return 0


cdef void train_free(SpikeTrain *train) noexcept nogil:
    free(train.unit)
    free(train.sign)
    free(train.key)
    free(train.arrival)


cdef inline void spike_copy(SpikeTrain *to, Py_ssize_t i, const SpikeTrain *source, Py_ssize_t k) noexcept nogil:
    to.unit[i] = source.unit[k]
    to.sign[i] = source.sign[k]
    to.key[i] = source.key[k]
    to.arrival[i] = source.arrival[k]


cdef inline void spikes_copy(SpikeTrain *to, Py_ssize_t first, const SpikeTrain *source, Py_ssize_t n) noexcept nogil:
    """The first n spikes of `source`, all but their arrivals."""
    memcpy(to.unit + first, source.unit, n * sizeof(int32_t))
    memcpy(to.sign + first, source.sign, n * sizeof(float))
    memcpy(to.key + first, source.key, n * sizeof(float))


cdef inline Py_ssize_t key_bucket(float key, int shift) noexcept nogil:
    """Larger keys in lower buckets: by range (most keys are between 1/2 and 3/2), or by eight bits of the number."""
    cdef float scaled
    cdef uint32_t bits
    if shift == BY_RANGE:
        scaled = (key - <float> 0.5) * N_BUCKETS
        return N_BUCKETS - 1 - (<Py_ssize_t> scaled if scaled < N_BUCKETS - 1 else N_BUCKETS - 1)
    memcpy(&bits, &key, sizeof(bits))
    return N_BUCKETS - 1 - (bits >> shift & (N_BUCKETS - 1))


cdef void group_deal(SpikeTrain *train, SpikeTrain *scratch, Py_ssize_t first, Py_ssize_t end, int shift) noexcept nogil:
    """Deals the spikes first … end-1 into buckets of descending key, in stable order."""
    cdef int32_t place[N_BUCKETS]
    cdef Py_ssize_t k, b, n = end - first
    cdef int32_t at = 0, dealt
    memset(place, 0, sizeof(place))
    for k in range(first, end):
        place[key_bucket(train.key[k], shift)] += 1
    for b in range(N_BUCKETS):
        dealt = place[b]
        place[b] = at
        at += dealt
    for k in range(first, end):
        b = key_bucket(train.key[k], shift)
        spike_copy(scratch, place[b], train, k)
        place[b] += 1
    spikes_copy(train, first, scratch, n)


cdef void group_sort(SpikeTrain *train, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Insertion sort: largest key first, of equal keys the lowest unit."""
    cdef Py_ssize_t k, i
    cdef float key, sign
    cdef int32_t unit
    for k in range(first + 1, end):
        key = train.key[k]
        unit = train.unit[k]
        sign = train.sign[k]
        i = k
        while i > first and (train.key[i - 1] < key or (train.key[i - 1] == key and train.unit[i - 1] > unit)):
            train.key[i] = train.key[i - 1]
            train.unit[i] = train.unit[i - 1]
            train.sign[i] = train.sign[i - 1]
            i -= 1
        train.key[i] = key
        train.unit[i] = unit
        train.sign[i] = sign


cdef int arrivals_merge(SpikeTrain *train, SpikeTrain *scratch, Py_ssize_t first, Py_ssize_t n_arrivals) noexcept nogil:
    """Stable counting sort of the spikes from `first` on by arrival: blocks of units have fired one after the other."""
    cdef Py_ssize_t k, n = train.n - first
    cdef int32_t at = 0, arrived
    cdef int32_t *place = <int32_t *> calloc(n_arrivals, sizeof(int32_t))
    if place == NULL:
        return -1
    for k in range(first, train.n):
        place[train.arrival[k]] += 1
    for k in range(n_arrivals):
        arrived = place[k]
        place[k] = at
        at += arrived
    for k in range(first, train.n):
        spike_copy(scratch, place[train.arrival[k]], train, k)
        place[train.arrival[k]] += 1
    free(place)
    memcpy(train.arrival + first, scratch.arrival, n * sizeof(int32_t))
    spikes_copy(train, first, scratch, n)
    return 0


cdef int train_sort(SpikeTrain *train, SpikeTrain *scratch, Py_ssize_t first, Py_ssize_t n_arrivals) noexcept nogil:
    """Brings the spikes from `first` on into the order of emission: by arrival, then largest key first, then lowest unit.
    Returns -1 without memory."""
    cdef Py_ssize_t end, k
    cdef int shift
    scratch.n = 0
    if train.n - first > 1 and train_reserve(scratch, train.n - first):
        return -1
    for k in range(first + 1, train.n):
        if train.arrival[k] < train.arrival[k - 1]:
            if arrivals_merge(train, scratch, first, n_arrivals):
                return -1
            break
    while first < train.n:
        end = first + 1
        while end < train.n and train.arrival[end] == train.arrival[first]:
            end += 1
        if end - first > DEALING_LIMIT:
            for shift in range(0, 32, 8):
                group_deal(train, scratch, first, end, shift)
        elif end - first > INSERTION_LIMIT:
            group_deal(train, scratch, first, end, BY_RANGE)
        if end - first > 1:
            group_sort(train, first, end)
        first = end
    return 0
