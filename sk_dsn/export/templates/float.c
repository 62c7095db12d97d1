/* /*@about*/

   Products are rounded before they are added, and rows are added in the order of units, as the
   estimator does: the bits are the same. */
#include "sk_dsn_net.h"

#if defined(__FAST_MATH__)
#error "-ffast-math changes sums; compile without it"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#error "float is computed in another type; compile with -msse2 -mfpmath=sse, or quantize the network"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

/* Where constants lie, and how they are read. */
#ifndef SK_DSN_NET_FLASH
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define SK_DSN_NET_FLASH PROGMEM
#define SK_DSN_NET_READ_FLOAT(place) pgm_read_float(place)
#else
#define SK_DSN_NET_FLASH
#define SK_DSN_NET_READ_FLOAT(place) (*(place))
#endif
#endif

#define N_LAYERS /*@n_layers*/
#define SPIKE_LIMIT 16777216.0f
//@ if leaky
/* What a time step leaves of the state: 1 - leak. */
#define KEEP /*@keep*/
#define TINY 7.8886090522101181e-31f /* 2^-100 */
//@ end
//@ if recurrent
#define THRESHOLD /*@threshold*/
//@ end

/* Rows of weights, one a unit of the layer below. */
/*@arrays*/

typedef struct {
    const float *weights;
//@ if recurrent
    const float *recurrent; /* of spikes of the time step before, one row a unit of the layer */
//@ end
//@ if biases
    const float *biases;
//@ end
    uint16_t n_units;
} layer_t;

static const layer_t layers[N_LAYERS] = {
/*@layers*/
};

/* Adds a row of weights, `count` times. */
static void row_add(float *sum, const float *row, uint_fast16_t n, float count)
{
    uint_fast16_t j;
//@ if instrumented
    additions += n;
//@ end
    for (j = 0; j < n; j++) {
        const float product = count * SK_DSN_NET_READ_FLOAT(row + j);
        sum[j] += product;
    }
}

static void input_add(sk_dsn_net_state *state, uint_fast16_t unit, float count)
{
    const uint_fast16_t n = layers[0].n_units;
    row_add(state->sum, layers[0].weights + (uint32_t)unit * n, n, count);
}

/* ceil(v - 1/2), |v| below the limit. */
static float spikes_due(float v)
{
    const float whole = (float)(int32_t)v, rest = v - whole;
    return rest > 0.5f ? whole + 1.0f : rest <= -0.5f ? whole - 1.0f : whole;
}
//@ if not one_sided

/* The same of any v below the limit, and of what is far below zero none. */
static float spikes_below(float v)
{
    return v > -SPIKE_LIMIT ? spikes_due(v) : 0.0f;
}
//@ end
//@ if leaky

/* What a time step leaves. Silence ends. */
static float leaked(float v)
{
    const float kept = KEEP * v;
    return kept < TINY && kept > -TINY ? 0.0f : kept;
}
//@ end

/* The input units fire. */
static int input_run(sk_dsn_net_state *state)
{
    uint_fast16_t i;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++) {
//@ if input_counts
//@ if leaky
        const float trace = leaked(state->input_count[i]);
//@ else
        const float trace = state->input_count[i];
//@ end
        const float v = state->input[i] - trace;
//@ else
        const float v = state->input[i];
//@ end
        float fired;
        if (!(v < SPIKE_LIMIT && v > -SPIKE_LIMIT))
            return SK_DSN_NET_OUT_OF_RANGE;
        fired = spikes_due(v);
//@ if input_counts
        state->input_count[i] = trace + fired;
//@ if leaky
        state->input[i] = leaked(state->input[i]);
//@ end
//@ end
//@ if input_potentials
//@ if leaky
        state->input[i] = leaked(v - fired);
//@ else
        state->input[i] = v - fired;
//@ end
//@ end
        if (fired < 0.0f || fired > 0.0f)
            input_add(state, i, fired);
    }
    return SK_DSN_NET_OK;
}

//@ if counting
/* Layer after layer receives its biases, n_steps times, and fires its net counts at once. */
static int layers_run(sk_dsn_net_state *state, float n_steps)
{
    float *sum = state->sum;
    uint_fast16_t j;
    uint_fast8_t l;
//@ if not biases
    (void)n_steps;
//@ end
    for (l = 0; l < N_LAYERS; l++) {
        const uint_fast16_t n = layers[l].n_units;
        float *above = sum + n;
        uint_fast16_t n_above;
//@ if biases
        for (j = 0; j < n; j++) {
            const float product = n_steps * SK_DSN_NET_READ_FLOAT(layers[l].biases + j);
            sum[j] += product;
        }
//@ end
        if (l == N_LAYERS - 1)
            break;
        n_above = layers[l + 1].n_units;
        for (j = 0; j < n; j++) {
            const float fired = spikes_below(sum[j]);
            if (!(sum[j] < SPIKE_LIMIT))
                return SK_DSN_NET_OUT_OF_RANGE;
            if (fired > 0.0f)
                row_add(above, layers[l + 1].weights + (uint32_t)j * n_above, n_above, fired);
        }
        sum = above;
    }
    return SK_DSN_NET_OK;
}
//@ end
//@ if stepped
/* The spikes of a neuron with potential v that has fired n net. */
static float neuron_spikes(float v, float n)
{
    const float fired = spikes_below(v);
//@ if rectifying
    (void)n;
    return fired > 0.0f ? fired : 0.0f;
//@ else
    /* It takes back floor(n + 1/2) at most. */
    const float whole = (float)(int32_t)n, least = n - whole >= 0.5f ? -whole - 1.0f : -whole;
    return fired > least ? fired : least;
//@ end
}

/* Layer after layer receives its input of the time step, and fires once. */
static int layers_run(sk_dsn_net_state *state)
{
    float *sum = state->sum, *count = state->count;
    uint_fast16_t j;
    uint_fast8_t l;
    for (l = 0; l < N_LAYERS; l++) {
        const uint_fast16_t n = layers[l].n_units;
        float *above = sum + n;
        uint_fast16_t n_above;
//@ if biases
        for (j = 0; j < n; j++)
            sum[j] += SK_DSN_NET_READ_FLOAT(layers[l].biases + j);
//@ end
        if (l == N_LAYERS - 1)
            break;
        n_above = layers[l + 1].n_units;
        for (j = 0; j < n; j++) {
            const float fired = neuron_spikes(sum[j], count[j]);
            if (!(sum[j] < SPIKE_LIMIT))
                return SK_DSN_NET_OUT_OF_RANGE;
            sum[j] -= fired;
            count[j] += fired;
            if (fired < 0.0f || fired > 0.0f)
                row_add(above, layers[l + 1].weights + (uint32_t)j * n_above, n_above, fired);
        }
        sum = above;
        count += n;
    }
    return SK_DSN_NET_OK;
}
//@ end
//@ if recurrent
/* The spikes of a neuron with input u and trace n. */
static float neuron_spikes(float u, float n)
{
//@ if rectifying
    const float fired = spikes_below(u - n);
    return fired > 0.0f ? fired : 0.0f;
//@ else
    return spikes_due((u > 0.0f ? u : 0.0f) - n);
//@ end
}

/* Layer after layer receives its input of the time step, and fires. */
static int layers_run(sk_dsn_net_state *state)
{
    float *sum = state->sum, *count = state->count, *fired = state->fired;
    uint_fast16_t j;
    uint_fast8_t l;
    for (l = 0; l < N_LAYERS; l++) {
        const uint_fast16_t n = layers[l].n_units;
        float *above = sum + n;
        uint_fast16_t n_above;
        if (l < N_LAYERS - 1)
            for (j = 0; j < n; j++)
                if (fired[j] < 0.0f || fired[j] > 0.0f)
                    row_add(sum, layers[l].recurrent + (uint32_t)j * n, n, fired[j]);
//@ if biases
        for (j = 0; j < n; j++)
            sum[j] += SK_DSN_NET_READ_FLOAT(layers[l].biases + j);
//@ end
        if (l == N_LAYERS - 1)
            break;
        n_above = layers[l + 1].n_units;
        for (j = 0; j < n; j++) {
//@ if leaky
            const float trace = leaked(count[j]);
//@ else
            const float trace = count[j];
//@ end
            if (!(sum[j] < SPIKE_LIMIT))
                return SK_DSN_NET_OUT_OF_RANGE;
            fired[j] = neuron_spikes(sum[j], trace);
            count[j] = trace + fired[j];
//@ if leaky
            sum[j] = leaked(sum[j]);
//@ end
            if (fired[j] < 0.0f || fired[j] > 0.0f)
                row_add(above, layers[l + 1].weights + (uint32_t)j * n_above, n_above, fired[j]);
        }
        sum = above;
        count += n;
        fired += n;
    }
    return SK_DSN_NET_OK;
}
//@ end

void sk_dsn_net_reset(sk_dsn_net_state *state)
{
    uint_fast16_t j;
    for (j = 0; j < /*@n_sums*/; j++)
        state->sum[j] = 0.0f;
//@ if counts
    for (j = 0; j < /*@n_hidden*/; j++)
        state->count[j] = 0.0f;
//@ end
//@ if recurrent
    for (j = 0; j < /*@n_hidden*/; j++)
        state->fired[j] = 0.0f;
//@ end
    for (j = 0; j < SK_DSN_NET_N_INPUTS; j++)
        state->input[j] = 0.0f;
//@ if input_counts
    for (j = 0; j < SK_DSN_NET_N_INPUTS; j++)
        state->input_count[j] = 0.0f;
//@ end
//@ if mean
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        state->answer[j] = 0.0f;
//@ end
    state->bias_trace = 0.0f;
    state->n_steps = 0;
}

int sk_dsn_net_event(sk_dsn_net_state *state, uint_fast16_t unit, int sign)
{
    if (unit >= SK_DSN_NET_N_INPUTS || (sign != 1 && sign != -1))
        return SK_DSN_NET_OUT_OF_RANGE;
    state->input[unit] += (float)sign/*@by_threshold*/;
    return SK_DSN_NET_OK;
}

int sk_dsn_net_input(sk_dsn_net_state *state, const sk_dsn_net_value *x)
{
    uint_fast16_t i;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++)
        state->input[i] += x[i]/*@by_threshold*/;
    return SK_DSN_NET_OK;
}

//@ if counting
/* The net counts of the sums of input so far, of all layers anew. */
static int counts_run(sk_dsn_net_state *state)
{
    uint_fast16_t j;
    for (j = 0; j < /*@n_sums*/; j++)
        state->sum[j] = 0.0f;
    if (input_run(state) != SK_DSN_NET_OK)
        return SK_DSN_NET_OUT_OF_RANGE;
    state->bias_trace = (float)state->n_steps;
    return layers_run(state, state->bias_trace);
}

int sk_dsn_net_step(sk_dsn_net_state *state)
{
    state->n_steps++;
    return counts_run(state);
}
//@ else
/* A time step whose input is there. */
static int step_run(sk_dsn_net_state *state)
{
//@ if mean
    uint_fast16_t j;
//@ end
//@ if leaky
    uint_fast16_t k;
//@ if stepped
    for (k = 0; k < /*@n_sums*/; k++)
        state->sum[k] = leaked(state->sum[k]);
    for (k = 0; k < /*@n_hidden*/; k++)
        state->count[k] = leaked(state->count[k]);
//@ else
    for (k = /*@first_output*/; k < /*@n_sums*/; k++)
        state->sum[k] = leaked(state->sum[k]);
//@ end
    state->bias_trace = KEEP * state->bias_trace;
//@ end
    state->bias_trace += 1.0f;
    state->n_steps++;
    if (input_run(state) != SK_DSN_NET_OK || layers_run(state) != SK_DSN_NET_OK)
        return SK_DSN_NET_OUT_OF_RANGE;
//@ if mean
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        state->answer[j] += state->sum[/*@first_output*/ + j] / (state->bias_trace/*@by_threshold*/);
//@ end
    return SK_DSN_NET_OK;
}

int sk_dsn_net_step(sk_dsn_net_state *state)
{
    return step_run(state);
}
//@ end
//@ if static

int sk_dsn_net_run_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, uint32_t n_steps)
{
    uint_fast16_t i;
    sk_dsn_net_reset(state);
//@ if counting
    state->n_steps = n_steps;
    for (i = 0; i < SK_DSN_NET_N_INPUTS; i++)
        state->input[i] = (float)n_steps * x[i];
    return counts_run(state);
//@ else
    while (state->n_steps < n_steps) {
        for (i = 0; i < SK_DSN_NET_N_INPUTS; i++)
//@ if input_counts
            state->input[i] = (float)(state->n_steps + 1) * x[i];
//@ else
            state->input[i] += x[i];
//@ end
        if (step_run(state) != SK_DSN_NET_OK)
            return SK_DSN_NET_OUT_OF_RANGE;
    }
    return SK_DSN_NET_OK;
//@ end
}
//@ end

const float *sk_dsn_net_outputs(const sk_dsn_net_state *state)
{
//@ if mean
    return state->answer;
//@ else
    return state->sum + /*@first_output*/;
//@ end
}

float sk_dsn_net_divisor(const sk_dsn_net_state *state)
{
//@ if mean
    return (float)state->n_steps;
//@ else
    return state->bias_trace/*@by_threshold*/;
//@ end
}

//@ if labels
int32_t sk_dsn_net_predict(const sk_dsn_net_state *state)
{
    const float *output = sk_dsn_net_outputs(state), divisor = sk_dsn_net_divisor(state);
    int32_t best = 0, j;
    for (j = 1; j < SK_DSN_NET_N_OUTPUTS; j++)
        if (output[j] / divisor > output[best] / divisor)
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
    const float *output = sk_dsn_net_outputs(state), divisor = sk_dsn_net_divisor(state);
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        labels[j] = output[j] / divisor - /*@label_threshold*/ > 0.0f;
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
    const float *output = sk_dsn_net_outputs(state), divisor = sk_dsn_net_divisor(state);
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++) {
        const double product = (double)(output[j] / divisor) * scale[j];
        values[j] = product + mean[j];
    }
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
