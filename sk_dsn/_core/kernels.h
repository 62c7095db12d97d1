/* The vector work of the core: rows of weights and the quantisers.

   Each kernel is plain C or GNU vector extensions, compiled once per instruction set (kernels_simd.h) and chosen at run
   time. Products and sums are rounded separately and rows are added in the order given, so every instruction set gives
   the same bits. No pointer needs alignment; outputs never overlap inputs unless said. */
#ifndef SK_DSN_KERNELS_H
#define SK_DSN_KERNELS_H

#include "spike_train.h"

/* Training pads rows of weights, and every vector over units, to a multiple of this many floats (a cache line). */
#define ROW_PADDING 16

/* Which way a unit past threshold fires, +1 while v > 1/2 and -1 while v <= -1/2: only up (the rectifying neuron), down
   only what it has fired up (the signed neuron), or both (the signed quantiser). */
typedef enum { FIRE_UP, FIRE_BACK, FIRE_BOTH } FiringRule;

typedef struct {
    const char *name;

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

    /* Fires what is past threshold until nothing is, into `out` in order of emission; net_count follows (NULL only with
       FIRE_BOTH: nothing is counted). width: a multiple of ROW_PADDING. Returns 0, or -1 where there are more spikes than
       can be counted, before they are emitted, or no memory. */
    int (*train_fire)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, SpikeTrain *out);

    /* Adds the rows weights[unit[k]] * sign[k] to the potentials one at a time, k = 0 .. n-1, each followed by train_fire. */
    int (*train_integrate)(float *potential, float *net_count, ptrdiff_t width, FiringRule rule, const float *weights,
                           ptrdiff_t stride, const int32_t *unit, const float *sign, ptrdiff_t n, SpikeTrain *out);

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
