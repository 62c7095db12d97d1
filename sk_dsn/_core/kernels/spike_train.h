/* Spikes in the order in which they were fired. */
#ifndef SK_DSN_SPIKE_TRAIN_H
#define SK_DSN_SPIKE_TRAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* From this many spikes of one layer in one sample on, float32 no longer counts exactly. */
#define SPIKE_LIMIT 16777216.0f

/* Places that arrays over arrived spikes have beyond `room`, so that vectors may be read past the
   last. */
#define TRAIN_PADDING 64

typedef struct {
    ptrdiff_t n;
    ptrdiff_t room;
    int32_t *unit;
    float *sign;
    /* Spikes set off by a few arrivals, before they are in order. */
    ptrdiff_t n_arrived;
    int32_t *row;           /* which arrival */
    int32_t *arrived;       /* their units, those of an arrival ascending */
    float *potential;       /* before the spike, whose sign the spike has */
    int starved;            /* whether there was no memory for a spike */
} SpikeTrain;

static inline int
array_grow(void **array, ptrdiff_t n)
{
    void *grown = realloc(*array, (size_t)n * 4);
    if (grown)
        *array = grown;
    return grown ? 0 : -1;
}

/* Makes room for `more` spikes, arrived ones included. Returns 0, or -1 where there is no memory or
   the train would pass the spike limit. */
static inline int
train_reserve(SpikeTrain *train, ptrdiff_t more)
{
    const ptrdiff_t n = train->n + train->n_arrived, need = n + more + TRAIN_PADDING;
    if (n > SPIKE_LIMIT)
        return -1;
    if (need <= train->room)
        return 0;
    const ptrdiff_t room = need > 2 * train->room ? need : 2 * train->room;
    if (array_grow((void **)&train->unit, room) || array_grow((void **)&train->sign, room)
        || array_grow((void **)&train->row, room) || array_grow((void **)&train->arrived, room)
        || array_grow((void **)&train->potential, room)) {
        train->starved = 1;
        return -1;
    }
    /* Vectors of potentials are read past the last that arrived. It goes nowhere, but it should be
       numbers. */
    memset(train->potential + train->room, 0, (size_t)(room - train->room) * sizeof(float));
    train->room = room;
    return 0;
}

/* Appends a spike. Returns as train_reserve. */
static inline int
train_append(SpikeTrain *train, int32_t unit, float sign)
{
    if (train_reserve(train, 1))
        return -1;
    train->unit[train->n] = unit;
    train->sign[train->n++] = sign;
    return 0;
}

/* Adds a spike to those set off, which have room for it. */
static inline void
train_arrive(SpikeTrain *train, int32_t unit, float potential)
{
    train->arrived[train->n_arrived] = unit;
    train->potential[train->n_arrived++] = potential;
}

static inline void
train_clear(SpikeTrain *train)
{
    train->n = train->n_arrived = 0;
}

static inline void
train_free(SpikeTrain *train)
{
    free(train->unit);
    free(train->sign);
    free(train->row);
    free(train->arrived);
    free(train->potential);
}

/* Writes n arrived spikes behind the others: largest |potential| first, of equal ones the lowest
   unit. */
void train_sort(SpikeTrain *train, ptrdiff_t n);

#endif
