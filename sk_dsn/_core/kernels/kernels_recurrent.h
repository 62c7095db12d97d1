/* The kernels of recurrent networks: thresholds, error spikes, transposed copies and the
   optimizer's step. Included by kernels_simd.h. A sum of squares runs in as many lanes on every
   instruction set, ROW_PADDING of them. */

/* keep * v. Magnitudes below 2^-100 become 0, so that silence ends and nothing is denormal; NaN
   stays. */
TARGET static ALWAYS_INLINE VECTOR
NAME(leaked)(VECTOR v, float keep)
{
    const VECTOR kept = keep * v;
    return NAME(only_where)(kept, (LANES_WHERE)~NAME(not_above)(NAME(magnitude)(kept), BELOW_TINY));
}

/* v where the gate is open, else 0. The gate has a bit for each unit. */
TARGET static ALWAYS_INLINE VECTOR
NAME(gated)(VECTOR v, const uint16_t *gate, ptrdiff_t j)
{
    const int bits = gate[j / ROW_PADDING] >> j % ROW_PADDING;
#if SIMD_LEVEL == 3
    return NAME(only_where)(v, (__mmask16)bits);
#elif HAVE_VECTORS
#if LANES == 8
    const INTEGERS lane = {1, 2, 4, 8, 16, 32, 64, 128};
#else
    const INTEGERS lane = {1, 2, 4, 8};
#endif
    return NAME(only_where)(v, (INTEGERS)((((INTEGERS){0} + bits) & lane) == lane));
#else
    return bits & 1 ? v : 0.0f;
#endif
}

/* Columns of a layer that take their rows, and fire, in registers. */
#define STEPPED (HAVE_VECTORS ? 8 : 16)

/* The spikes listed so far, and checks that end in `volley_ends`. */
typedef struct {
    VECTOR total, lowest;
    LANES_WHERE inside;
    int32_t *unit;
    float *count;
} NAME(volley);

TARGET static ALWAYS_INLINE NAME(volley)
NAME(volley_begins)(const SpikeCounts *out)
{
    const VECTOR zero = {0};
    return (NAME(volley)){zero, zero, NAME(not_above)(zero, 0.0f), out->unit, out->count};
}

TARGET static ALWAYS_INLINE int
NAME(volley_ends)(const NAME(volley) *volley, SpikeCounts *out)
{
    const LANES_WHERE inside = volley->inside & NAME(above)(volley->lowest, -INFINITY);
    out->n = volley->unit - out->unit;
    out->total = NAME(whole_sum)(volley->total);
    return COUNT_BITS(NAME(bits)(inside)) == LANES && out->total < SPIKE_LIMIT ? 0 : -1;
}

/* Fires one vector of units with the sums u, and returns the bits of its gate. `forgets`: keep is 0;
   then FIRE_UP is FIRE_BACK, and a sum out of range above shows in the total. */
TARGET static ALWAYS_INLINE uint64_t
NAME(lanes_step)(NAME(volley) *volley, VECTOR u, ptrdiff_t first, const float *before, float *after, float keep,
                 const FiringRule rule, const int forgets)
{
    VECTOR v = rule == FIRE_BACK ? NAME(larger)((VECTOR){0}, u) : u, trace = {0};
    volley->lowest = NAME(smaller)(volley->lowest, u);
    if (!forgets) {
        volley->inside &= NAME(not_above)(u, BELOW_LIMIT);
        trace = NAME(leaked)(*(const VECTOR *)before, keep);
        v -= trace;
    }
    const VECTOR fired = NAME(due)(rule == FIRE_UP ? NAME(larger)((VECTOR){0}, v) : v);
    *(VECTOR *)after = trace + fired;
    volley->total += NAME(magnitude)(fired);
    const int found = NAME(lanes_list)(fired, first, volley->unit, volley->count);
    volley->unit += found;
    volley->count += found;
    return NAME(bits)(NAME(not_above)((VECTOR){0} - u, 0.0f));
}

TARGET static ALWAYS_INLINE void
NAME(gate_set)(uint16_t *gate, ptrdiff_t j, uint64_t open)
{
    const uint16_t bits = (uint16_t)(open << j % ROW_PADDING);
    gate[j / ROW_PADDING] = j % ROW_PADDING ? gate[j / ROW_PADDING] | bits : bits;
}

/* All units, of which the sums are complete but for the bias. */
TARGET static ALWAYS_INLINE int
NAME(units_fire_leaky)(const LeakyLayer *layer, const LeakyStep *step, const FiringRule rule, const int forgets)
{
    NAME(volley) volley = NAME(volley_begins)(step->fired);
    const float keep = layer->keep, *bias = layer->bias, *before = step->before;
    float *sum = layer->sum, *after = step->after;
    uint16_t *gate = step->gate;
    for (ptrdiff_t j = 0; j < layer->width; j += LANES) {
        VECTOR u = *(const VECTOR *)(sum + j);
        if (bias)
            u += *(const VECTOR *)(bias + j);
        const uint64_t open = NAME(lanes_step)(&volley, u, j, before + j, after + j, keep, rule, forgets);
        if (gate)
            NAME(gate_set)(gate, j, open);
        *(VECTOR *)(sum + j) = forgets ? (VECTOR){0} : NAME(leaked)(u, keep);
    }
    return NAME(volley_ends)(&volley, step->fired);
}

TARGET static ALWAYS_INLINE void
NAME(block_rows)(VECTOR *total, const float *weights, ptrdiff_t stride, const SpikeCounts *spikes, const int n_vectors)
{
    const int32_t *unit = spikes->unit;
    const float *count = spikes->count;
    for (ptrdiff_t k = 0, n = spikes->n; k < n; k++) {
        const float *row = weights + unit[k] * stride, c = count[k];
        UNROLL
        for (int v = 0; v < n_vectors; v++)
            total[v] += c * *(const VECTOR *)(row + v * LANES);
    }
}

/* One block of columns, from the unit `first` on: its rows, then its thresholds. All pointers are
   to the block. */
TARGET static ALWAYS_INLINE void
NAME(block_step)(const LeakyLayer *layer, const LeakyStep *step, NAME(volley) *volley, ptrdiff_t first,
                 const FiringRule rule, const int forgets, const int n_vectors)
{
    VECTOR total[STEPPED];
    UNROLL
    for (int v = 0; v < n_vectors; v++)
        total[v] = forgets ? (VECTOR){0} : *(const VECTOR *)(layer->sum + v * LANES);
    NAME(block_rows)(total, layer->weights, layer->stride, step->below, n_vectors);
    NAME(block_rows)(total, layer->recurrent, layer->recurrent_stride, step->own, n_vectors);
    UNROLL
    for (int v = 0; v < n_vectors; v++) {
        const ptrdiff_t j = v * LANES;
        VECTOR u = total[v];
        if (layer->bias)
            u += *(const VECTOR *)(layer->bias + j);
        const uint64_t open = NAME(lanes_step)(volley, u, first + j, step->before + j, step->after + j, layer->keep, rule,
                                               forgets);
        if (step->gate)
            NAME(gate_set)(step->gate, first + j, open);
        if (!forgets)
            *(VECTOR *)(layer->sum + j) = NAME(leaked)(u, layer->keep);
    }
}

#define CASE_STEP(n_vectors)                                                                                           \
    case n_vectors:                                                                                                    \
        NAME(block_step)(&l, &s, &volley, first, rule, forgets, n_vectors);                                            \
        break;

TARGET static ALWAYS_INLINE int
NAME(blocks_step)(const LeakyLayer *layer, const LeakyStep *step, const FiringRule rule, const int forgets)
{
    NAME(volley) volley = NAME(volley_begins)(step->fired);
    for (ptrdiff_t first = 0; first < layer->width; first += STEPPED * LANES) {
        const ptrdiff_t n = layer->width - first;
        LeakyLayer l = *layer;
        LeakyStep s = *step;
        l.weights += first;
        l.recurrent += first;
        l.bias += l.bias ? first : 0;
        l.sum += first;
        s.before += first;
        s.after += first;
        switch (n < STEPPED * LANES ? n / LANES : STEPPED) {
            CASE_STEP(1)
            CASE_STEP(2)
            CASE_STEP(3)
            CASE_STEP(4)
            CASE_STEP(5)
            CASE_STEP(6)
            CASE_STEP(7)
            CASE_STEP(8)
#if !HAVE_VECTORS
            CASE_STEP(16)
#endif
        }
    }
    return NAME(volley_ends)(&volley, step->fired);
}

TARGET static ALWAYS_INLINE int
NAME(layer_step)(const LeakyLayer *layer, const LeakyStep *step, const FiringRule rule, const int forgets)
{
    if (layer->recurrent && layer->width <= WIDE)
        return NAME(blocks_step)(layer, step, rule, forgets);
    if (layer->recurrent) {
        NAME(rows_add)(layer->sum, layer->width, layer->weights, layer->stride, step->below);
        NAME(rows_add)(layer->sum, layer->width, layer->recurrent, layer->recurrent_stride, step->own);
    }
    return NAME(units_fire_leaky)(layer, step, rule, forgets);
}

TARGET static int
NAME(leaky_step)(const LeakyLayer *layer, const LeakyStep *step)
{
    const int forgets = layer->keep == 0.0f;
    if (layer->rule == FIRE_BOTH)
        return forgets ? NAME(units_fire_leaky)(layer, step, FIRE_BOTH, 1) : NAME(units_fire_leaky)(layer, step, FIRE_BOTH, 0);
    if (forgets)
        return NAME(layer_step)(layer, step, FIRE_BACK, 1);
    return layer->rule == FIRE_BACK ? NAME(layer_step)(layer, step, FIRE_BACK, 0) : NAME(layer_step)(layer, step, FIRE_UP, 0);
}

TARGET static int
NAME(error_fire)(float *potential, const float *sum, ptrdiff_t n, const uint16_t *gate, float *count, SpikeCounts *out)
{
    VECTOR total = {0};
    LANES_WHERE inside = NAME(not_above)(total, 0.0f);
    ptrdiff_t found = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        VECTOR input = *(const VECTOR *)(sum + j);
        inside &= NAME(not_above)(NAME(magnitude)(input), BELOW_LIMIT);
        if (gate)
            input = NAME(gated)(input, gate, j);
        const VECTOR v = *(const VECTOR *)(potential + j) + input;
        const LANES_WHERE countable = NAME(not_above)(NAME(magnitude)(v), BELOW_LIMIT);
        const VECTOR fired = NAME(spikes_due)(NAME(only_where)(v, countable), FIRE_BOTH);
        inside &= countable;
        *(VECTOR *)(potential + j) = v - fired;
        *(VECTOR *)(count + j) = fired;
        total += NAME(magnitude)(fired);
        found += NAME(lanes_list)(fired, j, out->unit + found, out->count + found);
    }
    out->n = found;
    out->total = NAME(whole_sum)(total);
    return COUNT_BITS(NAME(bits)(inside)) == LANES && out->total < SPIKE_LIMIT ? 0 : -1;
}

/* Four columns of four rows become four rows of `to`, or are added to them. */
#if HAVE_X86
TARGET static ALWAYS_INLINE void
NAME(quads_transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, const int adds)
{
    __m128 row[4];
    UNROLL
    for (int k = 0; k < 4; k++)
        row[k] = _mm_loadu_ps(from + k * from_stride);
    _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
    UNROLL
    for (int k = 0; k < 4; k++)
        _mm_storeu_ps(to + k * to_stride, adds ? _mm_add_ps(_mm_loadu_ps(to + k * to_stride), row[k]) : row[k]);
}
#endif

/* The same of ROW_PADDING rows. Part p of vector k takes row 4 p + k. */
#if SIMD_LEVEL == 3
TARGET static ALWAYS_INLINE void
NAME(lines_transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, const int adds)
{
    __m512 row[4], pair[4];
    UNROLL
    for (int k = 0; k < 4; k++) {
        row[k] = _mm512_castps128_ps512(_mm_loadu_ps(from + k * from_stride));
        row[k] = _mm512_insertf32x4(row[k], _mm_loadu_ps(from + (4 + k) * from_stride), 1);
        row[k] = _mm512_insertf32x4(row[k], _mm_loadu_ps(from + (8 + k) * from_stride), 2);
        row[k] = _mm512_insertf32x4(row[k], _mm_loadu_ps(from + (12 + k) * from_stride), 3);
    }
    UNROLL
    for (int k = 0; k < 2; k++) {
        pair[k] = _mm512_unpacklo_ps(row[2 * k], row[2 * k + 1]);
        pair[2 + k] = _mm512_unpackhi_ps(row[2 * k], row[2 * k + 1]);
    }
    UNROLL
    for (int k = 0; k < 4; k++) {
        const __m512d low = _mm512_castps_pd(pair[k / 2 * 2]), high = _mm512_castps_pd(pair[k / 2 * 2 + 1]);
        const __m512 column = _mm512_castpd_ps(k % 2 ? _mm512_unpackhi_pd(low, high) : _mm512_unpacklo_pd(low, high));
        _mm512_storeu_ps(to + k * to_stride, adds ? _mm512_add_ps(_mm512_loadu_ps(to + k * to_stride), column) : column);
    }
}
#endif

/* The transpose of up to ROW_PADDING rows, in fours of columns and of rows: cache lines of `to` are
   complete before they leave the cache. */
TARGET static ALWAYS_INLINE void
NAME(strip_transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                      ptrdiff_t n_columns, const int adds)
{
    ptrdiff_t whole_rows = 0, whole_columns = 0;
#if HAVE_X86
    whole_rows = n_rows / 4 * 4;
    whole_columns = n_columns / 4 * 4;
    for (ptrdiff_t j = 0; j < whole_columns; j += 4) {
#if SIMD_LEVEL == 3
        if (n_rows == ROW_PADDING) {
            NAME(lines_transpose)(to + j * to_stride, to_stride, from + j, from_stride, adds);
            continue;
        }
#endif
        for (ptrdiff_t i = 0; i < whole_rows; i += 4)
            NAME(quads_transpose)(to + j * to_stride + i, to_stride, from + i * from_stride + j, from_stride, adds);
    }
#endif
    for (ptrdiff_t j = 0; j < n_columns; j++)
        for (ptrdiff_t i = j < whole_columns ? whole_rows : 0; i < n_rows; i++)
            to[j * to_stride + i] = (adds ? to[j * to_stride + i] : 0.0f) + from[i * from_stride + j];
}

TARGET static void
NAME(transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                ptrdiff_t n_columns)
{
    for (ptrdiff_t i = 0; i < n_rows; i += ROW_PADDING)
        NAME(strip_transpose)(to + i, to_stride, from + i * from_stride, from_stride,
                              n_rows - i < ROW_PADDING ? n_rows - i : ROW_PADDING, n_columns, 0);
}

TARGET static void
NAME(transpose_move)(float *to, ptrdiff_t to_stride, float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                     ptrdiff_t n_columns)
{
    for (ptrdiff_t i = 0; i < n_rows; i += ROW_PADDING) {
        const ptrdiff_t n = n_rows - i < ROW_PADDING ? n_rows - i : ROW_PADDING;
        NAME(strip_transpose)(to + i, to_stride, from + i * from_stride, from_stride, n, n_columns, 1);
        memset(from + i * from_stride, 0, n * from_stride * sizeof *from);
    }
}

TARGET static double
NAME(squares_sum)(const float *values, ptrdiff_t n)
{
    float lane[ROW_PADDING];
    double total = 0.0;
    VECTOR sums[ROW_PADDING / LANES];
    for (int v = 0; v < ROW_PADDING / LANES; v++)
        sums[v] = (VECTOR){0};
    for (ptrdiff_t j = 0; j < n; j += ROW_PADDING)
        for (int v = 0; v < ROW_PADDING / LANES; v++) {
            const VECTOR x = *(const VECTOR *)(values + j + v * LANES);
            sums[v] += x * x;
        }
    memcpy(lane, sums, sizeof lane);
    for (int k = 0; k < ROW_PADDING; k++)
        total += lane[k];
    return total;
}

/* Each line is one rounded operation on every lane; the compiler vectorises the loop. */
TARGET static void
NAME(adam_step)(float *restrict weight, float *restrict first, float *restrict second, float *restrict gradient,
                ptrdiff_t n, float scale, const AdamRates *rates)
{
    const float beta_1 = rates->beta_1, rest_1 = rates->rest_1, beta_2 = rates->beta_2, rest_2 = rates->rest_2;
    const float rate = rates->rate, correction = rates->correction, epsilon = rates->epsilon;
    for (ptrdiff_t j = 0; j < n; j++) {
        const float g = scale * gradient[j];
        float m = beta_1 * first[j] + rest_1 * g, v = beta_2 * second[j] + rest_2 * (g * g);
        m = fabsf(m) < TINY ? 0.0f : m;
        v = v < TINY ? 0.0f : v;
        first[j] = m;
        second[j] = v;
        gradient[j] = 0.0f;
        weight[j] -= rate * m / (sqrtf(v) * correction + epsilon);
    }
}

TARGET static void
NAME(momentum_step)(float *restrict weight, float *restrict velocity, float *restrict gradient, ptrdiff_t n, float scale,
                    float rate, float momentum)
{
    for (ptrdiff_t j = 0; j < n; j++) {
        float v = momentum * velocity[j] - rate * (scale * gradient[j]);
        v = fabsf(v) < TINY ? 0.0f : v;
        velocity[j] = v;
        gradient[j] = 0.0f;
        weight[j] += v;
    }
}
