"""Records of events, read where they lie: their order, time steps, features and values."""
import numpy as np

from cpython.buffer cimport PyBUF_STRIDED_RO, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport floor, isfinite, isnan
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef Py_ssize_t CHUNK = 1 << 20  # events between two looks for signals: some milliseconds

cdef enum:
    BLOCK = 256     # events whose fields are read at a time

cpdef enum Refusal:
    NONE
    NOT_FINITE
    GOES_BACK
    TOO_LATE
    OUTSIDE_WIDTH
    OUTSIDE_HEIGHT
    NO_POLARITY

cpdef enum Kind:
    ABSENT
    UINT8
    INT8
    UINT16
    INT16
    UINT32
    INT32
    UINT64
    INT64
    FLOAT32
    FLOAT64

cpdef enum Polarity:
    MERGE
    CHANNELS
    SIGNED


cdef struct Field:
    const char *first  # of the first record
    Py_ssize_t stride
    Kind kind


cdef struct Grid:
    # Pixels of the sensor, pixels of a block, and blocks in a row and in a channel.
    int64_t width, height, block_width, block_height, row, channel
    Polarity polarity


cdef inline uint16_t unaligned_uint16(const char *at) noexcept nogil:
    cdef uint16_t value
    memcpy(&value, at, 2)
    return value


cdef inline uint32_t unaligned_uint32(const char *at) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, at, 4)
    return value


cdef inline int64_t field_integer(const Field *field, Py_ssize_t k) noexcept nogil:
    """Value k of a field of integers. Records may be packed, so values need not be aligned."""
    cdef const char *at = field.first + k * field.stride
    cdef uint16_t u16
    cdef uint32_t u32
    cdef uint64_t u64
    if field.kind == UINT8:
        return (<const uint8_t *> at)[0]
    if field.kind == INT8:
        return (<const int8_t *> at)[0]
    if field.kind == UINT16 or field.kind == INT16:
        u16 = unaligned_uint16(at)
        return <int64_t> u16 if field.kind == UINT16 else <int64_t> <int16_t> u16
    if field.kind == UINT32 or field.kind == INT32:
        u32 = unaligned_uint32(at)
        return <int64_t> u32 if field.kind == UINT32 else <int64_t> <int32_t> u32
    if field.kind == ABSENT:
        return 0
    memcpy(&u64, at, 8)
    return <int64_t> u64  # negative where it is beyond int64


cdef void integers_read(const Field *field, Py_ssize_t first, Py_ssize_t n, int64_t *out) noexcept nogil:
    """Values first … first + n - 1 of a field of integers."""
    cdef const char *at = field.first + first * field.stride
    cdef Py_ssize_t k
    if field.kind == UINT8:
        for k in range(n):
            out[k] = (<const uint8_t *> (at + k * field.stride))[0]
    elif field.kind == UINT16:
        for k in range(n):
            out[k] = unaligned_uint16(at + k * field.stride)
    elif field.kind == UINT32:
        for k in range(n):
            out[k] = unaligned_uint32(at + k * field.stride)
    else:
        for k in range(n):
            out[k] = field_integer(field, first + k)


cdef inline double field_real(const Field *field, Py_ssize_t k) noexcept nogil:
    cdef float single
    cdef double value
    if field.kind == FLOAT32:
        memcpy(&single, field.first + k * field.stride, 4)
        return single
    if field.kind == FLOAT64:
        memcpy(&value, field.first + k * field.stride, 8)
        return value
    return <double> field_integer(field, k)


cdef inline bint is_real(const Field *field) noexcept nogil:
    return field.kind == FLOAT32 or field.kind == FLOAT64


cdef Refusal times_check(const Field *t, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t *refused) noexcept nogil:
    """Whether times from `start` to `stop` are finite and never before the one before."""
    cdef int64_t times[BLOCK]
    cdef Py_ssize_t k, n, first = start
    cdef int64_t time, before
    cdef double real_time, real_before
    if is_real(t):
        real_before = field_real(t, max(0, start - 1))
        for k in range(start, stop):
            real_time = field_real(t, k)
            refused[0] = k
            if not isfinite(real_time):
                return NOT_FINITE
            if real_time < real_before:
                return GOES_BACK
            real_before = real_time
        return NONE
    before = field_integer(t, max(0, start - 1))
    while first < stop:
        n = min(BLOCK, stop - first)
        integers_read(t, first, n, times)
        for k in range(n):
            time = times[k]
            refused[0] = first + k
            if t.kind == UINT64 and time < 0:
                return TOO_LATE
            if time < before:
                return GOES_BACK
            before = time
        first += n
    return NONE


cdef void steps_of_whole(
    const Field *t, int64_t t0, int64_t time_step, Py_ssize_t start, Py_ssize_t stop, int64_t[::1] steps
) noexcept nogil:
    """Time steps where time, t0 and time step are integers."""
    cdef int64_t times[BLOCK]
    cdef Py_ssize_t k, n, first = start
    cdef int64_t elapsed, step = 0, begin = 0  # begin: elapsed time at which the step begins
    while first < stop:
        n = min(BLOCK, stop - first)
        integers_read(t, first, n, times)
        for k in range(n):
            elapsed = times[k] - t0
            if elapsed - begin >= time_step:
                step = elapsed // time_step
                begin = step * time_step
            steps[first + k] = step
        first += n


cdef inline int64_t real_step(double elapsed, double time_step) noexcept nogil:
    """The step of an elapsed time. One that lies before a step by rounding alone belongs to it."""
    return <int64_t> floor(elapsed / time_step * (1 + 2.0 ** -51))


cdef void steps_of_real(
    const Field *t, double t0, double time_step, Py_ssize_t start, Py_ssize_t stop, int64_t[::1] steps
) noexcept nogil:
    """Time steps where time or t0 is real."""
    cdef Py_ssize_t k
    for k in range(start, stop):
        steps[k] = real_step(field_real(t, k) - t0, time_step)


cdef void steps_of_whole_time(
    const Field *t, int64_t t0, double time_step, Py_ssize_t start, Py_ssize_t stop, int64_t[::1] steps
) noexcept nogil:
    """Time steps where only the time step is real: the time since t0 is exact."""
    cdef Py_ssize_t k
    for k in range(start, stop):
        steps[k] = real_step(<double> (field_integer(t, k) - t0), time_step)


cdef Refusal pixels_check(const Grid *grid, Py_ssize_t n, const int64_t *column, const int64_t *row,
                          Py_ssize_t *refused) noexcept nogil:
    """Whether n pixels are on the sensor; `refused` takes the first that is not."""
    cdef bint outside = False
    cdef Py_ssize_t k
    for k in range(n):
        outside |= (<uint64_t> column[k] >= <uint64_t> grid.width) | (<uint64_t> row[k] >= <uint64_t> grid.height)
    for k in range(n if outside else 0):
        refused[0] = k
        if not 0 <= column[k] < grid.width:
            return OUTSIDE_WIDTH
        if not 0 <= row[k] < grid.height:
            return OUTSIDE_HEIGHT
    return NONE


cdef bint polarities_read(const Field *p, Py_ssize_t first, Py_ssize_t n, int64_t *on, Py_ssize_t *refused) noexcept nogil:
    """Whether each of n events is ON, as 1 or 0. Returns False where a polarity is NaN."""
    cdef double polarity
    cdef Py_ssize_t k
    if not is_real(p):
        integers_read(p, first, n, on)
        for k in range(n):
            on[k] = on[k] > 0
        return True
    for k in range(n):
        polarity = field_real(p, first + k)
        if isnan(polarity):
            refused[0] = k
            return False
        on[k] = polarity > 0
    return True


cdef Refusal block_map(const Grid *grid, const Field *x, const Field *y, const Field *p, Py_ssize_t first, Py_ssize_t n,
                       int32_t *feature, float *value, Py_ssize_t *refused) noexcept nogil:
    """Features and values of at most BLOCK events from `first` on."""
    cdef int64_t column[BLOCK]
    cdef int64_t row[BLOCK]
    cdef int64_t on[BLOCK]
    cdef Py_ssize_t k, not_real = n
    cdef Refusal refusal
    integers_read(x, first, n, column)
    integers_read(y, first, n, row)
    if grid.polarity != MERGE and not polarities_read(p, first, n, on, &not_real):
        n = not_real    # a pixel before it is refused first, and its own too
        refusal = pixels_check(grid, n + 1, column, row, refused)
        if refusal == NONE:
            refused[0] = n
        return NO_POLARITY if refusal == NONE else refusal
    refusal = pixels_check(grid, n, column, row, refused)
    if refusal != NONE:
        return refusal
    if grid.block_width != 1 or grid.block_height != 1:
        for k in range(n):
            column[k] //= grid.block_width
            row[k] //= grid.block_height
    for k in range(n):
        feature[k] = <int32_t> (row[k] * grid.row + column[k] + (on[k] * grid.channel if grid.polarity == CHANNELS else 0))
        value[k] = 2 * on[k] - 1 if grid.polarity == SIGNED else 1
    return NONE


cdef Refusal pixels_map(
    const Grid *grid, const Field *x, const Field *y, const Field *p, Py_ssize_t start, Py_ssize_t stop,
    int32_t[::1] features, float[::1] values, Py_ssize_t *refused
) noexcept nogil:
    cdef Py_ssize_t n, first = start
    cdef Refusal refusal
    while first < stop:
        n = min(BLOCK, stop - first)
        refusal = block_map(grid, x, y, p, first, n, &features[first], &values[first], refused)
        if refusal != NONE:
            refused[0] += first
            return refusal
        first += n
    return NONE


cdef Field field_of(Py_ssize_t address, Py_ssize_t stride, tuple layout):
    return Field(<const char *> (address + <Py_ssize_t> layout[0]), stride, <Kind> <int> layout[1])


cdef class Records:
    """The fields of an array of events.

    Parameters
    ----------
    records : structured ndarray of shape (n_events,), in native byte order
    layout : tuple
        Offset and `Kind` of the fields t, x, y and p, as four pairs.
    """
    cdef object records  # keeps the memory
    cdef Py_ssize_t n
    cdef Field t, x, y, p

    def __cinit__(self, records, tuple layout not None):
        cdef Py_buffer buffer
        cdef Py_ssize_t address, stride
        PyObject_GetBuffer(records, &buffer, PyBUF_STRIDED_RO)  # without formats, which not all types of NumPy have
        address, stride = <Py_ssize_t> buffer.buf, buffer.strides[0]
        PyBuffer_Release(&buffer)
        self.records, self.n = records, len(records)
        self.t = field_of(address, stride, layout[0])
        self.x = field_of(address, stride, layout[1])
        self.y = field_of(address, stride, layout[2])
        self.p = field_of(address, stride, layout[3])

    def check_times(self):
        """Look for the first event whose time is not finite, or before that of the event before it.

        Returns
        -------
        refusal : Refusal
        k : int
            Of the event that is refused.
        first, last : int or float
            The times of the first and the last event, of which there must be one.
        """
        cdef Py_ssize_t start, stop, refused = 0
        cdef Refusal refusal = NONE
        for start in range(0, self.n, CHUNK):
            stop = min(self.n, start + CHUNK)
            with nogil:
                refusal = times_check(&self.t, start, stop, &refused)
            if refusal != NONE:
                break
            PyErr_CheckSignals()
        if is_real(&self.t):
            return <int> refusal, refused, field_real(&self.t, 0), field_real(&self.t, self.n - 1)
        return <int> refusal, refused, field_integer(&self.t, 0), field_integer(&self.t, self.n - 1)

    def map(self, t0, time_step, tuple grid not None):
        """Time steps, features and values of events whose times are checked.

        Parameters
        ----------
        t0, time_step : int or float
            No event is before `t0`, nor 2**62 steps after it.
        grid : tuple of int
            The members of `Grid`.

        Returns
        -------
        refusal : Refusal
        k : int
            Of the event that is refused.
        steps, features, values : ndarray of int64, int32 and float32, shape (n_events,)
        """
        made = np.empty(self.n, np.int64), np.empty(self.n, np.int32), np.empty(self.n, np.float32)
        cdef int64_t[::1] steps = made[0]
        cdef int32_t[::1] features = made[1]
        cdef float[::1] values = made[2]
        cdef Grid pixels = Grid(grid[0], grid[1], grid[2], grid[3], grid[4], grid[5], <Polarity> <int> grid[6])
        cdef bint real_t0 = is_real(&self.t) or isinstance(t0, float), real_duration = isinstance(time_step, float)
        cdef int64_t whole_t0 = 0 if real_t0 else t0, whole_step = 0 if real_duration else time_step
        cdef double start_time = t0, duration = time_step
        cdef Py_ssize_t start, stop, refused = 0
        cdef Refusal refusal = NONE
        for start in range(0, self.n, CHUNK):
            stop = min(self.n, start + CHUNK)
            with nogil:
                if real_t0:
                    steps_of_real(&self.t, start_time, duration, start, stop, steps)
                elif real_duration:
                    steps_of_whole_time(&self.t, whole_t0, duration, start, stop, steps)
                else:
                    steps_of_whole(&self.t, whole_t0, whole_step, start, stop, steps)
                refusal = pixels_map(&pixels, &self.x, &self.y, &self.p, start, stop, features, values, &refused)
            if refusal != NONE:
                break
            PyErr_CheckSignals()
        return <int> refusal, refused, *made
