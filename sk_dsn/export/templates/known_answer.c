/* Known answers of /*@about*/ The program's exit status is 0 if all agree, else the
   number of the first that does not. Define SK_DSN_NET_TEST_NO_MAIN to call sk_dsn_net_test()
   from another program. */
#include "sk_dsn_net.h"

int sk_dsn_net_test(void);

//@ if static
#define N_TESTED /*@n_tested*/
static const sk_dsn_net_value static_x[N_TESTED][SK_DSN_NET_N_INPUTS] = {
/*@static_x*/
};
static const sk_dsn_net_sum static_answers[N_TESTED][SK_DSN_NET_N_OUTPUTS] = {
/*@static_answers*/
};
//@ end
#define N_TESTED_STEPS /*@n_tested_steps*/
static const sk_dsn_net_value stream_x[N_TESTED_STEPS][SK_DSN_NET_N_INPUTS] = {
/*@stream_x*/
};
static const sk_dsn_net_sum stream_answers[N_TESTED_STEPS][SK_DSN_NET_N_OUTPUTS] = {
/*@stream_answers*/
};

static sk_dsn_net_state state;

static int differs(const sk_dsn_net_sum *known)
{
    const sk_dsn_net_sum *output = sk_dsn_net_outputs(&state);
    uint_fast16_t j;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++) {
//@ if integer
        const sk_dsn_net_sum answer = output[j];
//@ else
        const sk_dsn_net_sum answer = output[j] / sk_dsn_net_divisor(&state);
//@ end
        if (answer < known[j] || answer > known[j])
            return 1;
    }
    return 0;
}

int sk_dsn_net_test(void)
{
    int k, answer = 0;
//@ if static
    for (k = 0; k < N_TESTED; k++) {
        answer++;
        if (sk_dsn_net_run_static(&state, static_x[k], SK_DSN_NET_N_TIME_STEPS) != SK_DSN_NET_OK || differs(static_answers[k]))
            return answer;
    }
//@ end
    sk_dsn_net_reset(&state);
    for (k = 0; k < N_TESTED_STEPS; k++) {
        answer++;
        if (sk_dsn_net_input(&state, stream_x[k]) != SK_DSN_NET_OK || sk_dsn_net_step(&state) != SK_DSN_NET_OK
            || differs(stream_answers[k]))
            return answer;
    }
    return 0;
}

#if !defined(SK_DSN_NET_TEST_NO_MAIN) && !defined(ARDUINO) && !defined(__ZEPHYR__)
int main(void)
{
    return sk_dsn_net_test();
}
#endif
