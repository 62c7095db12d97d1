/* The vector work of the core: rows of weights and the quantisers.

   Each kernel is plain C or GNU vector extensions, compiled once per instruction set
   (kernels_simd.h) and chosen at run time. Products are exact or rounded before they are added, and
   rows are added in the order given, so every instruction set gives the same bits. No pointer needs
   alignment; outputs never overlap inputs unless said. */
#ifndef SK_DSN_KERNELS_H
#define SK_DSN_KERNELS_H

#include "spike_train.h"

/* Training pads rows of weights, and every vector over units, to a multiple of this many floats (a
   cache line). */
#define ROW_PADDING 16

/* Fetches the cache lines of memory that will be read soon. */
static inline void
prefetch(const void *from, size_t size)
{
#if defined(__GNUC__)
    for (const char *line = from; line < (const char *)from + size; line += ROW_PADDING * sizeof(float))
        __builtin_prefetch(line, 0, 2);
#else
    (void)from, (void)size;
#endif
}

/* The number of the lowest bit of a mask that is not 0. */
static inline int
lowest_bit(uint64_t mask)
{
#if defined(__GNUC__)
    return __builtin_ctzll(mask);
#else
    int bit = 0;
    while (!(mask >> bit & 1))
        bit++;
    return bit;
#endif
}

/* The most samples side by side. */
#define MOST_TOGETHER 64

/* Which way a unit past threshold fires, +1 while v > 1/2 and -1 while v <= -1/2: only up (the
   rectifying neuron); up, and down while its net count is 1/2 or more, which without leak is above
   0 (the signed neuron); both ways (the signed quantiser); or never (a linear output, for which no
   kernel is called). */
typedef enum { FIRE_UP, FIRE_BACK, FIRE_BOTH, FIRE_NEVER } FiringRule;

/* Units that spiked, ascending, each with its signed count times the scale of dropout. The arrays
   have room for the units of the layer rounded up to ROW_PADDING. */
typedef struct {
    ptrdiff_t n;
    int32_t *unit;
    float *count;
    double total;           /* spikes of either sign, without the scale of dropout; exact below SPIKE_LIMIT */
} SpikeCounts;

/* A layer of integrate-and-fire units. Vectors over units have room for `width`, a multiple of
   ROW_PADDING, and are zero behind the last unit, as are rows. */
typedef struct {
    ptrdiff_t width;
    FiringRule rule;                /* not FIRE_BOTH; with FIRE_NEVER only potentials change */
    int drops;                      /* whether units may be dropped, at -inf */
    float decay;
    const float *weights;           /* of the layer below */
    ptrdiff_t stride;
    const float *bias;              /* NULL: none */
    float *potential, *net_count;
    float *count;                   /* takes the spikes of each unit */
} FiringLayer;

/* A leaky layer: its weights, and its sums between time steps. Vectors over units have room for
   `width`, a multiple of ROW_PADDING, and are zero behind the last unit, as are rows. */
typedef struct {
    ptrdiff_t width;
    FiringRule rule;
    float keep;                     /* 1 - leak */
    const float *weights;           /* of the layer below */
    ptrdiff_t stride;
    const float *recurrent;         /* NULL: no rows are added, from below neither */
    ptrdiff_t recurrent_stride;
    const float *bias;              /* NULL: none */
    float *sum;
} LeakyLayer;

/* One time step of it. */
typedef struct {
    const SpikeCounts *below;
    const SpikeCounts *own;         /* of the step before */
    const float *before;            /* the trace */
    float *after;                   /* may be the same array */
    uint16_t *gate;                 /* NULL, or takes a bit for each unit, u >= 0, in words of ROW_PADDING units */
    SpikeCounts *fired;             /* takes the spikes; room for width + ROW_PADDING */
} LeakyStep;

/* A step of Adam: w -= rate m / (sqrt(v) correction + epsilon), with moments m and v that are
   corrected for their start at 0. */
typedef struct {
    float beta_1, rest_1, beta_2, rest_2;   /* decay of each moment, and 1 minus it */
    float rate, correction, epsilon;
} AdamRates;

typedef struct {
    const char *name;

    /* sum[0:width] += count[k] * weights[unit[k]][0:width] for all k of the spikes, in order. */
    void (*rows_add)(float *sum, ptrdiff_t width, const float *weights, ptrdiff_t stride, const SpikeCounts *spikes);

    /* The same for up to MOST_TOGETHER samples, whose sums are sum_stride apart (width rounded up
       to ROW_PADDING at least), and units ascending: all of n_rows rows of weights are read,
       once. */
    void (*rows_share)(float *sum, ptrdiff_t sum_stride, ptrdiff_t width, const float *weights, ptrdiff_t stride,
                       ptrdiff_t n_rows, const SpikeCounts *spikes, ptrdiff_t n_samples);

    /* weights[unit[k]][0:width] -= count[k] * delta[0:width]; width a multiple of ROW_PADDING.
       Columns in a cache line where all of delta is zero are left alone. */
    void (*rows_subtract)(float *weights, ptrdiff_t stride, ptrdiff_t width, const float *delta,
                          const int32_t *unit, const float *count, ptrdiff_t n);

    /* Net counts of units after input scale * sum, and the list of those that are not zero: with
       FIRE_BOTH the counts of a signed quantiser, ceil(scale * sum - 1/2), with any other rule
       those of a signed neuron, max(0, ceil(scale * sum - 1/2)). `keep`: NULL, or the scales of
       dropout, where a unit of scale 0 counts nothing. `count` has room for n rounded up to
       ROW_PADDING. Returns 0, or -1 where a count or their total is not below SPIKE_LIMIT or a sum
       is not finite. */
    int (*sums_count)(const float *sum, ptrdiff_t n, float scale, FiringRule rule, const float *keep, float *count,
                      SpikeCounts *out);

    /* Fires all units at once: count = ceil(potential - 1/2) as far as the rule allows, potential
       -= count, net_count += count (NULL only with FIRE_BOTH: nothing is counted). `out`: NULL, or
       where the units that fired are listed, as by spikes_list. All arrays have room for n rounded
       up to ROW_PADDING, and potentials and net counts are zero behind n. Returns 0, or -1 where a
       potential is NaN or not below SPIKE_LIMIT, with FIRE_BOTH in magnitude: one far below zero
       that cannot fire, such as that of a dropped unit, -inf, is in range. */
    int (*potential_fire)(float *potential, float *net_count, ptrdiff_t n, FiringRule rule, float *count,
                          SpikeCounts *out);

    /* Fires units past threshold until none is, into `out` in order of emission; net_count follows
       (NULL only with FIRE_BOTH: nothing is counted). width: a multiple of ROW_PADDING. Returns 0,
       or -1 where there are more spikes than can be counted, before they are emitted, or no
       memory. */
    int (*train_fire)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, SpikeTrain *out);

    /* Adds the rows weights[unit[k]] * sign[k] to the potentials one at a time, k = 0 .. n-1, each
       followed by train_fire. */
    int (*train_integrate)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, const float *weights,
                           ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t n, SpikeTrain *out);

    /* Whether all of n numbers, a multiple of ROW_PADDING, are finite. */
    int (*all_finite)(const float *values, ptrdiff_t n);

    /* Lists the units whose count is not zero. */
    void (*spikes_list)(const float *count, ptrdiff_t n, SpikeCounts *out);

    /* p = softmax(sum / t) over n outputs (p is filled with zeros up to a multiple of ROW_PADDING).
       Returns log(sum(exp)) + max, so that the log loss of class k is that minus sum[k] / t. */
    double (*softmax)(const float *sum, ptrdiff_t n, float t, float *p);

    /* p = 1 / (1 + exp(-sum / t)) of each of n outputs, filled up as by softmax. Returns the sum of
       log(1 + exp(sum / t)), so that the log loss of targets y is that minus the sum of y * sum /
       t. */
    double (*logistic)(const float *sum, ptrdiff_t n, float t, float *p);

    /* state[0:n] *= decay, and magnitudes below 2^-100 become 0: silence ends. Arrays as those of
       potential_fire. What is infinite, times a decay of 0, becomes 0. */
    void (*state_decay)(float *state, ptrdiff_t n, float decay);

    /* A time step of a layer of integrate-and-fire units: state_decay of potentials and net counts
       unless `decay` is 1, then rows_add of the spikes below, then the bias, then potential_fire,
       which lists the spikes in `out`. Returns 0, or -1 where a potential is not finite (a dropped
       unit may be at -inf), or, unless the rule is FIRE_NEVER, a potential or the number of spikes is
       not below SPIKE_LIMIT. */
    int (*layer_fire)(const FiringLayer *layer, const SpikeCounts *below, SpikeCounts *out);

    /* A time step of a leaky layer: adds the rows of the spikes below, then those of its own spikes,
       then the bias to its sums u, and fires ceil(v - 1/2) spikes, v = max(u, 0) - keep * before
       with FIRE_BACK, and v = u - keep * before with the other rules, of which FIRE_UP fires no
       negative ones. after = keep * before + spikes; the sums become keep * u. Returns 0, or -1
       where a sum is not finite or spikes are not below SPIKE_LIMIT. */
    int (*leaky_step)(const LeakyLayer *layer, const LeakyStep *step);

    /* Adds sum to the error potentials of units whose gate is open (NULL: of all), and fires
       ceil(potential - 1/2) error spikes. `count` and `out` take them. Returns as leaky_step. */
    int (*error_fire)(float *potential, const float *sum, ptrdiff_t n, const uint16_t *gate, float *count,
                      SpikeCounts *out);

    /* to = the transpose of n_rows rows of n_columns; and to += it, and then from = 0. */
    void (*transpose)(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                      ptrdiff_t n_columns);
    void (*transpose_move)(float *to, ptrdiff_t to_stride, float *from, ptrdiff_t from_stride, ptrdiff_t n_rows,
                           ptrdiff_t n_columns);

    /* The sum of the squares of n values, n a multiple of ROW_PADDING; in float32, but for the sum
       of the lanes. */
    double (*squares_sum)(const float *values, ptrdiff_t n);

    /* Steps of Adam, and of gradient descent with momentum, by the gradient times `scale`; the
       gradient is then zero. */
    void (*adam_step)(float *weight, float *first, float *second, float *gradient, ptrdiff_t n, float scale,
                      const AdamRates *rates);
    void (*momentum_step)(float *weight, float *velocity, float *gradient, ptrdiff_t n, float scale, float rate,
                          float momentum);
} Kernels;

/* Instruction sets this processor and this build have, best first, NULL behind the last. */
const Kernels *const *kernels_available(void);

#endif
