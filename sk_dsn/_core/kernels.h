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

    /* Fires a signed quantiser: count = ceil(potential - 1/2), potential -= count. Returns as input_quantize. */
    int (*potential_fire)(float *potential, ptrdiff_t n, float *count);

    /* Lists the units whose count is not zero, ascending. Returns how many. unit and nonzero have room for n rounded up
       to ROW_PADDING entries. */
    ptrdiff_t (*spikes_list)(const float *count, ptrdiff_t n, int32_t *unit, float *nonzero);

    /* p = softmax(sum / t) over n outputs (p is filled with zeros up to a multiple of ROW_PADDING). Returns log(sum(exp)) + max,
       so that the log loss of class k is that minus sum[k] / t. */
    double (*softmax)(const float *sum, ptrdiff_t n, float t, float *p);
} Kernels;

/* Instruction sets this processor and this build have, best first, NULL behind the last. */
const Kernels *const *kernels_available(void);

#endif
