/* The kernels of learning in recurrent networks: error spikes, transposed copies and the optimizer's
   step. Included by kernels_simd.h. A sum of squares runs in as many lanes on every instruction set,
   ROW_PADDING of them. */

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
