/* The kernels' bodies. Included once per instruction set by kernels.c, which defines
   INSTRUCTION_SET (a name), TARGET (a function attribute), LANES (floats a vector), REGISTERS
   (vectors that stay in registers in a loop over rows) and SIMD_LEVEL (0 none, 1 SSE2, 2 AVX2, 3
   AVX-512). Undefines them at its end. */

#if HAVE_VECTORS
typedef float NAME(vector) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t NAME(integers) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#else
typedef float NAME(vector);
typedef int32_t NAME(integers);
#endif
#define VECTOR NAME(vector)
#define INTEGERS NAME(integers)
/* Rows of more columns than this are added a few at a time, not a few columns of all. */
#define WIDE 512
#define STREAMS 4
/* Vectors of a cache line, and those that rows_subtract takes at a time: whole lines. */
#define LINE (ROW_PADDING / LANES)
#define SUBTRACTED (HAVE_VECTORS ? 8 : 16)

/* The next vector of n values: of fewer than fill it, zeros behind them. */
TARGET static ALWAYS_INLINE VECTOR
NAME(lanes_load)(const float *from, ptrdiff_t n)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_maskz_loadu_ps((__mmask16)(n < LANES ? (1u << n) - 1 : UINT16_MAX), from);
#else
    float lane[LANES] = {0};
    VECTOR v;
    if (n >= LANES)
        return *(const VECTOR *)from;
    for (ptrdiff_t i = 0; i < n; i++)
        lane[i] = from[i];
    memcpy(&v, lane, sizeof v);
    return v;
#endif
}

/* Which lanes of a vector are the first n, as `lanes_masked` takes it; it reads no others. */
#if SIMD_LEVEL == 3
#define LANES_READ __mmask16
#define FIRST_LANES(n) ((__mmask16)((1u << (n)) - 1))
#elif SIMD_LEVEL == 2
#define LANES_READ __m256i
#define FIRST_LANES(n) _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define LANES_READ int
#define FIRST_LANES(n) ((int)(n))
#endif

TARGET static ALWAYS_INLINE VECTOR
NAME(lanes_masked)(const float *from, LANES_READ read)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_maskz_loadu_ps(read, from);
#elif SIMD_LEVEL == 2
    return (VECTOR)_mm256_maskload_ps(from, read);
#else
    return NAME(lanes_load)(from, read);
#endif
}

/* A condition on each lane. */
#if SIMD_LEVEL == 3
#define LANES_WHERE __mmask16
#else
#define LANES_WHERE INTEGERS
#endif

TARGET static ALWAYS_INLINE LANES_WHERE
NAME(above)(VECTOR v, float threshold)
{
#if SIMD_LEVEL == 3
    return _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(threshold), _CMP_GT_OQ);
#elif HAVE_VECTORS
    return (INTEGERS)(v > threshold);
#else
    return -(v > threshold);
#endif
}

/* NaN is in neither mask. */
TARGET static ALWAYS_INLINE LANES_WHERE
NAME(not_above)(VECTOR v, float threshold)
{
#if SIMD_LEVEL == 3
    return _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(threshold), _CMP_LE_OQ);
#elif HAVE_VECTORS
    return (INTEGERS)(v <= threshold);
#else
    return -(v <= threshold);
#endif
}

/* A bit for each lane. */
TARGET static ALWAYS_INLINE uint64_t
NAME(bits)(LANES_WHERE where)
{
#if SIMD_LEVEL == 3
    return where;
#elif SIMD_LEVEL == 2
    return (uint64_t)_mm256_movemask_ps((__m256)where);
#elif SIMD_LEVEL == 1
    return (uint64_t)_mm_movemask_ps((__m128)where);
#else
    int32_t lane[LANES];
    uint64_t bits = 0;
    memcpy(lane, &where, sizeof lane);
    for (int i = 0; i < LANES; i++)
        bits |= (uint64_t)(lane[i] & 1) << i;
    return bits;
#endif
}

/* v + value in some lanes, v in the others. */
TARGET static ALWAYS_INLINE VECTOR
NAME(add_where)(VECTOR v, LANES_WHERE where, float value)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_mask_add_ps((__m512)v, where, (__m512)v, _mm512_set1_ps(value));
#elif HAVE_VECTORS
    return v + (VECTOR)(where & (INTEGERS)((VECTOR){0} + value));
#else
    return where ? v + value : v;
#endif
}

/* count + 1 in some lanes. */
TARGET static ALWAYS_INLINE INTEGERS
NAME(count_where)(INTEGERS count, LANES_WHERE where)
{
#if SIMD_LEVEL == 3
    return (INTEGERS)_mm512_mask_add_epi32((__m512i)count, where, (__m512i)count, _mm512_set1_epi32(1));
#else
    return count - where;
#endif
}

/* The larger, and the smaller, of each lane. */
#if SIMD_LEVEL == 3
#define PICK(which, order) return (VECTOR)_mm512_##which##_ps((__m512)a, (__m512)b);
#elif SIMD_LEVEL == 2
#define PICK(which, order) return (VECTOR)_mm256_##which##_ps((__m256)a, (__m256)b);
#elif SIMD_LEVEL == 1
#define PICK(which, order) return (VECTOR)_mm_##which##_ps((__m128)a, (__m128)b);
#else
#define PICK(which, order)                                                                                             \
    float x[LANES], y[LANES];                                                                                          \
    memcpy(x, &a, sizeof x);                                                                                           \
    memcpy(y, &b, sizeof y);                                                                                           \
    for (int i = 0; i < LANES; i++)                                                                                    \
        x[i] = x[i] order y[i] ? x[i] : y[i];                                                                          \
    memcpy(&a, x, sizeof x);                                                                                           \
    return a;
#endif

TARGET static ALWAYS_INLINE VECTOR
NAME(larger)(VECTOR a, VECTOR b)
{
    PICK(max, >)
}

TARGET static ALWAYS_INLINE VECTOR
NAME(smaller)(VECTOR a, VECTOR b)
{
    PICK(min, <)
}

TARGET static ALWAYS_INLINE VECTOR
NAME(magnitude)(VECTOR v)
{
#if HAVE_VECTORS
    return (VECTOR)((INTEGERS)v & INT32_MAX);
#else
    return fabsf(v);
#endif
}

/* v in some lanes, 0 in the others. */
TARGET static ALWAYS_INLINE VECTOR
NAME(only_where)(VECTOR v, LANES_WHERE where)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_maskz_mov_ps(where, (__m512)v);
#elif HAVE_VECTORS
    return (VECTOR)((INTEGERS)v & where);
#else
    return where ? v : 0.0f;
#endif
}

/* v * decay; magnitudes below 2^-100 become 0, and so does NaN. */
TARGET static ALWAYS_INLINE VECTOR
NAME(decayed)(VECTOR v, float decay)
{
    const VECTOR left = v * decay;
    return NAME(only_where)(left, NAME(above)(NAME(magnitude)(left), BELOW_TINY));
}

/* One block of columns decays, unless by 1, and takes the whole list of rows with its sums in registers. Of the last vector
   no more is read than is there: a row's end may be the array's. */
TARGET static ALWAYS_INLINE void
NAME(block_add)(float *sum, float decay, const float *weights, ptrdiff_t stride, const int32_t *unit, const float *count,
                ptrdiff_t n, LANES_READ last, const int n_vectors)
{
    VECTOR total[REGISTERS];
    for (int v = 0; v < n_vectors; v++)
        total[v] = *(const VECTOR *)(sum + v * LANES);
    for (int v = 0; v < n_vectors && decay != 1.0f; v++)
        total[v] = NAME(decayed)(total[v], decay);
    for (ptrdiff_t k = 0; k < n; k++) {
        const float *row = weights + unit[k] * stride;
        const float c = count[k];
        for (int v = 0; v < n_vectors - 1; v++)
            total[v] += c * *(const VECTOR *)(row + v * LANES);
        total[n_vectors - 1] += c * NAME(lanes_masked)(row + (n_vectors - 1) * LANES, last);
    }
    for (int v = 0; v < n_vectors; v++)
        *(VECTOR *)(sum + v * LANES) = total[v];
}

#define CASE_ADD(n_vectors)                                                                                            \
    case n_vectors:                                                                                                    \
        NAME(block_add)(sum, decay, weights, stride, unit, count, n, last, n_vectors);                                 \
        break;

TARGET static ALWAYS_INLINE void
NAME(columns_add)(float *sum, ptrdiff_t width, float decay, const float *weights, ptrdiff_t stride, const int32_t *unit,
                  const float *count, ptrdiff_t n)
{
    const LANES_READ last = FIRST_LANES((width - 1) % LANES + 1);
    switch ((width + LANES - 1) / LANES) {
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
}

/* The end of block b of n_blocks of as many vectors each as can be. */
TARGET static ALWAYS_INLINE ptrdiff_t
NAME(block_end)(ptrdiff_t b, ptrdiff_t n_blocks, ptrdiff_t width)
{
    const ptrdiff_t end = (b + 1) * ((width + LANES - 1) / LANES) / n_blocks * LANES;
    return end < width ? end : width;
}

/* A few whole rows side by side, in order: streams that the processor fetches ahead. The sums pass
   through the cache. */
TARGET static ALWAYS_INLINE void
NAME(streams_add)(float *sum, ptrdiff_t width, const float *weights, ptrdiff_t stride, const int32_t *unit,
                  const float *count, const int n)
{
    const ptrdiff_t whole = (width - 1) / LANES * LANES;
    const LANES_READ last = FIRST_LANES(width - whole);
    const float *row[STREAMS];
    float c[STREAMS];
    UNROLL
    for (int k = 0; k < n; k++) {
        row[k] = weights + unit[k] * stride;
        c[k] = count[k];
    }
    for (ptrdiff_t j = 0; j < whole; j += LANES) {
        VECTOR total = *(const VECTOR *)(sum + j);
        UNROLL
        for (int k = 0; k < n; k++)
            total += c[k] * *(const VECTOR *)(row[k] + j);
        *(VECTOR *)(sum + j) = total;
    }
    for (int k = 0; k < n; k++)
        *(VECTOR *)(sum + whole) += c[k] * NAME(lanes_masked)(row[k] + whole, last);
}

TARGET static void
NAME(state_decay)(float *state, ptrdiff_t n, float decay)
{
    for (ptrdiff_t j = 0; j < n; j += LANES)
        *(VECTOR *)(state + j) = NAME(decayed)(*(const VECTOR *)(state + j), decay);
}

/* state_decay of the sums, unless by 1, and then rows_add. */
TARGET static void
NAME(rows_add_decayed)(float *sum, ptrdiff_t width, float decay, const float *weights, ptrdiff_t stride,
                       const SpikeCounts *spikes)
{
    if (width > WIDE) {
        ptrdiff_t k = 0;
        if (decay != 1.0f)
            NAME(state_decay)(sum, width, decay);
        for (; k + STREAMS <= spikes->n; k += STREAMS)
            NAME(streams_add)(sum, width, weights, stride, spikes->unit + k, spikes->count + k, STREAMS);
        for (; k < spikes->n; k++)
            NAME(streams_add)(sum, width, weights, stride, spikes->unit + k, spikes->count + k, 1);
        return;
    }
    const ptrdiff_t n_blocks = (width + REGISTERS * LANES - 1) / (REGISTERS * LANES);
    for (ptrdiff_t b = 0, first = 0, end; b < n_blocks; b++, first = end) {
        end = NAME(block_end)(b, n_blocks, width);
        NAME(columns_add)(sum + first, end - first, decay, weights + first, stride, spikes->unit, spikes->count, spikes->n);
    }
}

TARGET static void
NAME(rows_add)(float *sum, ptrdiff_t width, const float *weights, ptrdiff_t stride, const SpikeCounts *spikes)
{
    NAME(rows_add_decayed)(sum, width, 1.0f, weights, stride, spikes);
}

/* Tiles of the weights that all samples take from the first-level cache, one after the other. A
   tile of weights too many for the second level is copied, as its rows would lie on as many pages,
   and the next one fetched meanwhile. */
#define TILE 6144
#define TILE_COLUMNS (64 < REGISTERS * LANES ? 64 : REGISTERS * LANES)
#define TILE_COPIED (1 << 18)

TARGET static ALWAYS_INLINE void
NAME(rows_prefetch)(const float *weights, ptrdiff_t stride, ptrdiff_t first, ptrdiff_t end)
{
    for (ptrdiff_t i = first; i < end; i++)
        prefetch(weights + i * stride, TILE_COLUMNS * sizeof(float));
}

TARGET static void
NAME(rows_share)(float *sum, ptrdiff_t sum_stride, ptrdiff_t width, const float *weights, ptrdiff_t stride,
                 ptrdiff_t n_rows, const SpikeCounts *spikes, ptrdiff_t n_samples)
{
    float copy[TILE];
    ptrdiff_t from[MOST_TOGETHER], to[MOST_TOGETHER] = {0};
    const ptrdiff_t n_blocks = (width + TILE_COLUMNS - 1) / TILE_COLUMNS;
    const ptrdiff_t rows = TILE / TILE_COLUMNS;
    const int copied = n_rows * stride > TILE_COPIED;
    for (ptrdiff_t row = 0, row_end; row < n_rows; row = row_end) {
        row_end = n_rows - row < rows ? n_rows : row + rows;
        for (ptrdiff_t s = 0; s < n_samples; s++)
            for (from[s] = to[s]; to[s] < spikes[s].n && spikes[s].unit[to[s]] < row_end;)
                to[s]++;
        for (ptrdiff_t b = 0, first = 0, end; b < n_blocks; b++, first = end) {
            end = NAME(block_end)(b, n_blocks, width);
            const float *tile = weights + first;
            for (ptrdiff_t i = row; copied && i < row_end; i++)
                memcpy(copy + (i - row) * TILE_COLUMNS, tile + i * stride, (end - first) * sizeof(float));
            const int beside = b + 1 < n_blocks;
            const float *next = beside ? weights + end : weights + (row_end - row) * stride;
            const ptrdiff_t n_below = n_rows - row_end < rows ? n_rows - row_end : rows;
            const ptrdiff_t n_next = !copied ? 0 : beside ? row_end - row : n_below;
            for (ptrdiff_t s = 0; s < n_samples; s++) {
                NAME(rows_prefetch)(next, stride, row + s * n_next / n_samples, row + (s + 1) * n_next / n_samples);
                NAME(columns_add)(sum + s * sum_stride + first, end - first, 1.0f, copied ? copy - row * TILE_COLUMNS : tile,
                                  copied ? TILE_COLUMNS : stride, spikes[s].unit + from[s], spikes[s].count + from[s],
                                  to[s] - from[s]);
            }
        }
    }
}

/* The columns of one block need not be neighbours: they are the vectors of cache lines in which
   delta has something. */
TARGET static ALWAYS_INLINE void
NAME(block_subtract)(float *weights, ptrdiff_t stride, const float *delta, const ptrdiff_t *column, const int32_t *unit,
                     const float *count, ptrdiff_t n, const int n_vectors)
{
    VECTOR d[SUBTRACTED];
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
    ptrdiff_t column[SUBTRACTED];
    int filled = 0;
    for (ptrdiff_t j = 0; j < width;) {
        int any = 0;
        for (int lane = 0; lane < ROW_PADDING; lane++)
            any |= delta[j + lane] != 0.0f;
        for (int v = 0; v < LINE; v++)
            column[filled + v] = j + v * LANES;
        filled += any * LINE;
        j += ROW_PADDING;
        if (filled < SUBTRACTED && j < width)
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
#if !HAVE_VECTORS
            CASE_SUBTRACT(16)
#endif
        }
        filled = 0;
    }
}

#include "kernels_events.h"

/* Lists the counts of a vector that are not zero, with their units, numbered from `first` on.
   Writes whole vectors; the next call overwrites the surplus. Returns the number of counts
   listed. */
TARGET static ALWAYS_INLINE int
NAME(lanes_list)(VECTOR count, ptrdiff_t first, int32_t *unit, float *nonzero)
{
#if SIMD_LEVEL == 3
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 mask = _mm512_cmp_ps_mask((__m512)count, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_storeu_ps(nonzero, _mm512_maskz_compress_ps(mask, (__m512)count));
    _mm512_storeu_si512(unit, _mm512_maskz_compress_epi32(mask, _mm512_add_epi32(_mm512_set1_epi32((int)first), lane)));
    return __builtin_popcount(mask);
#elif SIMD_LEVEL == 2
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)count, _mm256_setzero_ps(), _CMP_NEQ_UQ));
    const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)set_lanes[mask]));
    _mm256_storeu_ps(nonzero, _mm256_permutevar8x32_ps((__m256)count, order));
    _mm256_storeu_si256((__m256i *)unit, _mm256_add_epi32(order, _mm256_set1_epi32((int)first)));
    return __builtin_popcount(mask);
#else
    float lane[LANES];
    int found = 0;
    memcpy(lane, &count, sizeof lane);
    for (int i = 0; i < LANES; i++) {
        unit[found] = (int32_t)(first + i);
        nonzero[found] = lane[i];
        found += lane[i] != 0.0f;
    }
    return found;
#endif
}

TARGET static ALWAYS_INLINE double
NAME(lanes_sum)(VECTOR v)
{
    float lane[LANES];
    double total = 0.0;
    memcpy(lane, &v, sizeof lane);
    for (int i = 0; i < LANES; i++)
        total += lane[i];
    return total;
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

TARGET static void
NAME(spikes_list)(const float *count, ptrdiff_t n, SpikeCounts *out)
{
    VECTOR total = {0};
    ptrdiff_t found = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        const VECTOR c = NAME(lanes_load)(count + j, n - j);
        total += NAME(magnitude)(c);
        found += NAME(lanes_list)(c, j, out->unit + found, out->count + found);
    }
    out->n = found;
    out->total = NAME(whole_sum)(total);
}

/* trunc(v) of lanes below SPIKE_LIMIT; a zero is positive on every instruction set. */
TARGET static ALWAYS_INLINE VECTOR
NAME(whole)(VECTOR v)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_roundscale_ps((__m512)v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC) + (VECTOR){0};
#elif HAVE_VECTORS
    return __builtin_convertvector(__builtin_convertvector(v, INTEGERS), VECTOR);
#else
    return (float)(int32_t)v;
#endif
}

/* The whole number next to each lane, either one at halfway. Of lanes not below SPIKE_LIMIT something
   not below it either, or NaN. */
TARGET static ALWAYS_INLINE VECTOR
NAME(nearest)(VECTOR v)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_roundscale_ps((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif SIMD_LEVEL == 2
    return (VECTOR)_mm256_round_ps((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif SIMD_LEVEL == 1
    return (VECTOR)_mm_cvtepi32_ps(_mm_cvtps_epi32((__m128)v));
#else
    const VECTOR limit = (VECTOR){0} + 2 * SPIKE_LIMIT, inside = NAME(smaller)(NAME(larger)(v, -limit), limit);
    const VECTOR whole = NAME(whole)(inside), rest = inside - whole;
    return NAME(add_where)(NAME(add_where)(whole, NAME(above)(rest, 0.5f), 1.0f), NAME(not_above)(rest, -0.5f), -1.0f);
#endif
}

/* ceil(v - 1/2); lanes not below SPIKE_LIMIT as above. v minus the nearest whole number is exact, so
   no v - 1/2 is rounded. A zero may be negative. */
TARGET static ALWAYS_INLINE VECTOR
NAME(due)(VECTOR v)
{
    const VECTOR near = NAME(nearest)(v);
    return NAME(add_where)(near, NAME(not_above)(v - near, -0.5f), -1.0f);
}

/* The firing rule: ceil(v - 1/2) of lanes below SPIKE_LIMIT, and with FIRE_UP max(0, ceil(v -
   1/2)). A zero is positive on every instruction set. */
TARGET static ALWAYS_INLINE VECTOR
NAME(spikes_due)(VECTOR v, const FiringRule rule)
{
    const VECTOR count = NAME(due)(v);
    if (rule == FIRE_UP)
        return NAME(only_where)(count, NAME(above)(count, 0.0f));
    return count + (VECTOR){0};
}

/* How many spikes a signed neuron can take back while its net count n is 1/2 or more: floor(n +
   1/2), n > -1. */
TARGET static ALWAYS_INLINE VECTOR
NAME(backs_most)(VECTOR n)
{
    const VECTOR whole = NAME(whole)(n);
    return NAME(add_where)(whole, NAME(above)(n - whole, BELOW_HALF), 1.0f);
}

/* The spikes of one vector of units with the potentials v, as far as the rule allows. Takes lanes out
   of range out of `inside`. */
TARGET static ALWAYS_INLINE VECTOR
NAME(lanes_due)(VECTOR v, VECTOR net_count, const FiringRule rule, LANES_WHERE *inside)
{
    const LANES_WHERE countable = NAME(not_above)(NAME(magnitude)(v), BELOW_LIMIT);
    const VECTOR fired = NAME(spikes_due)(NAME(only_where)(v, countable), rule);
    *inside &= rule == FIRE_BOTH ? countable : NAME(not_above)(v, BELOW_LIMIT);
    return rule == FIRE_BACK ? NAME(larger)(fired, (VECTOR){0} - NAME(backs_most)(net_count)) : fired;
}

/* All units at once; `counts` says whether there are net counts. */
TARGET static ALWAYS_INLINE int
NAME(units_fire)(float *potential, float *net_count, ptrdiff_t n, const FiringRule rule, const int counts, float *count,
                 SpikeCounts *out)
{
    LANES_WHERE inside = NAME(not_above)((VECTOR){0}, 0.0f);
    VECTOR total = {0};
    ptrdiff_t found = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        const VECTOR v = *(const VECTOR *)(potential + j);
        const VECTOR counted = counts ? *(const VECTOR *)(net_count + j) : (VECTOR){0};
        const VECTOR fired = NAME(lanes_due)(v, counted, rule, &inside);
        *(VECTOR *)(count + j) = fired;
        *(VECTOR *)(potential + j) = v - fired;
        if (counts)
            *(VECTOR *)(net_count + j) = counted + fired;
        if (out) {
            total += NAME(magnitude)(fired);
            found += NAME(lanes_list)(fired, j, out->unit + found, out->count + found);
        }
    }
    if (out) {
        out->n = found;
        out->total = NAME(whole_sum)(total);
    }
    return COUNT_BITS(NAME(bits)(inside)) == LANES ? 0 : -1;
}

TARGET static int
NAME(potential_fire)(float *potential, float *net_count, ptrdiff_t n, FiringRule rule, float *count, SpikeCounts *out)
{
    switch (rule) {
        case FIRE_UP:
            return NAME(units_fire)(potential, net_count, n, FIRE_UP, 1, count, out);
        case FIRE_BACK:
            return NAME(units_fire)(potential, net_count, n, FIRE_BACK, 1, count, out);
        default:
            return net_count ? NAME(units_fire)(potential, net_count, n, FIRE_BOTH, 1, count, out)
                             : NAME(units_fire)(potential, net_count, n, FIRE_BOTH, 0, count, out);
    }
}

TARGET static int
NAME(all_finite)(const float *values, ptrdiff_t n)
{
    LANES_WHERE inside = NAME(not_above)((VECTOR){0}, 0.0f);
    for (ptrdiff_t j = 0; j < n; j += LANES)
        inside &= NAME(not_above)(NAME(magnitude)(*(const VECTOR *)(values + j)), FLT_MAX);
    return COUNT_BITS(NAME(bits)(inside)) == LANES;
}

/* Net counts of one vector of sums. Takes the lanes that are out of range out of `inside`. */
TARGET static ALWAYS_INLINE VECTOR
NAME(lanes_count)(VECTOR v, const FiringRule rule, LANES_WHERE *inside)
{
    const LANES_WHERE countable = NAME(not_above)(NAME(magnitude)(v), BELOW_LIMIT);
    if (rule == FIRE_BOTH)
        *inside &= countable;
    else
        *inside &= NAME(not_above)(v, BELOW_LIMIT) & NAME(above)(v, -INFINITY);
    return NAME(spikes_due)(NAME(only_where)(v, countable), rule);
}

TARGET static ALWAYS_INLINE int
NAME(units_count)(const float *sum, ptrdiff_t n, float scale, const FiringRule rule, const float *keep, float *count,
                  SpikeCounts *out)
{
    VECTOR total = {0};
    LANES_WHERE inside = NAME(not_above)(total, 0.0f);
    ptrdiff_t found = 0;
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        VECTOR c = NAME(lanes_count)(scale * NAME(lanes_load)(sum + j, n - j), rule, &inside);
        if (keep)
            c = NAME(only_where)(c, NAME(above)(*(const VECTOR *)(keep + j), 0.0f));
        *(VECTOR *)(count + j) = c;
        total += NAME(magnitude)(c);
        if (keep)
            c *= *(const VECTOR *)(keep + j);
        found += NAME(lanes_list)(c, j, out->unit + found, out->count + found);
    }
    out->n = found;
    out->total = NAME(whole_sum)(total);
    return COUNT_BITS(NAME(bits)(inside)) == LANES && out->total < SPIKE_LIMIT ? 0 : -1;
}

TARGET static int
NAME(sums_count)(const float *sum, ptrdiff_t n, float scale, FiringRule rule, const float *keep, float *count,
                 SpikeCounts *out)
{
    if (keep)
        return NAME(units_count)(sum, n, scale, rule == FIRE_BOTH ? FIRE_BOTH : FIRE_UP, keep, count, out);
    return rule == FIRE_BOTH ? NAME(units_count)(sum, n, scale, FIRE_BOTH, NULL, count, out)
                             : NAME(units_count)(sum, n, scale, FIRE_UP, NULL, count, out);
}

/* exp(x) for x <= 0 in plain float32 steps, the same bits on every machine (libm's differ); 0 below
   -87. Cody and Waite's reduction, then a polynomial: relative error below 2e-7. */
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

#include "kernels_layers.h"
#include "kernels_recurrent.h"

static const Kernels NAME(kernels) = {
    TEXT(INSTRUCTION_SET),
    NAME(rows_add),
    NAME(rows_share),
    NAME(rows_subtract),
    NAME(sums_count),
    NAME(potential_fire),
    NAME(train_fire),
    NAME(train_integrate),
    NAME(all_finite),
    NAME(spikes_list),
    NAME(softmax),
    NAME(logistic),
    NAME(state_decay),
    NAME(layer_fire),
    NAME(leaky_step),
    NAME(error_fire),
    NAME(transpose),
    NAME(transpose_move),
    NAME(squares_sum),
    NAME(adam_step),
    NAME(momentum_step),
};

#undef WIDE
#undef STREAMS
#undef LINE
#undef SUBTRACTED
#undef TILE
#undef TILE_COLUMNS
#undef TILE_COPIED
#undef LANES_READ
#undef FIRST_LANES
#undef VECTOR
#undef INTEGERS
#undef LANES_WHERE
#undef PICK
#undef CASE_ADD
#undef CASE_STEP
#undef STEPPED
#undef CASE_SUBTRACT
#undef INSTRUCTION_SET
#undef TARGET
#undef LANES
#undef REGISTERS
#undef SIMD_LEVEL
