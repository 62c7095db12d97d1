#include "spike_train.h"

#include <string.h>

static uint32_t
magnitude_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x7fffffff;
}

/* From the lowest to the highest byte of |potential|, whose bits order as it does, the spikes are
   dealt out, stably: from the arrived ones to the train's end and back. */
void
train_sort(SpikeTrain *train, ptrdiff_t n)
{
    int32_t *unit = train->arrived, *other_unit = train->unit + train->n;
    float *potential = train->potential, *other_potential = train->sign + train->n;
    for (int shift = 0; shift < 32; shift += 8) {
        int32_t place[256] = {0}, at = 0;
        for (ptrdiff_t k = 0; k < n; k++)
            place[magnitude_bits(potential[k]) >> shift & 255]++;
        for (int digit = 255; digit >= 0; digit--) {
            const int32_t many = place[digit];
            place[digit] = at;
            at += many;
        }
        for (ptrdiff_t k = 0; k < n; k++) {
            const int32_t to = place[magnitude_bits(potential[k]) >> shift & 255]++;
            other_unit[to] = unit[k];
            other_potential[to] = potential[k];
        }
        int32_t *const dealt_unit = other_unit;
        float *const dealt_potential = other_potential;
        other_unit = unit;
        other_potential = potential;
        unit = dealt_unit;
        potential = dealt_potential;
    }
    /* Dealt out four times, they are where they arrived. */
    for (ptrdiff_t k = 0; k < n; k++) {
        train->unit[train->n + k] = unit[k];
        train->sign[train->n + k] = potential[k] > 0.0f ? 1.0f : -1.0f;
    }
}
