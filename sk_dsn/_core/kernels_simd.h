/* The kernels' bodies. Included once per instruction set by kernels.c, which defines
   INSTRUCTION_SET (a name), TARGET (a function attribute), LANES (floats a vector), REGISTERS (vectors that stay in
   registers in a loop over rows) and SIMD_LEVEL (0 none, 1 SSE2, 2 AVX2, 3 AVX-512). Undefines them at its end. */

#if HAVE_VECTORS
typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float NAME(quad) __attribute__((vector_size(16), aligned(4), may_alias));
#else
typedef float NAME(vector);
typedef float NAME(quad);
#endif
#define VECTOR NAME(vector)
#define QUAD NAME(quad)

/* One block of columns takes the whole list of rows with its sums in registers. */
#define DEFINE_BLOCK_ADD(function, type, lanes)                                                                        \
    TARGET static ALWAYS_INLINE void NAME(function)(float *sum, const float *weights, ptrdiff_t stride,                \
                                                    const int32_t *unit, const float *count, ptrdiff_t n,              \
                                                    const int n_vectors)                                               \
    {                                                                                                                  \
        type total[REGISTERS];                                                                                         \
        for (int v = 0; v < n_vectors; v++)                                                                            \
            total[v] = *(const type *)(sum + v * lanes);                                                               \
        for (ptrdiff_t k = 0; k < n; k++) {                                                                            \
            const float *row = weights + unit[k] * stride;                                                             \
            const float c = count[k];                                                                                  \
            for (int v = 0; v < n_vectors; v++)                                                                        \
                total[v] += c * *(const type *)(row + v * lanes);                                                      \
        }                                                                                                              \
        for (int v = 0; v < n_vectors; v++)                                                                            \
            *(type *)(sum + v * lanes) = total[v];                                                                     \
    }

DEFINE_BLOCK_ADD(block_add, VECTOR, LANES)
DEFINE_BLOCK_ADD(quads_add, QUAD, (HAVE_VECTORS ? 4 : 1))

#define CASE_ADD(n_vectors)                                                                                            \
    case n_vectors:                                                                                                    \
        NAME(block_add)(sum, weights, stride, unit, count, n, n_vectors);                                              \
        break;

TARGET static void
NAME(rows_add)(float *sum, ptrdiff_t width, const float *weights, ptrdiff_t stride, const int32_t *unit,
               const float *count, ptrdiff_t n)
{
    const ptrdiff_t n_vectors = width / LANES;
    const ptrdiff_t n_blocks = (n_vectors + REGISTERS - 1) / REGISTERS;
    for (ptrdiff_t block = 0; block < n_blocks; block++) {
        const ptrdiff_t first = block * n_vectors / n_blocks, end = (block + 1) * n_vectors / n_blocks;
        switch (end - first) {
            CASE_ADD(1)
            CASE_ADD(2)
            CASE_ADD(3)
            CASE_ADD(4)
            CASE_ADD(5)
            CASE_ADD(6)
            CASE_ADD(7)
            CASE_ADD(8)
            CASE_ADD(9)
            CASE_ADD(10)
            CASE_ADD(11)
            CASE_ADD(12)
#if REGISTERS > 12
            CASE_ADD(13)
            CASE_ADD(14)
            CASE_ADD(15)
            CASE_ADD(16)
#endif
        }
        sum += (end - first) * LANES;
        weights += (end - first) * LANES;
    }
    /* Never read past a row: its end may be the array's. */
    ptrdiff_t rest = width - n_vectors * LANES;
    for (; rest >= 4; rest -= 4, sum += 4, weights += 4)
        NAME(quads_add)(sum, weights, stride, unit, count, n, HAVE_VECTORS ? 1 : 4);
    for (; rest > 0; rest--, sum++, weights++) {
        float total = *sum;
        for (ptrdiff_t k = 0; k < n; k++)
            total += count[k] * weights[unit[k] * stride];
        *sum = total;
    }
}

/* The columns of one block need not be neighbours: they are the vectors in which delta has something. */
TARGET static ALWAYS_INLINE void
NAME(block_subtract)(float *weights, ptrdiff_t stride, const float *delta, const ptrdiff_t *column, const int32_t *unit,
                     const float *count, ptrdiff_t n, const int n_vectors)
{
    VECTOR d[8];
    for (int v = 0; v < n_vectors; v++)
        d[v] = *(const VECTOR *)(delta + column[v]);
    for (ptrdiff_t k = 0; k < n; k++) {
        float *row = weights + unit[k] * stride;
        const float c = count[k];
        for (int v = 0; v < n_vectors; v++) {
            VECTOR *w = (VECTOR *)(row + column[v]);
            *w -= c * d[v];
        }
    }
}

#define CASE_SUBTRACT(n_vectors)                                                                                       \
    case n_vectors:                                                                                                    \
        NAME(block_subtract)(weights, stride, delta, column, unit, count, n, n_vectors);                               \
        break;

TARGET static void
NAME(rows_subtract)(float *weights, ptrdiff_t stride, ptrdiff_t width, const float *delta, const int32_t *unit,
                    const float *count, ptrdiff_t n)
{
    ptrdiff_t column[8];
    int filled = 0;
    for (ptrdiff_t j = 0; j < width;) {
        int any = 0;
        for (int lane = 0; lane < LANES; lane++)
            any |= delta[j + lane] != 0.0f;
        column[filled] = j;
        filled += any;
        j += LANES;
        if (filled < 8 && j < width)
            continue;
        switch (filled) {
            CASE_SUBTRACT(1)
            CASE_SUBTRACT(2)
            CASE_SUBTRACT(3)
            CASE_SUBTRACT(4)
            CASE_SUBTRACT(5)
            CASE_SUBTRACT(6)
            CASE_SUBTRACT(7)
            CASE_SUBTRACT(8)
        }
        filled = 0;
    }
}

/* ceil(v - 1/2), or 0 where |v| is not below SPIKE_LIMIT. v = whole + rest with whole = trunc(v) and rest exact, so no
   v - 1/2 is rounded. The choice is made on bits: the compiler does not vectorise a conditional here. */
TARGET static ALWAYS_INLINE int32_t
NAME(net_count)(float v)
{
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits &= -(fabsf(v) < SPIKE_LIMIT);
    memcpy(&v, &bits, sizeof bits);
    const int32_t whole = (int32_t)v;
    const float rest = v - (float)whole;
    return whole + (rest > 0.5f) - (rest <= -0.5f);
}

TARGET static int
NAME(input_quantize)(const float *x, ptrdiff_t n, float scale, float *count)
{
    int32_t outside = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float v = scale * x[i];
        count[i] = (float)NAME(net_count)(v);
        outside |= !(fabsf(v) < SPIKE_LIMIT);
    }
    return -outside;
}

TARGET static int
NAME(sum_rectify)(const float *sum, ptrdiff_t n, float *count)
{
    int32_t outside = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        const int32_t net = NAME(net_count)(sum[j]);
        count[j] = (float)(net > 0 ? net : 0);
        outside |= !(sum[j] < SPIKE_LIMIT) | !(sum[j] >= -FLT_MAX);
    }
    return -outside;
}

TARGET static ALWAYS_INLINE int
NAME(units_fire)(float *potential, float *net_count, ptrdiff_t n, const FiringRule rule, const int counts, float *count)
{
    int32_t outside = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        const float v = potential[j];
        int32_t fired = NAME(net_count)(v);
        if (rule == FIRE_UP)
            fired = fired > 0 ? fired : 0;
        if (rule == FIRE_BACK) {
            const int32_t fired_before = -(int32_t)net_count[j];
            fired = fired > fired_before ? fired : fired_before;
        }
        count[j] = (float)fired;
        potential[j] = v - (float)fired;
        if (counts)
            net_count[j] += (float)fired;
        outside |= !(v < SPIKE_LIMIT) | !(v > (rule == FIRE_BOTH ? -SPIKE_LIMIT : -FLT_MAX));
    }
    return -outside;
}

TARGET static int
NAME(potential_fire)(float *potential, float *net_count, ptrdiff_t n, FiringRule rule, float *count)
{
    switch (rule) {
        case FIRE_UP:
            return NAME(units_fire)(potential, net_count, n, FIRE_UP, 1, count);
        case FIRE_BACK:
            return NAME(units_fire)(potential, net_count, n, FIRE_BACK, 1, count);
        default:
            return net_count ? NAME(units_fire)(potential, net_count, n, FIRE_BOTH, 1, count)
                             : NAME(units_fire)(potential, net_count, n, FIRE_BOTH, 0, count);
    }
}

/* Bits of the lanes in which v > threshold, and in which v <= threshold. */
TARGET static ALWAYS_INLINE uint32_t
NAME(mask_above)(VECTOR v, float threshold)
{
#if SIMD_LEVEL == 3
    return _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(threshold), _CMP_GT_OQ);
#elif SIMD_LEVEL == 2
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps((__m256)v, _mm256_set1_ps(threshold), _CMP_GT_OQ));
#elif SIMD_LEVEL == 1
    return (uint32_t)_mm_movemask_ps(_mm_cmpgt_ps((__m128)v, _mm_set1_ps(threshold)));
#else
    float lane[LANES];
    uint32_t mask = 0;
    memcpy(lane, &v, sizeof lane);
    for (int i = 0; i < LANES; i++)
        mask |= (uint32_t)(lane[i] > threshold) << i;
    return mask;
#endif
}

TARGET static ALWAYS_INLINE uint32_t
NAME(mask_not_above)(VECTOR v, float threshold)
{
    return ~NAME(mask_above)(v, threshold) & ((1u << LANES) - 1);
}

/* The larger of each lane: one comparison then serves all vectors of a block. */
TARGET static ALWAYS_INLINE VECTOR
NAME(larger)(VECTOR a, VECTOR b)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_max_ps((__m512)a, (__m512)b);
#elif SIMD_LEVEL == 2
    return (VECTOR)_mm256_max_ps((__m256)a, (__m256)b);
#elif SIMD_LEVEL == 1
    return (VECTOR)_mm_max_ps((__m128)a, (__m128)b);
#else
    float x[LANES], y[LANES];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (int i = 0; i < LANES; i++)
        x[i] = x[i] > y[i] ? x[i] : y[i];
    memcpy(&a, x, sizeof x);
    return a;
#endif
}

/* Bits of the lanes that may fire down. */
TARGET static ALWAYS_INLINE uint32_t
NAME(mask_down)(VECTOR v, const float *net_count, const FiringRule rule)
{
    if (rule == FIRE_UP)
        return 0;
    const uint32_t below = NAME(mask_not_above)(v, -0.5f);
    return rule == FIRE_BOTH ? below : below & NAME(mask_above)(*(const VECTOR *)net_count, 0.0f);
}

/* Fires the units past threshold in rounds of one spike a unit. Returns 0, or -1 where `out` has no room for a round. */
TARGET static int
NAME(block_fire)(float *potential, float *net_count, ptrdiff_t width, const FiringRule rule, int32_t base, int32_t arrival,
                 SpikeTrain *out)
{
    for (int more = 1; more;) {
        more = 0;
        if (out->room - out->n < width)
            return -1;
        for (ptrdiff_t first = 0; first < width; first += LANES) {
            const VECTOR p = *(const VECTOR *)(potential + first);
            const uint32_t up = NAME(mask_above)(p, 0.5f);
            for (uint32_t past = up | NAME(mask_down)(p, net_count + first, rule); past; past &= past - 1) {
                const int lane = LOWEST_BIT(past);
                const ptrdiff_t j = first + lane;
                const float fired = up >> lane & 1 ? 1.0f : -1.0f;
                out->unit[out->n] = base + (int32_t)j;
                out->sign[out->n] = fired;
                out->key[out->n] = fabsf(potential[j]);
                out->arrival[out->n++] = arrival;
                potential[j] -= fired;
                net_count[j] += fired;
                more |= potential[j] > 0.5f || (rule != FIRE_UP && potential[j] <= -0.5f);
            }
        }
    }
    return 0;
}

TARGET static ALWAYS_INLINE ptrdiff_t
NAME(block_integrate)(float *potential, float *net_count, const FiringRule rule, int32_t base, const float *weights,
                      ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t first, ptrdiff_t n, int pending,
                      SpikeTrain *out, const int n_vectors)
{
    VECTOR p[REGISTERS];
    ptrdiff_t k = first;
    if (pending && first < n) {
        if (NAME(block_fire)(potential, net_count, n_vectors * LANES, rule, base, (int32_t)k, out))
            return k;
        k++;
    }
    for (int v = 0; v < n_vectors; v++)
        p[v] = *(const VECTOR *)(potential + v * LANES);
    for (; k < n; k++) {
        const float *row = weights + unit[k] * stride;
        const float s = sign[k];
        for (int v = 0; v < n_vectors; v++)
            p[v] += s * *(const VECTOR *)(row + v * LANES);
        VECTOR most = p[0];
        uint32_t down = NAME(mask_down)(p[0], net_count, rule);
        for (int v = 1; v < n_vectors; v++) {
            most = NAME(larger)(most, p[v]);
            down |= NAME(mask_down)(p[v], net_count + v * LANES, rule);
        }
        if (!(NAME(mask_above)(most, 0.5f) | down))
            continue;
        for (int v = 0; v < n_vectors; v++)
            *(VECTOR *)(potential + v * LANES) = p[v];
        if (NAME(block_fire)(potential, net_count, n_vectors * LANES, rule, base, (int32_t)k, out))
            return k;
        for (int v = 0; v < n_vectors; v++)
            p[v] = *(const VECTOR *)(potential + v * LANES);
    }
    for (int v = 0; v < n_vectors; v++)
        *(VECTOR *)(potential + v * LANES) = p[v];
    return n;
}

#define CASE_INTEGRATE(n_vectors)                                                                                      \
    case n_vectors:                                                                                                    \
        return rule == FIRE_UP     ? NAME(block_integrate)(potential, net_count, FIRE_UP, base, weights, stride, unit,  \
                                                           sign, first, n, pending, out, n_vectors)                    \
               : rule == FIRE_BACK ? NAME(block_integrate)(potential, net_count, FIRE_BACK, base, weights, stride,     \
                                                           unit, sign, first, n, pending, out, n_vectors)              \
                                   : NAME(block_integrate)(potential, net_count, FIRE_BOTH, base, weights, stride,     \
                                                           unit, sign, first, n, pending, out, n_vectors);

TARGET static ptrdiff_t
NAME(train_integrate)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, int32_t base,
                      const float *weights, ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t first,
                      ptrdiff_t n, int pending, SpikeTrain *out)
{
    switch (width / LANES) {
#if LANES == 16
        CASE_INTEGRATE(1) CASE_INTEGRATE(2) CASE_INTEGRATE(3) CASE_INTEGRATE(4)
        CASE_INTEGRATE(5) CASE_INTEGRATE(6) CASE_INTEGRATE(7) CASE_INTEGRATE(8)
        CASE_INTEGRATE(9) CASE_INTEGRATE(10) CASE_INTEGRATE(11) CASE_INTEGRATE(12)
        CASE_INTEGRATE(13) CASE_INTEGRATE(14) CASE_INTEGRATE(15) CASE_INTEGRATE(16)
#elif LANES == 8
        CASE_INTEGRATE(2) CASE_INTEGRATE(4) CASE_INTEGRATE(6) CASE_INTEGRATE(8) CASE_INTEGRATE(10) CASE_INTEGRATE(12)
#elif LANES == 4
        CASE_INTEGRATE(4) CASE_INTEGRATE(8) CASE_INTEGRATE(12)
#else
        CASE_INTEGRATE(16)
#endif
    }
    return n;
}

#if SIMD_LEVEL == 3
#define GROUP 16
TARGET static ALWAYS_INLINE int
NAME(group_list)(const float *count, ptrdiff_t first, int32_t *unit, float *nonzero)
{
    const __m512 c = _mm512_loadu_ps(count + first);
    const __m512i i = _mm512_add_epi32(_mm512_set1_epi32((int)first), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                                                                       11, 12, 13, 14, 15));
    const __mmask16 mask = _mm512_cmp_ps_mask(c, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_ps(nonzero, _mm512_maskz_compress_ps(mask, c));
    _mm512_storeu_si512(unit, _mm512_maskz_compress_epi32(mask, i));
    return __builtin_popcount(mask);
}
#elif SIMD_LEVEL == 2
#define GROUP 8
TARGET static ALWAYS_INLINE int
NAME(group_list)(const float *count, ptrdiff_t first, int32_t *unit, float *nonzero)
{
    const __m256 c = _mm256_loadu_ps(count + first);
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(c, _mm256_setzero_ps(), _CMP_NEQ_UQ));
    const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)set_lanes[mask]));
    _mm256_storeu_ps(nonzero, _mm256_permutevar8x32_ps(c, order));
    _mm256_storeu_si256((__m256i *)unit, _mm256_add_epi32(order, _mm256_set1_epi32((int)first)));
    return __builtin_popcount(mask);
}
#elif SIMD_LEVEL == 1
#define GROUP 4
TARGET static ALWAYS_INLINE int
NAME(group_list)(const float *count, ptrdiff_t first, int32_t *unit, float *nonzero)
{
    int found = 0;
    unsigned mask = (unsigned)_mm_movemask_ps(_mm_cmpneq_ps(_mm_loadu_ps(count + first), _mm_setzero_ps()));
    for (; mask; mask &= mask - 1) {
        const ptrdiff_t i = first + __builtin_ctz(mask);
        unit[found] = (int32_t)i;
        nonzero[found++] = count[i];
    }
    return found;
}
#endif

/* A group writes whole vectors, of which the next group overwrites what did not spike. */
TARGET static ptrdiff_t
NAME(spikes_list)(const float *count, ptrdiff_t n, int32_t *unit, float *nonzero)
{
    ptrdiff_t found = 0, j = 0;
#if SIMD_LEVEL > 0
    for (; j + GROUP <= n; j += GROUP)
        found += NAME(group_list)(count, j, unit + found, nonzero + found);
#endif
    for (; j < n; j++) {
        unit[found] = (int32_t)j;
        nonzero[found] = count[j];
        found += count[j] != 0.0f;
    }
    return found;
}

/* exp(x) for x <= 0 in plain float32 steps, the same bits on every machine (libm's differ); 0 below -87. Cody and Waite's
   reduction, then a polynomial: relative error below 2e-7. */
TARGET static ALWAYS_INLINE float
NAME(exp_negative)(float x)
{
    int32_t bits;
    const int32_t keep = -(x > -87.0f);
    memcpy(&bits, &x, sizeof bits);
    bits &= keep;
    memcpy(&x, &bits, sizeof bits);
    const int32_t power = (int32_t)(x * 1.44269504f - 0.5f);
    const float k = (float)power;
    const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * (r * r) + r + 1.0f;
    const int32_t scale_bits = (power + 127) << 23;
    float scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    p *= scale;
    memcpy(&bits, &p, sizeof bits);
    bits &= keep;
    memcpy(&p, &bits, sizeof p);
    return p;
}

TARGET static double
NAME(softmax)(const float *sum, ptrdiff_t n, float t, float *p)
{
    float largest = sum[0], total = 0.0f;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = sum[j] > largest ? sum[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        p[j] = (sum[j] - largest) / t;
    for (ptrdiff_t j = n; j % ROW_PADDING; j++)
        p[j] = 0.0f;
    /* Whole vectors: most outputs are fewer than one. */
    for (ptrdiff_t first = 0; first < n; first += ROW_PADDING)
        for (int j = 0; j < ROW_PADDING; j++)
            p[first + j] = NAME(exp_negative)(p[first + j]);
    for (ptrdiff_t j = 0; j < n; j++)
        total += p[j];
    for (ptrdiff_t j = 0; j < n; j++)
        p[j] /= total;
    for (ptrdiff_t j = n; j % ROW_PADDING; j++)
        p[j] = 0.0f;
    return log((double)total) + (double)largest / (double)t;
}

TARGET static double
NAME(logistic)(const float *sum, ptrdiff_t n, float t, float *p)
{
    double loss = 0.0;
    for (ptrdiff_t j = 0; j < n; j++) {
        const float x = sum[j] / t, e = NAME(exp_negative)(-fabsf(x));
        p[j] = (x < 0.0f ? e : 1.0f) / (1.0f + e);
        loss += log1p((double)e) + (x > 0.0f ? (double)x : 0.0);
    }
    for (ptrdiff_t j = n; j % ROW_PADDING; j++)
        p[j] = 0.0f;
    return loss;
}

static const Kernels NAME(kernels) = {
    TEXT(INSTRUCTION_SET),
    REGISTERS * LANES / ROW_PADDING * ROW_PADDING,
    NAME(rows_add),
    NAME(rows_subtract),
    NAME(input_quantize),
    NAME(sum_rectify),
    NAME(potential_fire),
    NAME(train_integrate),
    NAME(spikes_list),
    NAME(softmax),
    NAME(logistic),
};

#undef GROUP
#undef VECTOR
#undef QUAD
#undef DEFINE_BLOCK_ADD
#undef CASE_ADD
#undef CASE_SUBTRACT
#undef CASE_INTEGRATE
#undef INSTRUCTION_SET
#undef TARGET
#undef LANES
#undef REGISTERS
#undef SIMD_LEVEL
