/* The kernels of the event-driven simulation. They add rows of weights to potentials, spike by
   spike, and write the spikes that follow in order. Part of kernels_simd.h.

   How to read it: `row_integrate` is the plain algorithm, one row after the other. The rest are two
   faster ways to the same spikes: `narrow_integrate` for rectifying layers that fit the registers,
   and `block_integrate` for wide layers. All end in `train_emit` or `arrived_sort`, which put the
   spikes of one arrival in order: largest |potential| first, of equal ones the lowest unit. */

/* Above this number the spikes of one arrival are sorted digit by digit. Counting takes the square
   of the number. */
#define MANY_ARRIVED 256
/* Vectors that keys_rank reads at a time: enough to hide the latency of an addition. */
#define RANKED (LANES == 16 ? 2 : LANES == 1 ? 1 : 4)

/* below[i] = the number of keys below key[i], for all i of RANKED vectors. No branch depends on the
   keys. */
TARGET static ALWAYS_INLINE void
NAME(keys_rank)(const float *key, const float *keys, ptrdiff_t n, int32_t *below)
{
    VECTOR own[RANKED];
    INTEGERS count[RANKED];
    UNROLL
    for (int v = 0; v < RANKED; v++) {
        own[v] = NAME(magnitude)(*(const VECTOR *)(key + v * LANES));
        count[v] = (INTEGERS){0};
    }
    for (ptrdiff_t k = 0; k < n; k++) {
        const float other = fabsf(keys[k]);
        UNROLL
        for (int v = 0; v < RANKED; v++)
            count[v] = NAME(count_where)(count[v], NAME(above)(own[v], other));
    }
    UNROLL
    for (int v = 0; v < RANKED; v++)
        *(INTEGERS *)(below + v * LANES) = count[v];
}

/* Appends the spikes of the present arrival: largest |potential| first, of equal ones the lowest
   unit. */
TARGET static void
NAME(arrived_sort)(SpikeTrain *train)
{
    const ptrdiff_t n = train->n_arrived;
    train->n_arrived = 0;
    if (n > MANY_ARRIVED) {
        train_sort(train, n);
    } else {
        int32_t below[MANY_ARRIVED];
        uint8_t equal[MANY_ARRIVED];
        for (ptrdiff_t k = 0; k < n; k += RANKED * LANES) {
            NAME(keys_rank)(train->potential + k, train->potential, n, below + k);
            memset(equal + k, 0, RANKED * LANES);
        }
        /* The loop runs backwards, so that of equal keys the lowest unit ends first. */
        for (ptrdiff_t k = n - 1; k >= 0; k--) {
            const int32_t beaten = below[k];
            const ptrdiff_t place = train->n + n - 1 - beaten - equal[beaten]++;
            train->unit[place] = train->arrived[k];
            train->sign[place] = train->potential[k] > 0.0f ? 1.0f : -1.0f;
        }
    }
    train->n += n;
}

TARGET static ALWAYS_INLINE void
NAME(train_emit)(SpikeTrain *train)
{
    if (train->n_arrived > 2) {
        NAME(arrived_sort)(train);
        return;
    }
    /* Up to two spikes are written without a branch on their number. */
    const int32_t *unit = train->arrived;
    const float *potential = train->potential;
    const int swapped = train->n_arrived == 2 && fabsf(potential[0]) < fabsf(potential[1]);
    for (int i = 0; i < 2; i++) {
        train->unit[train->n + i] = unit[i ^ swapped];
        train->sign[train->n + i] = potential[i ^ swapped] > 0.0f ? 1.0f : -1.0f;
    }
    train->n += train->n_arrived;
    train->n_arrived = 0;
}

/* The search for units past threshold has two steps. One comparison of the extremes of a row's
   vectors says whether any unit may be past it; only then the units are looked at. */
typedef struct {
    VECTOR largest;         /* potentials (FIRE_BOTH: without their sign) */
    LANES_WHERE down;       /* FIRE_BACK: lanes past the lower threshold */
} NAME(extremes);
#define EXTREMES NAME(extremes)

TARGET static ALWAYS_INLINE void
NAME(extremes_widen)(EXTREMES *extremes, VECTOR p, const float *net_count, const FiringRule rule)
{
    extremes->largest = NAME(larger)(extremes->largest, rule == FIRE_BOTH ? NAME(magnitude)(p) : p);
    if (rule == FIRE_BACK)
        extremes->down |= NAME(not_above)(p, -0.5f) & NAME(above)(*(const VECTOR *)net_count, BELOW_HALF);
}

TARGET static ALWAYS_INLINE int
NAME(any_past)(const EXTREMES *extremes, const FiringRule rule)
{
    const uint64_t up = NAME(bits)(NAME(above)(extremes->largest, rule == FIRE_BOTH ? BELOW_HALF : 0.5f));
    return (up | (rule == FIRE_BACK ? NAME(bits)(extremes->down) : 0)) != 0;
}

/* Masks of up to 64 neighbouring units: those that fire up, and those that fire down. */
typedef struct {
    uint64_t up, down;
} NAME(word);
#define WORD NAME(word)

/* Fires once the lanes past threshold; `changed` are those that do. */
TARGET static ALWAYS_INLINE VECTOR
NAME(lanes_fire)(VECTOR p, const float *net_count, const FiringRule rule, WORD *fired, LANES_WHERE *changed)
{
    const LANES_WHERE up = NAME(above)(p, 0.5f);
    *fired = (WORD){NAME(bits)(up), 0};
    *changed = up;
    if (rule != FIRE_UP) {
        LANES_WHERE down = NAME(not_above)(p, -0.5f);
        if (rule == FIRE_BACK)
            down &= NAME(above)(*(const VECTOR *)net_count, BELOW_HALF);
        fired->down = NAME(bits)(down);
        *changed |= down;
        p = NAME(add_where)(p, down, 1.0f);
    }
    return NAME(add_where)(p, up, -1.0f);
}

/* Adds the spikes of the lanes in a mask to those of the present arrival. p holds their potentials.
   Writes whole vectors. */
TARGET static ALWAYS_INLINE void
NAME(lanes_arrive)(VECTOR p, uint64_t mask, ptrdiff_t first, SpikeTrain *out)
{
    int32_t *const unit = out->arrived + out->n_arrived;
    float *const potential = out->potential + out->n_arrived;
#if SIMD_LEVEL == 3
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i number = _mm512_add_epi32(lane, _mm512_set1_epi32((int)first));
    _mm512_storeu_si512(unit, _mm512_maskz_compress_epi32((__mmask16)mask, number));
    _mm512_storeu_ps(potential, _mm512_maskz_compress_ps((__mmask16)mask, (__m512)p));
#elif SIMD_LEVEL == 2
    const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)set_lanes[mask]));
    _mm256_storeu_si256((__m256i *)unit, _mm256_add_epi32(order, _mm256_set1_epi32((int)first)));
    _mm256_storeu_ps(potential, _mm256_permutevar8x32_ps((__m256)p, order));
#else
    float lane[LANES];
    int n = 0;
    memcpy(lane, &p, sizeof lane);
    for (uint64_t past = mask; past; past &= past - 1, n++) {
        unit[n] = (int32_t)(first + LOWEST_BIT(past));
        potential[n] = lane[LOWEST_BIT(past)];
    }
#endif
    out->n_arrived += COUNT_BITS(mask);
}

/* The units of the word, numbered from `first` on, have fired once. Lists their spikes and fires
   them again while they are past threshold. Returns as train_fire. */
TARGET static int
NAME(word_arrive)(float *potential, float *net_count, FiringRule rule, ptrdiff_t first, WORD fired, SpikeTrain *out)
{
    float more = 0.0f;
    for (uint64_t past = fired.up | fired.down; past; past &= past - 1) {
        const ptrdiff_t j = first + LOWEST_BIT(past);
        const float left = fabsf(potential[j]);
        /* A unit takes back at most its net count. */
        more += rule == FIRE_BACK && potential[j] < 0.0f && net_count[j] < left ? net_count[j] : left;
    }
    if (!(more < SPIKE_LIMIT) || train_reserve(out, (ptrdiff_t)more + 2 * 64))
        return -1;
    for (uint64_t past = fired.up | fired.down; past; past &= past - 1) {
        const int bit = LOWEST_BIT(past);
        const ptrdiff_t j = first + bit;
        float v = potential[j], n = fired.up >> bit & 1 ? 1.0f : -1.0f;
        train_arrive(out, (int32_t)j, v + n);
        for (; v > 0.5f; v -= 1.0f, n += 1.0f)
            train_arrive(out, (int32_t)j, v);
        for (; v <= -0.5f && (rule == FIRE_BOTH || (rule == FIRE_BACK && net_count[j] + n >= 0.5f)); v += 1.0f, n -= 1.0f)
            train_arrive(out, (int32_t)j, v);
        potential[j] = v;
        if (net_count)
            net_count[j] += n;
    }
    return 0;
}

/* Adds a row and fires; without a row, only fires. */
TARGET static ALWAYS_INLINE int
NAME(row_integrate)(float *potential, float *net_count, ptrdiff_t width, const FiringRule rule, const float *row, float sign,
                    SpikeTrain *out)
{
    for (ptrdiff_t first = 0; first < width; first += 64) {
        const int n = width - first < 64 ? (int)(width - first) : 64;
        EXTREMES extremes = {0};
        for (int i = 0; i < n; i += LANES) {
            VECTOR *p = (VECTOR *)(potential + first + i);
            if (row)
                *p += sign * *(const VECTOR *)(row + first + i);
            NAME(extremes_widen)(&extremes, *p, net_count + first + i, rule);
        }
        if (!NAME(any_past)(&extremes, rule))
            continue;
        if (train_reserve(out, 64))
            return -1;
        VECTOR met[64 / LANES];
        WORD fired[64 / LANES], word = {0, 0};
        LANES_WHERE changed[64 / LANES];
        uint64_t still = 0;
        for (int v = 0; v < n / LANES; v++) {
            VECTOR *p = (VECTOR *)(potential + first) + v;
            met[v] = *p;
            *p = NAME(lanes_fire)(met[v], net_count + first + v * LANES, rule, &fired[v], &changed[v]);
            still |= NAME(bits)(NAME(above)(NAME(magnitude)(*p), BELOW_HALF)) & (fired[v].up | fired[v].down);
            word.up |= fired[v].up << v * LANES;
            word.down |= fired[v].down << v * LANES;
        }
        if (still) {
            if (NAME(word_arrive)(potential, net_count, rule, first, word, out))
                return -1;
            continue;
        }
        for (int v = 0; v < n / LANES; v++) {
            NAME(lanes_arrive)(met[v], fired[v].up | fired[v].down, first + v * LANES, out);
            if (net_count) {
                /* Dropped units do not fire; they are at -inf, and their difference is NaN. */
                const VECTOR lost = met[v] - *((const VECTOR *)(potential + first) + v);
                *((VECTOR *)(net_count + first) + v) += NAME(only_where)(lost, changed[v]);
            }
        }
    }
    if (out->n_arrived)
        NAME(train_emit)(out);
    return 0;
}

/* The mask of one vector in memory. Several lie side by side in a word. */
#if LANES == 16
typedef uint16_t NAME(lane_bits) __attribute__((may_alias));
#else
typedef uint8_t NAME(lane_bits);
#endif
#define NOTED_WIDTH 256

#if SIMD_LEVEL >= 2
/* A row mostly fires no rectifying neuron or one, and the processor cannot predict which: a branch
   on it costs more than a row. So rows are added up to NOTED_ROWS at a time. Masks of the units
   that fired are noted, and read afterwards. */
#define NOTED_ROWS 64

typedef struct {
    float before[NOTED_WIDTH];              /* potentials before the first row */
    uint64_t fired[NOTED_ROWS][NOTED_WIDTH / 64];
    VECTOR largest[NOTED_ROWS];             /* the largest potential of each lane, before it fired */
    NAME(lane_bits) lanes[NOTED_ROWS];      /* the lanes in which some unit fired */
} NAME(notes);
#define NOTES NAME(notes)

/* Whether all signs are -1, 0 or 1. Those of units that dropout scales are not. */
TARGET static int
NAME(signs_whole)(const float *sign, ptrdiff_t n)
{
    int32_t scaled = 0;
    for (ptrdiff_t k = 0; k < n; k++)
        scaled |= (sign[k] != 0.0f) & (fabsf(sign[k]) != 1.0f);
    return !scaled;
}

/* p + sign * row for a sign of -1, 0 or 1: the product is exact, so a fused multiply-add gives the
   same bits. */
TARGET static ALWAYS_INLINE VECTOR
NAME(signed_add)(VECTOR p, float sign, const float *row)
{
#if SIMD_LEVEL == 3
    return (VECTOR)_mm512_fmadd_ps(_mm512_set1_ps(sign), _mm512_loadu_ps(row), (__m512)p);
#else
    return p + sign * *(const VECTOR *)row;
#endif
}

/* Adds rows, and fires units past threshold once. `firing` gets a bit for each row that fired.
   Returns the number of rows added: it stops after a row in which some unit is still past
   threshold. */
TARGET static ALWAYS_INLINE ptrdiff_t
NAME(rows_note)(VECTOR *p, const float *weights, ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t n,
                NOTES *notes, uint64_t *firing, const int n_vectors)
{
    uint64_t rows = 0;
    for (ptrdiff_t k = 0; k < n; k++) {
        const float *row = weights + unit[k] * stride, *next = weights + unit[k + (k + 1 < n)] * stride;
        const float s = sign[k];
        VECTOR largest = {0};
        for (int w = n_vectors * LANES / 64; w < NOTED_WIDTH / 64; w++)
            notes->fired[k][w] = 0;
        UNROLL
        for (int v = 0; v < n_vectors; v++) {
            const VECTOR met = NAME(signed_add)(p[v], s, row + v * LANES);
            __builtin_prefetch(next + v * LANES);
            const LANES_WHERE up = NAME(above)(met, 0.5f);
            largest = NAME(larger)(largest, met);
            p[v] = NAME(add_where)(met, up, -1.0f);
            /* Volatile, or GCC gathers the stores of a row into shuffles. */
            ((volatile NAME(lane_bits) *)notes->fired[k])[v] = (NAME(lane_bits))NAME(bits)(up);
        }
        notes->largest[k] = largest;
        const uint64_t lanes = NAME(bits)(NAME(above)(largest, 0.5f));
        notes->lanes[k] = (NAME(lane_bits))lanes;
        rows |= (uint64_t)(lanes != 0) << k;
        if (NAME(bits)(NAME(above)(largest, 1.5f))) {
            n = k + 1;
            break;
        }
    }
    *firing = rows;
    return n;
}

/* Recomputes the potential of unit j before it fired in row k. */
TARGET static float
NAME(potential_noted)(const NOTES *notes, ptrdiff_t j, const float *weights, ptrdiff_t stride, const int32_t *unit,
                      const float *sign, ptrdiff_t k)
{
    float v = notes->before[j];
    for (ptrdiff_t i = 0; i < k; i++)
        v = v + sign[i] * weights[unit[i] * stride + j] - (notes->fired[i][j / 64] >> j % 64 & 1 ? 1.0f : 0.0f);
    return v + sign[k] * weights[unit[k] * stride + j];
}

/* Removes and returns the lowest unit of a set that is not empty. */
TARGET static ALWAYS_INLINE int
NAME(lowest_take)(uint64_t *set)
{
    uint64_t any = 0;
    int w = 0;
    UNROLL
    for (int i = 0; i < NOTED_WIDTH / 64 - 1; i++) {
        any |= set[i];
        w += any == 0;
    }
    const uint64_t word = set[w];
    set[w] = word & (word - 1);
    return 64 * w + LOWEST_BIT(word);
}

/* Appends the spikes of the rows in `firing`. First writes the lowest unit of every row, without a
   branch; then rows that fired several units are put in order. */
TARGET static int
NAME(notes_emit)(const NOTES *notes, float *net_count, const float *weights, ptrdiff_t stride, const int32_t *unit,
                 const float *sign, uint64_t firing, SpikeTrain *out)
{
    struct { int32_t row, many; ptrdiff_t place; } several[NOTED_ROWS];
    int n_several = 0;
    const ptrdiff_t first = out->n;
    ptrdiff_t place = first;
    if (train_reserve(out, COUNT_BITS(firing) * NOTED_WIDTH))
        return -1;
    int32_t *const fired_unit = out->unit;
    float *const fired_sign = out->sign;
    for (; firing; firing &= firing - 1) {
        const int32_t k = LOWEST_BIT(firing);
        const volatile uint64_t *fired = notes->fired[k];
        int many = 0, lowest = 0;
        UNROLL
        for (int w = NOTED_WIDTH / 64 - 1; w >= 0; w--) {
            const uint64_t word = fired[w];
            many += COUNT_BITS(word);
            lowest = word ? 64 * w + LOWEST_BIT(word) : lowest;
        }
        fired_unit[place] = lowest;
        several[n_several].row = k;
        several[n_several].many = many;
        several[n_several].place = place;
        n_several += many > 1;
        place += many;
    }
    for (int i = 0; i < n_several; i++) {
        const ptrdiff_t k = several[i].row;
        const int many = several[i].many, alone = COUNT_BITS(notes->lanes[k]) == many;
        uint64_t fired[NOTED_WIDTH / 64];
        memcpy(fired, notes->fired[k], sizeof fired);
        for (int m = 0; m < many; m++) {
            const int j = NAME(lowest_take)(fired);
            train_arrive(out, j, alone ? ((const float *)&notes->largest[k])[j % LANES]
                                       : NAME(potential_noted)(notes, j, weights, stride, unit, sign, k));
        }
        out->n = several[i].place;
        NAME(train_emit)(out);
    }
    for (ptrdiff_t k = first; k < place; k++) {
        fired_sign[k] = 1.0f;
        net_count[fired_unit[k]] += 1.0f;
    }
    out->n = place;
    return 0;
}

/* The potentials stay in registers where n_vectors is a constant. */
TARGET static ALWAYS_INLINE int
NAME(noted_integrate)(float *potential, float *net_count, const float *weights, ptrdiff_t stride, const int32_t *unit,
                     const float *sign, ptrdiff_t n, SpikeTrain *out, NOTES *notes, const int n_vectors)
{
    VECTOR p[NOTED_WIDTH / LANES];
    UNROLL
    for (int v = 0; v < n_vectors; v++)
        p[v] = *(const VECTOR *)(potential + v * LANES);
    while (n > 0) {
        UNROLL
        for (int v = 0; v < n_vectors; v++)
            *(VECTOR *)(notes->before + v * LANES) = p[v];
        uint64_t firing;
        const ptrdiff_t taken = NAME(rows_note)(p, weights, stride, unit, sign, n < NOTED_ROWS ? n : NOTED_ROWS, notes,
                                                &firing, n_vectors);
        const int still = NAME(bits)(NAME(above)(notes->largest[taken - 1], 1.5f)) != 0;
        if (NAME(notes_emit)(notes, net_count, weights, stride, unit, sign,
                             firing & ~((uint64_t)still << (taken - 1)), out))
            return -1;
        if (still) {
            UNROLL
            for (int v = 0; v < n_vectors; v++)
                *(VECTOR *)(potential + v * LANES) = p[v];
            for (int w = 0; w < NOTED_WIDTH / 64; w++) {
                const WORD fired = {notes->fired[taken - 1][w], 0};
                if (NAME(word_arrive)(potential, net_count, FIRE_UP, 64 * w, fired, out))
                    return -1;
            }
            NAME(train_emit)(out);
            UNROLL
            for (int v = 0; v < n_vectors; v++)
                p[v] = *(const VECTOR *)(potential + v * LANES);
        }
        unit += taken;
        sign += taken;
        n -= taken;
    }
    UNROLL
    for (int v = 0; v < n_vectors; v++)
        *(VECTOR *)(potential + v * LANES) = p[v];
    return 0;
}

#define CASE_INTEGRATE(n_vectors)                                                                                      \
    case n_vectors:                                                                                                    \
        return NAME(noted_integrate)(potential, net_count, weights, stride, unit, sign, n, out, &notes, n_vectors);

TARGET static int
NAME(narrow_integrate)(float *potential, float *net_count, ptrdiff_t width, const float *weights, ptrdiff_t stride,
                       const int32_t *unit, const float *sign, ptrdiff_t n, SpikeTrain *out)
{
    NOTES notes;
#if SIMD_LEVEL == 3
    switch (width / LANES) {
        CASE_INTEGRATE(1) CASE_INTEGRATE(2) CASE_INTEGRATE(3) CASE_INTEGRATE(4)
        CASE_INTEGRATE(5) CASE_INTEGRATE(6) CASE_INTEGRATE(7) CASE_INTEGRATE(8)
        CASE_INTEGRATE(9) CASE_INTEGRATE(10) CASE_INTEGRATE(11) CASE_INTEGRATE(12)
        CASE_INTEGRATE(13) CASE_INTEGRATE(14) CASE_INTEGRATE(15) CASE_INTEGRATE(16)
    }
    return 0;
#else
    return NAME(noted_integrate)(potential, net_count, weights, stride, unit, sign, n, out, &notes, (int)(width / LANES));
#endif
}
#endif

/* In wide layers, and where vectors are short, adding a row costs more than firing. So rows are
   added in blocks. The first pass adds a block and keeps only the extremes of each potential. In
   the second pass, vectors with a unit past a threshold repeat the block row by row and fire. At
   the end, the spikes are put in the order of rows. */
#define BLOCK_ROWS 16
/* Vectors at a time: in the first pass, which keeps two or three registers for each, and in the
   second, whose steps depend on each other. */
#define PASSED (SIMD_LEVEL == 3 ? 8 : 4)
#define FIRED 4
/* Size of the mask of one vector in memory. */
#define MASK_BITS (8 * (int)sizeof(NAME(lane_bits)))
#define MASK_WORDS (BLOCK_ROWS * MASK_BITS / 64)

typedef struct {
    ptrdiff_t n;
    const float *row[BLOCK_ROWS];
    float sign[BLOCK_ROWS];
} NAME(block);
#define BLOCK NAME(block)

/* Which lanes of a vector fired in each row. */
typedef union {
    NAME(lane_bits) row[BLOCK_ROWS];
    uint64_t word[MASK_WORDS];
} NAME(masks);

/* Vectors of potentials from before the block, and the first unit of each. */
typedef struct {
    int n;
    ptrdiff_t first[FIRED];
    VECTOR potential[FIRED];
} NAME(firing);
#define FIRING NAME(firing)

/* The potentials p of the units from `first` on, after row k of the block. */
TARGET static ALWAYS_INLINE VECTOR
NAME(row_take)(VECTOR p, const BLOCK *block, ptrdiff_t k, ptrdiff_t first)
{
    return p + block->sign[k] * *(const VECTOR *)(block->row[k] + first);
}

TARGET static ALWAYS_INLINE LANES_WHERE
NAME(past_down)(VECTOR p, VECTOR net_count, const FiringRule rule)
{
    LANES_WHERE down = NAME(not_above)(p, -0.5f);
    if (rule == FIRE_BACK)
        down &= NAME(above)(net_count, BELOW_HALF);
    return down;
}

/* The first pass over the units from `first` on. Returns a bit for each vector with a unit past a
   threshold. Fills `before` with the potentials from before the block. */
TARGET static ALWAYS_INLINE unsigned
NAME(vectors_pass)(float *potential, const float *net_count, const FiringRule rule, const BLOCK *block, ptrdiff_t first,
                   VECTOR *before, const int n_vectors)
{
    VECTOR p[PASSED], highest[PASSED], lowest[PASSED];
    unsigned past = 0;
    UNROLL
    for (int v = 0; v < n_vectors; v++) {
        before[v] = p[v] = *(const VECTOR *)(potential + first + v * LANES);
        highest[v] = lowest[v] = (VECTOR){0};
    }
    for (ptrdiff_t k = 0; k < block->n; k++) {
        UNROLL
        for (int v = 0; v < n_vectors; v++) {
            p[v] = NAME(row_take)(p[v], block, k, first + v * LANES);
            highest[v] = NAME(larger)(highest[v], rule == FIRE_BOTH ? NAME(magnitude)(p[v]) : p[v]);
            if (rule == FIRE_BACK)
                lowest[v] = NAME(smaller)(lowest[v], p[v]);
        }
    }
    UNROLL
    for (int v = 0; v < n_vectors; v++) {
        *(VECTOR *)(potential + first + v * LANES) = p[v];
        uint64_t lanes = NAME(bits)(NAME(above)(highest[v], rule == FIRE_BOTH ? BELOW_HALF : 0.5f));
        if (rule == FIRE_BACK)
            lanes |= NAME(bits)(NAME(past_down)(lowest[v], *(const VECTOR *)(net_count + first + v * LANES), rule));
        past |= (unsigned)(lanes != 0) << v;
    }
    return past;
}

/* The second pass over one vector in which some unit fires several times in one row. Returns as
   train_fire. */
TARGET static int
NAME(vector_fire)(float *potential, float *net_count, const FiringRule rule, const BLOCK *block, ptrdiff_t first, VECTOR p,
                  SpikeTrain *out)
{
    for (ptrdiff_t k = 0; k < block->n; k++) {
        const ptrdiff_t listed = out->n_arrived;
        WORD fired;
        LANES_WHERE changed;
        p = NAME(row_take)(p, block, k, first);
        *(VECTOR *)(potential + first) = NAME(lanes_fire)(p, net_count + first, rule, &fired, &changed);
        if (NAME(word_arrive)(potential, net_count, rule, first, fired, out))
            return -1;
        for (ptrdiff_t i = listed; i < out->n_arrived; i++)
            out->row[i] = (int32_t)k;
        p = *(const VECTOR *)(potential + first);
    }
    return 0;
}

/* The second pass over n_vectors of them. Returns as train_fire. */
TARGET static ALWAYS_INLINE int
NAME(vectors_fire)(float *potential, float *net_count, const FiringRule rule, const BLOCK *block, FIRING *firing,
                   SpikeTrain *out, const int n_vectors)
{
    VECTOR p[FIRED], net[FIRED], met[FIRED][BLOCK_ROWS];
    NAME(masks) lanes[FIRED];
    memset(lanes, 0, sizeof lanes);
    UNROLL
    for (int v = 0; v < n_vectors; v++) {
        /* Vectors beyond firing->n are copies of the first. */
        const int which = v < firing->n ? v : 0;
        firing->first[v] = firing->first[which];
        p[v] = firing->potential[which];
        net[v] = rule == FIRE_BACK ? *(const VECTOR *)(net_count + firing->first[v]) : (VECTOR){0};
    }
    for (ptrdiff_t k = 0; k < block->n; k++) {
        UNROLL
        for (int v = 0; v < n_vectors; v++) {
            const VECTOR m = NAME(row_take)(p[v], block, k, firing->first[v]);
            LANES_WHERE fired = NAME(above)(m, 0.5f);
            met[v][k] = m;
            p[v] = NAME(add_where)(m, fired, -1.0f);
            if (rule != FIRE_UP) {
                const LANES_WHERE down = NAME(past_down)(m, net[v], rule);
                p[v] = NAME(add_where)(p[v], down, 1.0f);
                if (rule == FIRE_BACK)
                    net[v] = NAME(add_where)(NAME(add_where)(net[v], fired, 1.0f), down, -1.0f);
                fired |= down;
            }
            lanes[v].row[k] = (NAME(lane_bits))NAME(bits)(fired);
        }
    }
    for (int v = 0; v < firing->n; v++) {
        const ptrdiff_t first = firing->first[v], listed = out->n_arrived;
        float largest = 0.0f;
        if (train_reserve(out, BLOCK_ROWS * LANES))
            return -1;
        for (int w = 0; w < MASK_WORDS; w++) {
            uint64_t fired = lanes[v].word[w];
            /* Mostly none or one: a spike is written without a branch on whether it exists. */
            do {
                const int bit = fired ? LOWEST_BIT(fired) : 0;
                const int k = (64 * w + bit) / MASK_BITS, lane = bit % MASK_BITS;
                const float m = ((const float *)&met[v][k])[lane];
                out->row[out->n_arrived] = k;
                out->arrived[out->n_arrived] = (int32_t)first + lane;
                out->potential[out->n_arrived] = m;
                out->n_arrived += fired != 0;
                largest = fired && fabsf(m) > largest ? fabsf(m) : largest;
                fired &= fired - 1;
            } while (fired);
        }
        if (largest >= 1.5f) {
            /* Some unit is still past threshold. */
            out->n_arrived = listed;
            if (NAME(vector_fire)(potential, net_count, rule, block, first, firing->potential[v], out))
                return -1;
            continue;
        }
        *(VECTOR *)(potential + first) = p[v];
        for (ptrdiff_t i = listed; net_count && i < out->n_arrived; i++)
            net_count[out->arrived[i]] += out->potential[i] > 0.0f ? 1.0f : -1.0f;
    }
    firing->n = 0;
    return 0;
}

/* Appends the listed spikes in the order of rows. */
TARGET static void
NAME(block_emit)(SpikeTrain *out)
{
    const ptrdiff_t n = out->n_arrived, first = out->n;
    int32_t *const unit = out->unit + first;
    float *const sign = out->sign + first;
    ptrdiff_t end[BLOCK_ROWS] = {0}, next = 0, several[BLOCK_ROWS][2];
    int n_several = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        end[out->row[i]]++;
    UNROLL
    for (int k = 0; k < BLOCK_ROWS; k++) {
        const ptrdiff_t many = end[k];
        end[k] = next;
        several[n_several][0] = next;
        several[n_several][1] = many;
        n_several += many > 1;
        next += many;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t to = end[out->row[i]]++;
        unit[to] = out->arrived[i];
        sign[to] = out->potential[i];
    }
    for (int i = 0; i < n_several; i++) {
        const ptrdiff_t at = several[i][0], many = several[i][1];
        if (many == 2) {
            const int32_t units[2] = {unit[at], unit[at + 1]};
            const float potentials[2] = {sign[at], sign[at + 1]};
            const int swapped = fabsf(potentials[0]) < fabsf(potentials[1]);
            unit[at] = units[swapped];
            unit[at + 1] = units[!swapped];
            sign[at] = potentials[swapped];
            sign[at + 1] = potentials[!swapped];
            continue;
        }
        memcpy(out->arrived, unit + at, many * sizeof *unit);
        memcpy(out->potential, sign + at, many * sizeof *sign);
        out->n = first + at;
        out->n_arrived = many;
        NAME(arrived_sort)(out);
    }
    for (ptrdiff_t i = 0; i < n; i++)
        sign[i] = sign[i] > 0.0f ? 1.0f : -1.0f;
    out->n = first + n;
    out->n_arrived = 0;
}

#define CASE_PASS(n_vectors)                                                                                           \
    case n_vectors:                                                                                                    \
        past = NAME(vectors_pass)(potential, net_count, rule, block, first, before, n_vectors);                        \
        break;

TARGET static ALWAYS_INLINE int
NAME(block_integrate)(float *potential, float *net_count, ptrdiff_t width, const FiringRule rule, const BLOCK *block,
                      SpikeTrain *out)
{
    const ptrdiff_t n_blocks = (width + PASSED * LANES - 1) / (PASSED * LANES);
    FIRING firing;
    firing.n = 0;
    for (ptrdiff_t b = 0, first = 0, end; b < n_blocks; b++, first = end) {
        VECTOR before[PASSED];
        unsigned past = 0;
        end = NAME(block_end)(b, n_blocks, width);
        switch ((end - first) / LANES) {
            CASE_PASS(1) CASE_PASS(2) CASE_PASS(3) CASE_PASS(4)
#if SIMD_LEVEL == 3
            CASE_PASS(5) CASE_PASS(6) CASE_PASS(7) CASE_PASS(8)
#endif
        }
        for (; past; past &= past - 1) {
            const int v = LOWEST_BIT(past);
            firing.first[firing.n] = first + v * LANES;
            firing.potential[firing.n++] = before[v];
            if (firing.n == FIRED && NAME(vectors_fire)(potential, net_count, rule, block, &firing, out, FIRED))
                return -1;
        }
    }
    if (firing.n && (firing.n == 1 ? NAME(vectors_fire)(potential, net_count, rule, block, &firing, out, 1)
                                   : NAME(vectors_fire)(potential, net_count, rule, block, &firing, out, FIRED)))
        return -1;
    if (out->n_arrived)
        NAME(block_emit)(out);
    return 0;
}

TARGET static ALWAYS_INLINE int
NAME(rows_integrate)(float *potential, float *net_count, ptrdiff_t width, const FiringRule rule, const float *weights,
                     ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t n, SpikeTrain *out)
{
    const ptrdiff_t most = SIMD_LEVEL < 2 || width > NOTED_WIDTH ? BLOCK_ROWS : 1;
    BLOCK block;
    for (ptrdiff_t first = 0; first < n; first += block.n) {
        block.n = n - first < most ? n - first : most;
        for (ptrdiff_t k = 0; k < block.n; k++) {
            block.row[k] = weights + unit[first + k] * stride;
            block.sign[k] = sign[first + k];
        }
        if (block.n == 1 ? NAME(row_integrate)(potential, net_count, width, rule, block.row[0], block.sign[0], out)
                         : NAME(block_integrate)(potential, net_count, width, rule, &block, out))
            return -1;
    }
    return 0;
}

TARGET static int
NAME(train_integrate)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, const float *weights,
                      ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t n, SpikeTrain *out)
{
    switch (rule) {
        case FIRE_UP:
#if SIMD_LEVEL >= 2
            if (width <= NOTED_WIDTH && NAME(signs_whole)(sign, n))
                return NAME(narrow_integrate)(potential, net_count, width, weights, stride, unit, sign, n, out);
#endif
            return NAME(rows_integrate)(potential, net_count, width, FIRE_UP, weights, stride, unit, sign, n, out);
        case FIRE_BACK:
            return NAME(rows_integrate)(potential, net_count, width, FIRE_BACK, weights, stride, unit, sign, n, out);
        default:
            return NAME(rows_integrate)(potential, net_count, width, FIRE_BOTH, weights, stride, unit, sign, n, out);
    }
}

TARGET static int
NAME(train_fire)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, SpikeTrain *out)
{
    switch (rule) {
        case FIRE_UP:
            return NAME(row_integrate)(potential, net_count, width, FIRE_UP, NULL, 0.0f, out);
        case FIRE_BACK:
            return NAME(row_integrate)(potential, net_count, width, FIRE_BACK, NULL, 0.0f, out);
        default:
            return NAME(row_integrate)(potential, net_count, width, FIRE_BOTH, NULL, 0.0f, out);
    }
}

#undef RANKED
#undef MANY_ARRIVED
#undef WORD
#undef EXTREMES
#undef BLOCK_ROWS
#undef PASSED
#undef FIRED
#undef MASK_BITS
#undef MASK_WORDS
#undef BLOCK
#undef FIRING
#undef CASE_PASS
#undef NOTES
#undef NOTED_ROWS
#undef NOTED_WIDTH
#undef CASE_INTEGRATE
