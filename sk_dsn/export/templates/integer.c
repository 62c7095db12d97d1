/* /*@about*/

/*@proof*/ */
#include "sk_dsn_net.h"

/* Where constants lie, and how they are read. */
#ifndef SK_DSN_NET_FLASH
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define SK_DSN_NET_FLASH PROGMEM
#define SK_DSN_NET_READ_8(place) ((int8_t)pgm_read_byte(place))
#define SK_DSN_NET_READ_16(place) ((int16_t)pgm_read_word(place))
#define SK_DSN_NET_READ_32(place) ((int32_t)pgm_read_dword(place))
#else
#define SK_DSN_NET_FLASH
#define SK_DSN_NET_READ_8(place) (*(place))
#define SK_DSN_NET_READ_16(place) (*(place))
#define SK_DSN_NET_READ_32(place) (*(place))
#endif
#endif

#define N_LAYERS /*@n_layers*/
/* A spike of an input unit, and half of it, the threshold. */
#define INPUT_SPIKE /*@input_spike*/
#define INPUT_HALF (INPUT_SPIKE / 2)
/* Potentials of input units that fire at most as often as the proof says. */
#define POTENTIAL_LOW /*@potential_low*/
#define POTENTIAL_HIGH /*@potential_high*/

//@ if shifts

/* Scaled features are worth 1 << shift input steps. */
/*@shifts*/
//@ end
//@ if offsets

/* Input steps that each time step adds to scaled features. */
/*@offsets*/
#define OFFSET(i) ((int32_t)/*@read_offset*/(input_offset + (i)))
//@ else
#define OFFSET(i) 0
//@ end

/* Rows of weights, one a unit of the layer below. */
/*@arrays*/

typedef struct {
    const /*@weight*/ *weights;
//@ if recurrent
    const /*@weight*/ *recurrent; /* of spikes of the time step before, one row a unit of the layer */
    int32_t most_spikes; /* of a unit/*@most_of*/ */
//@ end
//@ if biases
    const /*@bias*/ *biases;
//@ end
    uint16_t n_units;
    uint8_t bits; /* a spike is worth 1 << bits */
} layer_t;

static const layer_t layers[N_LAYERS] = {
/*@layers*/
};

/* Adds a row of weights, `count` times. */
static void row_add(int32_t *sum, const /*@weight*/ *row, uint_fast16_t n, int32_t count)
{
    uint_fast16_t j;
//@ if instrumented
    additions += n;
//@ end
    if (count == 1)
        for (j = 0; j < n; j++)
            sum[j] += /*@read_weight*/(row + j);
    else if (count == -1)
        for (j = 0; j < n; j++)
            sum[j] -= /*@read_weight*/(row + j);
    else
        for (j = 0; j < n; j++)
            sum[j] += (/*@factor*/)count * /*@read_weight*/(row + j);
}

/* ceil(sum - 1/2) of a sum that is above 1/2, else 0: the net count of a signed neuron. */
static int32_t spikes_due(int32_t sum, uint8_t bits)
{
    const int32_t half = (int32_t)1 << (bits - 1);
    return sum > half ? (sum - 1 + half) >> bits : 0;
}

/* ceil(sum - 1/2): the net count of an input unit. */
static int32_t input_spikes(int32_t sum)
{
    if (sum > INPUT_HALF)
        return (sum - 1 + INPUT_HALF) / INPUT_SPIKE;
    return sum <= -INPUT_HALF ? -((INPUT_HALF - sum) / INPUT_SPIKE) : 0;
}

static int32_t limited(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* A feature, or an event, without offset in input steps. */
static int32_t input_steps(int32_t x, uint_fast16_t i)
{
//@ if shifts
    const uint8_t shift = (uint8_t)SK_DSN_NET_READ_8(input_shift + i);
    return x < 0 ? -(-x << shift) : x << shift;
//@ else
    (void)i;
    return x;
//@ end
}

/* A feature in input steps. */
static int32_t feature(int32_t x, uint_fast16_t i)
{
    x = limited(x, SK_DSN_NET_INPUT_LOW, SK_DSN_NET_INPUT_HIGH);
    return limited(input_steps(x, i) + OFFSET(i), /*@grid_low*/, /*@grid_high*/);
}

/* Spikes of an input unit reach the first layer. */
static void input_add(sk_dsn_net_state *state, uint_fast16_t unit, int32_t count)
{
    const uint_fast16_t n = layers[0].n_units;
    row_add(state->sum, layers[0].weights + (uint32_t)unit * n, n, count);
}

/* Layer after layer receives its biases, n_steps times, and fires. */
static int layers_run(sk_dsn_net_state *state, int32_t n_steps)
{
    int32_t *sum = state->sum;
//@ if counts
    /*@count*/ *count = state->count;
//@ end
    uint_fast16_t j;
    uint_fast8_t l;
//@ if not biases
    (void)n_steps;
//@ end
    for (l = 0; l < N_LAYERS; l++) {
        const layer_t *layer = &layers[l];
        const uint_fast16_t n = layer->n_units;
        int32_t *above = sum + n;
        uint_fast16_t n_above;
//@ if biases
        for (j = 0; j < n; j++)
            sum[j] += n_steps * /*@read_bias*/(layer->biases + j);
//@ end
        if (l == N_LAYERS - 1)
            break;
        n_above = layers[l + 1].n_units;
        for (j = 0; j < n; j++) {
            int32_t fired = spikes_due(sum[j], layer->bits);
//@ if recurrent
            if (fired > layer->most_spikes)
                return SK_DSN_NET_OUT_OF_RANGE;
//@ end
//@ if counts
            fired -= count[j];
//@ if rectifying
            if (fired < 0)
                fired = 0;
//@ end
            count[j] = (/*@count*/)(count[j] + fired);
//@ else
            sum[j] = 0;
//@ end
//@ if recurrent
            state->fired[j] = (/*@spikes*/)fired;
//@ end
            if (fired != 0)
                row_add(above, layers[l + 1].weights + (uint32_t)j * n_above, n_above, fired);
        }
//@ if recurrent
        for (j = 0; j < n; j++)
            if (state->fired[j] != 0)
                row_add(sum, layer->recurrent + (uint32_t)j * n, n, state->fired[j]);
//@ end
//@ if counts
        count += n;
//@ end
        sum = above;
    }
    return SK_DSN_NET_OK;
}

void sk_dsn_net_reset(sk_dsn_net_state *state)
{
    uint_fast16_t j;
    for (j = 0; j < /*@n_sums*/; j++)
        state->sum[j] = 0;
//@ if counts
    for (j = 0; j < /*@n_hidden*/; j++)
        state->count[j] = 0;
//@ end
    for (j = 0; j < SK_DSN_NET_N_INPUTS; j++)
        state->input[j] = 0;
    state->n_steps = 0;
}

int sk_dsn_net_event(sk_dsn_net_state *state, uint_fast16_t unit, int sign)
{
    int32_t potential;
    if (unit >= SK_DSN_NET_N_INPUTS || (sign != 1 && sign != -1))
        return SK_DSN_NET_OUT_OF_RANGE;
    potential = state->input[unit] + OFFSET(unit) + input_steps(sign * (int32_t)SK_DSN_NET_INPUT_ONE, unit);
    if (potential < POTENTIAL_LOW || potential > POTENTIAL_HIGH)
        return SK_DSN_NET_OUT_OF_RANGE;
    state->input[unit] = (/*@potential*/)(potential - OFFSET(unit));
    return SK_DSN_NET_OK;
}

int sk_dsn_net_input(sk_dsn_net_state *state, const sk_dsn_net_value *x)
{
    uint_fast16_t i;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++) {
        const int32_t potential = state->input[i] + feature(x[i], i);
        if (potential < POTENTIAL_LOW || potential > POTENTIAL_HIGH)
            return SK_DSN_NET_OUT_OF_RANGE;
        state->input[i] = (/*@potential*/)(potential - OFFSET(i));
    }
    return SK_DSN_NET_OK;
}

int sk_dsn_net_step(sk_dsn_net_state *state)
{
    uint_fast16_t i;
//@ if limited
    if (state->n_steps >= SK_DSN_NET_N_TIME_STEPS)
        return SK_DSN_NET_OUT_OF_RANGE;
//@ end
//@ if forgets
    for (i = 0; i < SK_DSN_NET_N_OUTPUTS; i++)
        state->sum[/*@first_output*/ + i] = 0;
//@ end
    state->n_steps++;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++) {
        const int32_t potential = state->input[i] + OFFSET(i), fired = input_spikes(potential);
//@ if offsets
        /* Without a vector, the feature is 0, which may be beyond the range. */
        if (potential < POTENTIAL_LOW || potential > POTENTIAL_HIGH)
            return SK_DSN_NET_OUT_OF_RANGE;
//@ end
        if (fired != 0)
            input_add(state, i, fired);
//@ if leak
        state->input[i] = 0;
//@ else
        state->input[i] = (/*@potential*/)(potential - fired * INPUT_SPIKE);
//@ end
    }
    return layers_run(state, 1);
}
//@ if static

int sk_dsn_net_run_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, uint32_t n_steps)
{
//@ if counting
    uint_fast16_t i;
    sk_dsn_net_reset(state);
    if (n_steps > SK_DSN_NET_N_TIME_STEPS)
        return SK_DSN_NET_OUT_OF_RANGE;
    /* Net counts after n_steps follow from the sums of input at once. */
    state->n_steps = n_steps;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++) {
        const int32_t fired = input_spikes((int32_t)n_steps * feature(x[i], i));
        if (fired != 0)
            input_add(state, i, fired);
    }
    return layers_run(state, (int32_t)n_steps);
//@ else
    sk_dsn_net_reset(state);
    while (state->n_steps < n_steps) {
        if (sk_dsn_net_input(state, x) != SK_DSN_NET_OK || sk_dsn_net_step(state) != SK_DSN_NET_OK)
            return SK_DSN_NET_OUT_OF_RANGE;
//@ if forgets
        /* Nothing is left of a time step: the others are the same. */
        state->n_steps = n_steps;
//@ end
    }
    return SK_DSN_NET_OK;
//@ end
}
//@ end

const int32_t *sk_dsn_net_outputs(const sk_dsn_net_state *state)
{
    return state->sum + /*@first_output*/;
}

uint32_t sk_dsn_net_divisor(const sk_dsn_net_state *state)
{
//@ if forgets
    (void)state;
    return 1;
//@ else
    return state->n_steps;
//@ end
}

//@ if labels
int32_t sk_dsn_net_predict(const sk_dsn_net_state *state)
{
    const int32_t *output = sk_dsn_net_outputs(state);
    int32_t best = 0, j;
    for (j = 1; j < SK_DSN_NET_N_OUTPUTS; j++)
        if (output[j] > output[best])
            best = j;
    return best;
}
//@ if static

int32_t sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x)
{
    const int failed = sk_dsn_net_run_static(state, x, SK_DSN_NET_N_TIME_STEPS);
    return failed ? failed : sk_dsn_net_predict(state);
}
//@ end
//@ end
//@ if indicators
void sk_dsn_net_predict(const sk_dsn_net_state *state, uint8_t *labels)
{
    const int32_t *output = sk_dsn_net_outputs(state);
//@ if half
    /* A label's output is above 1/2. */
    const int32_t threshold = (int32_t)sk_dsn_net_divisor(state) * (SK_DSN_NET_OUTPUT_ONE / 2);
//@ else
    const int32_t threshold = 0;
//@ end
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        labels[j] = output[j] > threshold;
}
//@ if static

int sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, uint8_t *labels)
{
    const int failed = sk_dsn_net_run_static(state, x, SK_DSN_NET_N_TIME_STEPS);
    if (!failed)
        sk_dsn_net_predict(state, labels);
    return failed;
}
//@ end
//@ end
//@ if values
void sk_dsn_net_predict(const sk_dsn_net_state *state, double *values)
{
    static const double scale[] = SK_DSN_NET_TARGET_SCALE, mean[] = SK_DSN_NET_TARGET_MEAN;
    const int32_t *output = sk_dsn_net_outputs(state);
    const float divisor = (float)sk_dsn_net_divisor(state) * SK_DSN_NET_OUTPUT_ONE;
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        values[j] = (double)((float)output[j] / divisor) * scale[j] + mean[j];
}
//@ if static

int sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, double *values)
{
    const int failed = sk_dsn_net_run_static(state, x, SK_DSN_NET_N_TIME_STEPS);
    if (!failed)
        sk_dsn_net_predict(state, values);
    return failed;
}
//@ end
//@ end
