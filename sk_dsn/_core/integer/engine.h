/* A Deep Spiking Network in integers that learns from its own spikes: C99, without malloc, floats or
   products. docs/integers.md shows how to use it, docs/semantics.md has the rules.

   Weights, potentials, inputs and targets are in units of 1/scale. A spike adds a row of weights to
   the potentials of the layer above. A unit fires while its potential is above half the scale, and
   each spike takes one scale from it. An error spike adds a column of weights to the error potentials
   of the layer below, and subtracts the counts of that layer's spikes from the column.

   How to use it: `dsn_begin` lays the network out in memory of the caller, who then sets the weights.
   A sample is `dsn_predict` or `dsn_learn`. One that arrives in events is `dsn_start`, then in each
   time step `dsn_event` for each event and `dsn_end_step`, then `dsn_end`. */
#ifndef SK_DSN_ENGINE_H
#define SK_DSN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* No stored number is larger, so that the sum of two fits 32 bits. */
#define DSN_LIMIT INT32_C(0x3fffffff)

/* What functions return. After any but DSN_DONE the sample is over: start the next. What it has
   taught so far stays in the weights, all of which are in range. */
enum {
    DSN_DONE = 0,
    DSN_OVERFLOW,   /* a number would pass DSN_LIMIT: the inputs, targets or weights are too large */
    DSN_FULL,       /* breadth-first: more spikes travel together than `room` */
    DSN_STOPPED,    /* by `poll` */
    DSN_NO_UNIT     /* an event of an input unit that there is not */
};

typedef struct {
    int32_t n_layers;           /* with input and output */
    const int32_t *n_units;     /* of each layer */
    int32_t scale;              /* of 1; at least 1 */
    int8_t depth_first;         /* each spike runs its course before the next, up and down */
    int8_t fractional;          /* weights change at each error spike, else at the end of the sample */
    int8_t hold_error;          /* errors leave at the end of the time step, else output spikes at once */
    int32_t room;               /* breadth-first: spikes that travel together, at most */
} DsnSettings;

/* Units that add what arrives to their potential, and fire it away in portions of one scale. */
typedef struct {
    int32_t n_units;
    int32_t low, high;          /* a unit fires while its potential is outside */
    int32_t *potential;
    int32_t *due;               /* units that are to fire: a heap, the largest potential first */
    int32_t n_due;
} DsnQuantizer;

typedef struct {
    DsnQuantizer neurons;
    int32_t *weights;           /* from the layer below: a row for each of its units; NULL: the input */
    int32_t *taken;             /* what spikes have taken from each potential; NULL: the input */
    int32_t *trace;             /* net count of each unit's spikes; NULL: the output */
    int32_t *error_count;       /* error spikes past the gate, unless fractional; NULL: the input */
    DsnQuantizer errors;        /* error potentials, kept from sample to sample; of hidden layers */
    int32_t unit, sign;         /* the spike that is on its way */
    /* Counts of the sample: its spikes, error spikes, and error spikes past the gate. */
    uint32_t n_spikes, n_error_spikes, n_passed;
} DsnLayer;

/* Spikes that travel together. One of sign -1 is the complement of its unit. */
typedef struct {
    int32_t *spike;
    int32_t n;
} DsnTrain;

typedef struct {
    const DsnSettings *settings;
    DsnLayer *layers;
    DsnQuantizer targets;
    int32_t *held;              /* output spikes minus target spikes of the time step */
    DsnTrain train, train_below;
    int32_t learning;
    /* Counts of the sample. A column counts as many additions as it has weights. */
    uint32_t n_target_spikes, n_additions;
    uint32_t n_polled;          /* n_additions at the last look at `poll` */
    int (*poll)(void);          /* NULL, or asked about every million additions whether to stop */
} DsnNetwork;

/* Lays a network out and clears it. `layers` has settings->n_layers places. Without memory (NULL) it
   only measures. Returns how many int32_t of memory are needed. The first *n_kept hold what is learned:
   the weights, layer by layer, then the error potentials of the hidden layers. */
size_t dsn_begin(DsnNetwork *net, const DsnSettings *settings, DsnLayer *layers, int32_t *memory, size_t *n_kept);

/* A sample of `n_steps` time steps. x holds a vector for each, `stride` apart; 0: one for all. */
int dsn_predict(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps);
int dsn_learn(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps, const int32_t *target);

/* The sum of input that an output unit has received in this sample. */
int32_t dsn_output(const DsnNetwork *net, int32_t unit);

/* The output unit with the largest sum, the first of several. */
int32_t dsn_largest_output(const DsnNetwork *net);

/* The parts of a sample. */
void dsn_start(DsnNetwork *net, int32_t learning);
int dsn_event(DsnNetwork *net, int32_t unit, int32_t sign);
int dsn_input(DsnNetwork *net, const int32_t *x);           /* quantises x to events */
int dsn_end_step(DsnNetwork *net, const int32_t *target);   /* in a sample that is learned */
int dsn_end(DsnNetwork *net);

#endif
