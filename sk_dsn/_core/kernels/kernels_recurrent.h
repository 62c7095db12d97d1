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

/* The sum of whole numbers: exact below SPIKE_LIMIT, and not below it where the exact sum is
   not. */
TARGET static ALWAYS_INLINE double
NAME(whole_sum)(VECTOR v)
{
#if SIMD_LEVEL == 3
    return _mm512_reduce_add_ps((__m512)v);
#else
    return NAME(lanes_sum)(v);
#endif
}

TARGET static ALWAYS_INLINE int
NAME(units_leak_fire)(float *sum, const float *bias, const float *before, float *after, ptrdiff_t n, float keep,
                      const FiringRule rule, uint16_t *gate, SpikeCounts *out)
{
    VECTOR total = {0};
    LANES_WHERE inside = NAME(not_above)(total, 0.0f);
    ptrdiff_t found = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        VECTOR u = *(const VECTOR *)(sum + j);
        if (bias)
            u += *(const VECTOR *)(bias + j);
        const VECTOR trace = NAME(leaked)(*(const VECTOR *)(before + j), keep);
        const VECTOR v = (rule == FIRE_BACK ? NAME(larger)(u, (VECTOR){0}) : u) - trace;
        const LANES_WHERE countable = NAME(not_above)(NAME(magnitude)(v), BELOW_LIMIT);
        const VECTOR fired = NAME(spikes_due)(NAME(only_where)(v, countable), rule == FIRE_UP ? FIRE_UP : FIRE_BOTH);
        inside &= NAME(not_above)(u, BELOW_LIMIT) & NAME(above)(u, -INFINITY);
        if (rule != FIRE_UP)
            inside &= countable;
        if (gate) {
            const uint16_t open = (uint16_t)(NAME(bits)(NAME(not_above)((VECTOR){0} - u, 0.0f)) << j % ROW_PADDING);
            gate[j / ROW_PADDING] = j % ROW_PADDING ? gate[j / ROW_PADDING] | open : open;
        }
        *(VECTOR *)(after + j) = trace + fired;
        *(VECTOR *)(sum + j) = NAME(leaked)(u, keep);
        total += NAME(magnitude)(fired);
        found += NAME(lanes_list)(fired, j, out->unit + found, out->count + found);
    }
    out->n = found;
    out->total = NAME(whole_sum)(total);
    return COUNT_BITS(NAME(bits)(inside)) == LANES && out->total < SPIKE_LIMIT ? 0 : -1;
}

TARGET static int
NAME(leak_fire)(float *sum, const float *bias, const float *before, float *after, ptrdiff_t n, float keep,
                FiringRule rule, uint16_t *gate, SpikeCounts *out)
{
    switch (rule) {
        case FIRE_UP:
            return NAME(units_leak_fire)(sum, bias, before, after, n, keep, FIRE_UP, gate, out);
        case FIRE_BACK:
            return NAME(units_leak_fire)(sum, bias, before, after, n, keep, FIRE_BACK, gate, out);
        default:
            return NAME(units_leak_fire)(sum, bias, before, after, n, keep, FIRE_BOTH, gate, out);
    }
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

/* Four rows of four columns at a time. */
TARGET static ALWAYS_INLINE void
NAME(transpose_to)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                   ptrdiff_t n_columns, const int adds)
{
    ptrdiff_t i = 0;
#if HAVE_X86
    for (; i + 4 <= n_rows; i += 4) {
        const float *row = from + i * from_stride;
        ptrdiff_t j = 0;
        for (; j + 4 <= n_columns; j += 4) {
            __m128 a = _mm_loadu_ps(row + j), b = _mm_loadu_ps(row + from_stride + j);
            __m128 c = _mm_loadu_ps(row + 2 * from_stride + j), d = _mm_loadu_ps(row + 3 * from_stride + j);
            float *column = to + j * to_stride + i;
            _MM_TRANSPOSE4_PS(a, b, c, d);
            if (adds) {
                a = _mm_add_ps(_mm_loadu_ps(column), a);
                b = _mm_add_ps(_mm_loadu_ps(column + to_stride), b);
                c = _mm_add_ps(_mm_loadu_ps(column + 2 * to_stride), c);
                d = _mm_add_ps(_mm_loadu_ps(column + 3 * to_stride), d);
            }
            _mm_storeu_ps(column, a);
            _mm_storeu_ps(column + to_stride, b);
            _mm_storeu_ps(column + 2 * to_stride, c);
            _mm_storeu_ps(column + 3 * to_stride, d);
        }
        for (; j < n_columns; j++)
            for (int k = 0; k < 4; k++)
                to[j * to_stride + i + k] = (adds ? to[j * to_stride + i + k] : 0.0f) + row[k * from_stride + j];
    }
#endif
    for (; i < n_rows; i++)
        for (ptrdiff_t j = 0; j < n_columns; j++)
            to[j * to_stride + i] = (adds ? to[j * to_stride + i] : 0.0f) + from[i * from_stride + j];
}

TARGET static void
NAME(transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                ptrdiff_t n_columns)
{
    NAME(transpose_to)(to, to_stride, from, from_stride, n_rows, n_columns, 0);
}

TARGET static void
NAME(transpose_add)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                    ptrdiff_t n_columns)
{
    NAME(transpose_to)(to, to_stride, from, from_stride, n_rows, n_columns, 1);
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
