/* Runs samples on the machine that made them. */
#include <stdint.h>

static uint64_t additions;

#include "sk_dsn_net.c"

static void answer_write(const sk_dsn_net_state *state, sk_dsn_net_sum *sums, float *divisor)
{
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        sums[j] = sk_dsn_net_outputs(state)[j];
    *divisor = (float)sk_dsn_net_divisor(state);
}
//@ if static

int host_static(const sk_dsn_net_value *x, int n_samples, int first, int last, sk_dsn_net_sum *sums, float *divisors,
                uint64_t *added)
{
    static sk_dsn_net_state state;
    int s, t;
    for (t = first; t <= last; t++)
        for (s = 0; s < n_samples; s++) {
            additions = 0;
            if (sk_dsn_net_run_static(&state, x + (int64_t)s * SK_DSN_NET_N_INPUTS, (uint32_t)t) != SK_DSN_NET_OK)
                return SK_DSN_NET_OUT_OF_RANGE;
            answer_write(&state, sums, divisors);
            sums += SK_DSN_NET_N_OUTPUTS;
            divisors++;
            added[s] = additions;
        }
    return SK_DSN_NET_OK;
}
//@ end

int host_stream(const sk_dsn_net_value *x, int n_steps, sk_dsn_net_sum *sums, float *divisors, uint64_t *added)
{
    static sk_dsn_net_state state;
    int t;
    additions = 0;
    sk_dsn_net_reset(&state);
    for (t = 0; t < n_steps; t++) {
        if (sk_dsn_net_input(&state, x + (int64_t)t * SK_DSN_NET_N_INPUTS) != SK_DSN_NET_OK
            || sk_dsn_net_step(&state) != SK_DSN_NET_OK)
            return SK_DSN_NET_OUT_OF_RANGE;
        answer_write(&state, sums + (int64_t)t * SK_DSN_NET_N_OUTPUTS, divisors + t);
    }
    *added = additions;
    return SK_DSN_NET_OK;
}
