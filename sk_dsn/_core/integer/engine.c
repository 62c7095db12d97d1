/* How to read it: quantisers come first, then the way up (`spike_up`), the way down (depth-first
   `error_down`, breadth-first `errors_down`), and the parts of a sample. Nothing recurses, so that
   the stack is known: a spike that is on its way is noted in its layer, and units that are still to
   fire are in the heap of theirs. */
#include "engine.h"

#define ADDITIONS_BETWEEN_POLLS UINT32_C(1000000)

/* Quantisers. */

/* Whether unit a fires before unit b: the largest potential first, of equal ones the lowest unit. */
static int
fires_before(const DsnQuantizer *quantizer, int32_t a, int32_t b)
{
    int32_t size_a = quantizer->potential[a], size_b = quantizer->potential[b];
    size_a = size_a < 0 ? -size_a : size_a;
    size_b = size_b < 0 ? -size_b : size_b;
    return size_a > size_b || (size_a == size_b && a < b);
}

/* Moves place `at` of the heap down to where it belongs. */
static void
heap_sink(DsnQuantizer *quantizer, int32_t at)
{
    int32_t *due = quantizer->due;
    const int32_t unit = due[at];
    for (;;) {
        int32_t child = at + at + 1;
        if (child >= quantizer->n_due)
            break;
        if (child + 1 < quantizer->n_due && fires_before(quantizer, due[child + 1], due[child]))
            child++;
        if (!fires_before(quantizer, due[child], unit))
            break;
        due[at] = due[child];
        at = child;
    }
    due[at] = unit;
}

/* Adds or subtracts every `step`-th number of `vector`. Returns whether a potential is outside its
   thresholds then. */
static inline int32_t
potentials_add(const DsnQuantizer *quantizer, const int32_t *vector, size_t step, int32_t subtract)
{
    const int32_t n = quantizer->n_units, low = quantizer->low, high = quantizer->high;
    int32_t *potential = quantizer->potential;
    int32_t outside = 0;
    for (int32_t j = 0; j < n; j++) {
        const int32_t value = vector[(size_t)j * step];
        const int32_t sum = subtract ? potential[j] - value : potential[j] + value;
        potential[j] = sum;
        outside |= (sum < low) | (sum > high);
    }
    return outside;
}

/* Notes the units that are to fire. Returns DSN_OVERFLOW where a potential is out of range. */
static int
quantizer_look(DsnQuantizer *quantizer)
{
    const int32_t *potential = quantizer->potential;
    int32_t n_due = 0;
    for (int32_t j = 0; j < quantizer->n_units; j++)
        if (potential[j] < quantizer->low || potential[j] > quantizer->high) {
            if (potential[j] < -DSN_LIMIT || potential[j] > DSN_LIMIT)
                return DSN_OVERFLOW;
            quantizer->due[n_due++] = j;
        }
    quantizer->n_due = n_due;
    for (int32_t at = n_due / 2; at-- > 0;)
        heap_sink(quantizer, at);
    return DSN_DONE;
}

/* Adds a vector, whose numbers are in range. One that would overflow is not added. */
static int
quantizer_integrate(DsnQuantizer *quantizer, const int32_t *vector, size_t step, int32_t sign)
{
    int32_t outside;
    if (sign > 0)
        outside = step == 1 ? potentials_add(quantizer, vector, 1, 0) : potentials_add(quantizer, vector, step, 0);
    else
        outside = step == 1 ? potentials_add(quantizer, vector, 1, 1) : potentials_add(quantizer, vector, step, 1);
    if (outside && quantizer_look(quantizer)) {
        (void)potentials_add(quantizer, vector, step, sign > 0);
        return DSN_OVERFLOW;
    }
    return DSN_DONE;
}

/* The next unit fires, if there is one. */
static int
quantizer_fire(DsnQuantizer *quantizer, int32_t scale, int32_t *unit, int32_t *sign)
{
    int32_t *potential;
    if (quantizer->n_due == 0)
        return 0;
    *unit = quantizer->due[0];
    potential = &quantizer->potential[*unit];
    *sign = *potential > 0 ? 1 : -1;
    *potential += *sign > 0 ? -scale : scale;
    if (*potential >= quantizer->low && *potential <= quantizer->high)
        quantizer->due[0] = quantizer->due[--quantizer->n_due];
    if (quantizer->n_due > 1)
        heap_sink(quantizer, 0);
    return 1;
}

/* Parts of a network. */

static int32_t
last_layer(const DsnNetwork *net)
{
    return net->settings->n_layers - 1;
}

static int
add_limited(int32_t *total, int32_t amount)
{
    const int32_t sum = *total + amount;
    if (sum < -DSN_LIMIT || sum > DSN_LIMIT)
        return DSN_OVERFLOW;
    *total = sum;
    return DSN_DONE;
}

static int
work_done(DsnNetwork *net, int32_t additions)
{
    net->n_additions += (uint32_t)additions;
    if (net->n_additions - net->n_polled < ADDITIONS_BETWEEN_POLLS)
        return DSN_DONE;
    net->n_polled = net->n_additions;
    return net->poll && net->poll() ? DSN_STOPPED : DSN_DONE;
}

static int
train_append(const DsnNetwork *net, DsnTrain *train, int32_t unit, int32_t sign)
{
    if (train->n == net->settings->room)
        return DSN_FULL;
    train->spike[train->n++] = sign > 0 ? unit : -unit - 1;
    return DSN_DONE;
}

static int32_t
spike_unit(int32_t spike)
{
    return spike < 0 ? -spike - 1 : spike;
}

static int32_t
spike_sign(int32_t spike)
{
    return spike < 0 ? -1 : 1;
}

/* The sum of input that a neuron has received in this sample. */
static int32_t
received(const DsnLayer *layer, int32_t unit)
{
    return layer->neurons.potential[unit] + layer->taken[unit];
}

/* Learning. */

/* Subtracts the positive traces of the layer below from the weights that lead to a unit, or adds them. */
static int
column_learn(DsnNetwork *net, int32_t l, int32_t unit, int32_t sign)
{
    const DsnLayer *layer = &net->layers[l], *below = layer - 1;
    const int32_t n_below = below->neurons.n_units;
    int32_t *weight = layer->weights + unit;
    for (int32_t i = 0; i < n_below; i++, weight += layer->neurons.n_units) {
        const int32_t trace = below->trace[i];
        if (trace > 0 && add_limited(weight, sign > 0 ? -trace : trace))
            return DSN_OVERFLOW;
    }
    return work_done(net, n_below);
}

static int
error_learn(DsnNetwork *net, int32_t l, int32_t unit, int32_t sign)
{
    if (net->settings->fractional)
        return column_learn(net, l, unit, sign);
    return add_limited(&net->layers[l].error_count[unit], sign);
}

/* The way down. */

/* Whether an error spike may act: unless the unit's input in this sample is negative. */
static int
gate_passes(DsnLayer *layer, int32_t unit)
{
    if (received(layer, unit) < 0)
        return 0;
    layer->n_passed++;
    return 1;
}

/* An error spike of layer l enters the layer below, if that is hidden. */
static int
error_enter(DsnNetwork *net, int32_t l, int32_t unit, int32_t sign)
{
    const DsnLayer *layer = &net->layers[l];
    DsnQuantizer *below = &net->layers[l - 1].errors;
    if (l == 1)
        return DSN_DONE;
    if (quantizer_integrate(below, layer->weights + unit, (size_t)layer->neurons.n_units, sign))
        return DSN_OVERFLOW;
    return work_done(net, below->n_units);
}

/* Depth-first: an error spike of the output goes all the way down, and all that it sets off. */
static int
error_down(DsnNetwork *net, int32_t unit, int32_t sign)
{
    const int32_t last = last_layer(net);
    int32_t l = last;
    int status = work_done(net, 1);
    for (;;) {
        DsnLayer *layer = &net->layers[l];
        layer->n_error_spikes++;
        if (!status && gate_passes(layer, unit)) {
            status = error_learn(net, l, unit, sign);
            if (!status)
                status = error_enter(net, l, unit, sign);
        }
        if (status)
            return status;
        /* The next is of the lowest layer that has one. */
        l = l > 1 ? l - 1 : 1;
        while (l < last && !quantizer_fire(&net->layers[l].errors, net->settings->scale, &unit, &sign))
            l++;
        if (l == last)
            return DSN_DONE;
    }
}

/* Breadth-first: the output's error spikes in `train` go down, layer by layer, all of a layer together.
   The weights change after the columns are read. */
static int
errors_down(DsnNetwork *net)
{
    DsnTrain *train = &net->train, *below = &net->train_below;
    int32_t unit, sign;
    for (int32_t l = last_layer(net); l > 0 && train->n > 0; l--) {
        DsnLayer *layer = &net->layers[l];
        DsnTrain *swap = train;
        int32_t n_passed = 0;
        layer->n_error_spikes += (uint32_t)train->n;
        for (int32_t k = 0; k < train->n; k++)
            if (gate_passes(layer, spike_unit(train->spike[k])))
                train->spike[n_passed++] = train->spike[k];
        below->n = 0;
        for (int32_t k = 0; k < n_passed; k++) {
            int status = error_enter(net, l, spike_unit(train->spike[k]), spike_sign(train->spike[k]));
            while (!status && quantizer_fire(&layer[-1].errors, net->settings->scale, &unit, &sign))
                status = train_append(net, below, unit, sign);
            if (status)
                return status;
        }
        for (int32_t k = 0; k < n_passed; k++) {
            const int status = error_learn(net, l, spike_unit(train->spike[k]), spike_sign(train->spike[k]));
            if (status)
                return status;
        }
        train = below;
        below = swap;
    }
    return work_done(net, 1);
}

/* One error spike of the output goes down. */
static int
error_send(DsnNetwork *net, int32_t unit, int32_t sign)
{
    if (net->settings->depth_first)
        return error_down(net, unit, sign);
    net->train.n = 0;
    if (train_append(net, &net->train, unit, sign))
        return DSN_FULL;
    return errors_down(net);
}

/* The held errors go down, one by one. */
static int
held_errors_send(DsnNetwork *net)
{
    const int32_t n_outputs = net->targets.n_units;
    for (int32_t unit = 0; unit < n_outputs; unit++)
        while (net->held[unit] != 0) {
            const int32_t sign = net->held[unit] > 0 ? 1 : -1;
            const int status = error_send(net, unit, sign);
            if (status)
                return status;
            net->held[unit] -= sign;
        }
    return DSN_DONE;
}

/* The way up. */

/* An output spike, or a target spike, is an error: held, or sent at once, or (breadth-first) with the
   others of the time step. */
static int
error_join(DsnNetwork *net, int32_t unit, int32_t sign)
{
    if (net->settings->hold_error)
        return add_limited(&net->held[unit], sign);
    if (net->settings->depth_first)
        return error_down(net, unit, sign);
    return train_append(net, &net->train, unit, sign);
}

/* The spike that layer l - 1 has on its way enters layer l. */
static int
spike_enter(DsnNetwork *net, int32_t l)
{
    DsnLayer *layer = &net->layers[l];
    const DsnLayer *below = layer - 1;
    const int32_t n_units = layer->neurons.n_units;
    const int32_t *row = layer->weights + (size_t)below->unit * (size_t)n_units;
    if (quantizer_integrate(&layer->neurons, row, 1, below->sign))
        return DSN_OVERFLOW;
    return work_done(net, n_units);
}

/* The next unit of layer l fires, if there is one. */
static int
layer_fire(DsnNetwork *net, int32_t l, int *status)
{
    DsnLayer *layer = &net->layers[l];
    if (!quantizer_fire(&layer->neurons, net->settings->scale, &layer->unit, &layer->sign))
        return 0;
    layer->n_spikes++;
    *status = add_limited(&layer->taken[layer->unit], net->settings->scale);
    return 1;
}

/* The spike that the input has on its way goes all the way up, and all that it sets off. A trace counts a
   spike once that has run its course. */
static int
spike_up(DsnNetwork *net)
{
    const int32_t last = last_layer(net);
    int32_t l = 0;
    for (;;) {
        int status = l < last ? spike_enter(net, l + 1) : error_join(net, net->layers[l].unit, net->layers[l].sign);
        if (l < last)
            l++;
        while (!status && !layer_fire(net, l, &status)) {
            DsnLayer *below = &net->layers[--l];
            status = add_limited(&below->trace[below->unit], below->sign);
            if (l == 0)
                return status;
        }
        if (status)
            return status;
    }
}

/* A sample. */

static void
numbers_clear(int32_t *numbers, int32_t n)
{
    for (int32_t i = 0; numbers && i < n; i++)
        numbers[i] = 0;
}

static int
numbers_are_in_range(const int32_t *numbers, int32_t n)
{
    int32_t outside = 0;
    for (int32_t i = 0; i < n; i++)
        outside |= (numbers[i] < -DSN_LIMIT) | (numbers[i] > DSN_LIMIT);
    return !outside;
}

void
dsn_start(DsnNetwork *net, int32_t learning)
{
    const int32_t last = last_layer(net);
    for (int32_t l = 0; l <= last; l++) {
        DsnLayer *layer = &net->layers[l];
        const int32_t n = layer->neurons.n_units;
        numbers_clear(layer->neurons.potential, n);
        numbers_clear(layer->taken, n);
        numbers_clear(layer->trace, n);
        numbers_clear(layer->error_count, n);
        layer->neurons.n_due = layer->errors.n_due = 0;
        layer->n_spikes = layer->n_error_spikes = layer->n_passed = 0;
    }
    /* The output fires only to learn. */
    net->layers[last].neurons.high = learning ? net->settings->scale / 2 : DSN_LIMIT;
    numbers_clear(net->targets.potential, net->targets.n_units);
    numbers_clear(net->held, net->targets.n_units);
    net->targets.n_due = 0;
    net->train.n = 0;
    net->n_target_spikes = net->n_additions = net->n_polled = 0;
    net->learning = learning;
}

int
dsn_event(DsnNetwork *net, int32_t unit, int32_t sign)
{
    DsnLayer *input = net->layers;
    if (unit < 0 || unit >= input->neurons.n_units)
        return DSN_NO_UNIT;
    input->unit = unit;
    input->sign = sign > 0 ? 1 : -1;
    input->n_spikes++;
    return spike_up(net);
}

int
dsn_input(DsnNetwork *net, const int32_t *x)
{
    DsnQuantizer *input = &net->layers->neurons;
    int32_t unit, sign;
    int status = numbers_are_in_range(x, input->n_units) ? quantizer_integrate(input, x, 1, 1) : DSN_OVERFLOW;
    while (!status && quantizer_fire(input, net->settings->scale, &unit, &sign))
        status = dsn_event(net, unit, sign);
    return status;
}

int
dsn_end_step(DsnNetwork *net, const int32_t *target)
{
    const int32_t together = !net->settings->hold_error && !net->settings->depth_first;
    int32_t unit, sign;
    int status = numbers_are_in_range(target, net->targets.n_units) ? DSN_DONE : DSN_OVERFLOW;
    if (!status && together) {
        status = errors_down(net);
        net->train.n = 0;
    }
    if (!status)
        status = quantizer_integrate(&net->targets, target, 1, -1);
    while (!status && quantizer_fire(&net->targets, net->settings->scale, &unit, &sign)) {
        net->n_target_spikes++;
        status = error_join(net, unit, sign);
    }
    if (!status && net->settings->hold_error)
        status = held_errors_send(net);
    else if (!status && together) {
        status = errors_down(net);
        net->train.n = 0;
    }
    return status;
}

int
dsn_end(DsnNetwork *net)
{
    if (!net->learning || net->settings->fractional)
        return DSN_DONE;
    for (int32_t l = 1; l <= last_layer(net); l++) {
        DsnLayer *layer = &net->layers[l];
        for (int32_t unit = 0; unit < layer->neurons.n_units; unit++)
            while (layer->error_count[unit] != 0) {
                const int32_t sign = layer->error_count[unit] > 0 ? 1 : -1;
                const int status = column_learn(net, l, unit, sign);
                if (status)
                    return status;
                layer->error_count[unit] -= sign;
            }
    }
    return DSN_DONE;
}

int
dsn_predict(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps)
{
    int status = DSN_DONE;
    dsn_start(net, 0);
    for (int32_t t = 0; t < n_steps && !status; t++, x += stride)
        status = dsn_input(net, x);
    return status;
}

int
dsn_learn(DsnNetwork *net, const int32_t *x, size_t stride, int32_t n_steps, const int32_t *target)
{
    int status = DSN_DONE;
    dsn_start(net, 1);
    for (int32_t t = 0; t < n_steps && !status; t++, x += stride) {
        status = dsn_input(net, x);
        if (!status)
            status = dsn_end_step(net, target);
    }
    return status ? status : dsn_end(net);
}

int32_t
dsn_output(const DsnNetwork *net, int32_t unit)
{
    return received(&net->layers[last_layer(net)], unit);
}

int32_t
dsn_largest_output(const DsnNetwork *net)
{
    int32_t largest = 0;
    for (int32_t unit = 1; unit < net->targets.n_units; unit++)
        if (dsn_output(net, unit) > dsn_output(net, largest))
            largest = unit;
    return largest;
}

/* Memory. */

/* The next n numbers; NULL while memory is only measured. */
static int32_t *
memory_take(int32_t *memory, size_t *used, size_t n)
{
    int32_t *numbers = memory ? memory + *used : NULL;
    *used += n;
    return numbers;
}

static void
quantizer_begin(DsnQuantizer *quantizer, int32_t n_units, int32_t scale, int32_t is_signed, int32_t *potential, int32_t *due)
{
    quantizer->n_units = n_units;
    quantizer->high = scale / 2;
    quantizer->low = is_signed ? 1 - (scale + 1) / 2 : -DSN_LIMIT;
    quantizer->potential = potential;
    quantizer->due = due;
    quantizer->n_due = 0;
}

size_t
dsn_begin(DsnNetwork *net, const DsnSettings *settings, DsnLayer *layers, int32_t *memory, size_t *n_kept)
{
    const int32_t last = settings->n_layers - 1, scale = settings->scale;
    const int32_t *n_units = settings->n_units;
    const size_t n_outputs = (size_t)n_units[last], room = settings->depth_first ? 0 : (size_t)settings->room;
    int32_t *potential, *due;
    size_t used = 0;
    net->settings = settings;
    net->layers = layers;
    net->poll = NULL;
    layers[0].weights = NULL;
    for (int32_t l = 1; l <= last; l++)
        layers[l].weights = memory_take(memory, &used, (size_t)n_units[l - 1] * (size_t)n_units[l]);
    for (int32_t l = 0; l <= last; l++)
        layers[l].errors.potential = l > 0 && l < last ? memory_take(memory, &used, (size_t)n_units[l]) : NULL;
    *n_kept = used;
    for (int32_t l = 0; l <= last; l++) {
        DsnLayer *layer = &layers[l];
        const size_t n = (size_t)n_units[l];
        potential = memory_take(memory, &used, n);
        due = memory_take(memory, &used, n);
        quantizer_begin(&layer->neurons, n_units[l], scale, l == 0, potential, due);
        due = l > 0 && l < last ? memory_take(memory, &used, n) : NULL;
        quantizer_begin(&layer->errors, n_units[l], scale, 1, layer->errors.potential, due);
        layer->taken = l > 0 ? memory_take(memory, &used, n) : NULL;
        layer->trace = l < last ? memory_take(memory, &used, n) : NULL;
        layer->error_count = l > 0 && !settings->fractional ? memory_take(memory, &used, n) : NULL;
        layer->unit = layer->sign = 0;
    }
    potential = memory_take(memory, &used, n_outputs);
    due = memory_take(memory, &used, n_outputs);
    quantizer_begin(&net->targets, n_units[last], scale, 1, potential, due);
    net->held = memory_take(memory, &used, n_outputs);
    net->train.spike = memory_take(memory, &used, room);
    net->train_below.spike = memory_take(memory, &used, room);
    net->train.n = net->train_below.n = 0;
    if (memory) {
        for (size_t i = 0; i < used; i++)
            memory[i] = 0;
        dsn_start(net, 0);
    }
    return used;
}
