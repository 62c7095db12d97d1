/* The vector work of the core: rows of weights and the quantisers.

   Each kernel is plain C or GNU vector extensions, compiled once per instruction set (kernels_simd.h) and chosen at run
   time. Products and sums are rounded separately and rows are added in the order given, so every instruction set gives
   the same bits. No pointer needs alignment; outputs never overlap inputs unless said. */
#ifndef SK_DSN_KERNELS_H
#define SK_DSN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* From this many spikes of one layer in one sample on, float32 no longer counts exactly. */
#define SPIKE_LIMIT 16777216.0f

/* Training pads rows of weights, and every vector over units, to a multiple of this many floats (a cache line). */
#define ROW_PADDING 16

/* Which way a unit past threshold fires, +1 while v > 1/2 and -1 while v <= -1/2: only up (the rectifying neuron), down
   only what it has fired up (the signed neuron), or both (the signed quantiser). */
typedef enum { FIRE_UP, FIRE_BACK, FIRE_BOTH } FiringRule;

/* Spikes in the order in which they were fired. */
typedef struct {
    ptrdiff_t n;
    ptrdiff_t room;
    int32_t *unit;
    float *sign;
    float *key;         /* |potential| before the spike: among spikes of one arrival the largest goes first */
    int32_t *arrival;   /* index of the incoming spike that set it off */
} SpikeTrain;

typedef struct {
    const char *name;
    ptrdiff_t block_width;  /* units of which train_integrate takes at most so many at a time */

    /* sum[0:width] += count[k] * weights[unit[k]][0:width] for k = 0 .. n-1 in order. */
    void (*rows_add)(float *sum, ptrdiff_t width, const float *weights, ptrdiff_t stride,
                     const int32_t *unit, const float *count, ptrdiff_t n);

    /* weights[unit[k]][0:width] -= count[k] * delta[0:width]; width a multiple of ROW_PADDING. Columns in a cache line
       where all of delta is zero are left alone. */
    void (*rows_subtract)(float *weights, ptrdiff_t stride, ptrdiff_t width, const float *delta,
                          const int32_t *unit, const float *count, ptrdiff_t n);

    /* count = net count of a signed quantiser that received scale * x: ceil(scale * x - 1/2). Returns 0, or -1 where
       some |scale * x| is not below SPIKE_LIMIT. */
    int (*input_quantize)(const float *x, ptrdiff_t n, float scale, float *count);

    /* count = max(0, ceil(sum - 1/2)), the net count of a signed neuron. Returns 0, or -1 where a sum is not finite or
       a count reaches SPIKE_LIMIT. */
    int (*sum_rectify)(const float *sum, ptrdiff_t n, float *count);

    /* Fires all units at once: count = ceil(potential - 1/2) as far as the rule allows, potential -= count,
       net_count += count (NULL only with FIRE_BOTH: nothing is counted). Returns as input_quantize; a potential far
       below zero that cannot fire is no error. */
    int (*potential_fire)(float *potential, float *net_count, ptrdiff_t n, FiringRule rule, float *count);

    /* Adds the rows weights[unit[k]] * sign[k] to the potentials one at a time, k = first .. n-1, and after each fires
       whatever is past threshold, in rounds of one spike a unit, into `out` (units numbered from `base`). width: a multiple
       of ROW_PADDING and at most block_width. Returns n, or the k whose firing found fewer than width places left in
       `out`: make room and call again with first = k and pending = 1. */
    ptrdiff_t (*train_integrate)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, int32_t base,
                                 const float *weights, ptrdiff_t stride, const int32_t *unit, const float *sign,
                                 ptrdiff_t first, ptrdiff_t n, int pending, SpikeTrain *out);

    /* Lists the units whose count is not zero, ascending. Returns how many. unit and nonzero have room for n rounded up
       to ROW_PADDING entries. */
    ptrdiff_t (*spikes_list)(const float *count, ptrdiff_t n, int32_t *unit, float *nonzero);

    /* p = softmax(sum / t) over n outputs (p is filled with zeros up to a multiple of ROW_PADDING). Returns log(sum(exp)) + max,
       so that the log loss of class k is that minus sum[k] / t. */
    double (*softmax)(const float *sum, ptrdiff_t n, float t, float *p);

    /* p = 1 / (1 + exp(-sum / t)) of each of n outputs, filled up as by softmax. Returns the sum of log(1 + exp(sum / t)), so
       that the log loss of targets y is that minus the sum of y * sum / t. */
    double (*logistic)(const float *sum, ptrdiff_t n, float t, float *p);
} Kernels;

/* Instruction sets this processor and this build have, best first, NULL behind the last. */
const Kernels *const *kernels_available(void);

#endif
