/* A time step of a layer in one kernel: `layer_fire` of integrate-and-fire units, and `leaky_step` of
   recurrent layers, whose columns take their rows, and fire, in registers. Included by
   kernels_simd.h. */

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

/* Adds the bias to one vector of potentials, from unit j on, checks them, and decays the net counts.
   Returns whether any unit is past threshold. */
TARGET static ALWAYS_INLINE int
NAME(lanes_settle)(const FiringLayer *layer, NAME(volley) *volley, ptrdiff_t j, const FiringRule rule)
{
    VECTOR *potential = (VECTOR *)(layer->potential + j), *net_count = (VECTOR *)(layer->net_count + j);
    if (layer->bias)
        *potential += *(const VECTOR *)(layer->bias + j);
    const VECTOR v = *potential;
    if (!layer->drops)
        volley->lowest = NAME(smaller)(volley->lowest, v);
    volley->inside &= NAME(not_above)(v, rule == FIRE_NEVER ? FLT_MAX : BELOW_LIMIT);
    if (rule == FIRE_NEVER)
        return 0;
    if (layer->decay != 1.0f)
        *net_count = NAME(decayed)(*net_count, layer->decay);
    *(VECTOR *)(layer->count + j) = (VECTOR){0};
    uint64_t past = NAME(bits)(NAME(above)(v, 0.5f));
    if (rule == FIRE_BACK)
        past |= NAME(bits)(NAME(not_above)(v, -0.5f) & NAME(above)(*net_count, BELOW_HALF));
    return past != 0;
}

/* Fires the vector of units from j on. */
TARGET static ALWAYS_INLINE void
NAME(lanes_volley)(const FiringLayer *layer, NAME(volley) *volley, ptrdiff_t j, const FiringRule rule)
{
    VECTOR *potential = (VECTOR *)(layer->potential + j), *net_count = (VECTOR *)(layer->net_count + j);
    const VECTOR fired = NAME(lanes_due)(*potential, *net_count, rule, &volley->inside);
    *(VECTOR *)(layer->count + j) = fired;
    *potential -= fired;
    *net_count += fired;
    volley->total += NAME(magnitude)(fired);
    const int found = NAME(lanes_list)(fired, j, volley->unit, volley->count);
    volley->unit += found;
    volley->count += found;
}

/* Few units fire at a time step, and the processor cannot predict which: a word of vectors is searched
   without a branch, and then those are fired in which some unit is past threshold. */
TARGET static ALWAYS_INLINE int
NAME(units_integrate)(const FiringLayer *layer, const SpikeCounts *below, SpikeCounts *out, const FiringRule rule)
{
    NAME(volley) volley = NAME(volley_begins)(out);
    NAME(rows_add_decayed)(layer->potential, layer->width, layer->decay, layer->weights, layer->stride, below);
    for (ptrdiff_t first = 0; first < layer->width; first += 64 * LANES) {
        uint64_t past = 0;
        for (int v = 0; v < 64 && first + v * LANES < layer->width; v++)
            past |= (uint64_t)NAME(lanes_settle)(layer, &volley, first + v * LANES, rule) << v;
        for (; past; past &= past - 1)
            NAME(lanes_volley)(layer, &volley, first + LOWEST_BIT(past) * LANES, rule);
    }
    return NAME(volley_ends)(&volley, out);
}

TARGET static int
NAME(layer_fire)(const FiringLayer *layer, const SpikeCounts *below, SpikeCounts *out)
{
    if (layer->rule == FIRE_NEVER)
        return NAME(units_integrate)(layer, below, out, FIRE_NEVER);
    return layer->rule == FIRE_UP ? NAME(units_integrate)(layer, below, out, FIRE_UP)
                                  : NAME(units_integrate)(layer, below, out, FIRE_BACK);
}

/* keep * v. Magnitudes below 2^-100 become 0, so that silence ends and nothing is denormal; NaN
   stays. */
TARGET static ALWAYS_INLINE VECTOR
NAME(leaked)(VECTOR v, float keep)
{
    const VECTOR kept = keep * v;
    return NAME(only_where)(kept, (LANES_WHERE)~NAME(not_above)(NAME(magnitude)(kept), BELOW_TINY));
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

/* Columns of a layer that take their rows, and fire, in registers. */
#define STEPPED (HAVE_VECTORS ? 8 : 16)

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
        return forgets ? NAME(units_fire_leaky)(layer, step, FIRE_BOTH, 1)
                       : NAME(units_fire_leaky)(layer, step, FIRE_BOTH, 0);
    if (forgets)
        return NAME(layer_step)(layer, step, FIRE_BACK, 1);
    return layer->rule == FIRE_BACK ? NAME(layer_step)(layer, step, FIRE_BACK, 0)
                                    : NAME(layer_step)(layer, step, FIRE_UP, 0);
}

