/* Known answers of a network of /*@sizes*/ units that learns in integers. It learns samples and compares
   weights and outputs. The program's exit status is 0 if all agree, else the number of the first sample
   that does not, or 100 for the weights. Define SK_DSN_NET_TEST_NO_MAIN to call sk_dsn_net_test() from
   another program. */
#include "sk_dsn_net.h"

int sk_dsn_net_test(void);

#define N_TESTED /*@n_tested*/
static const int32_t x[N_TESTED][SK_DSN_NET_N_INPUTS] = {
/*@x*/
};
static const int32_t y[N_TESTED]/*@y_shape*/ = {
/*@y*/
};
/* Of each sample, after all have been learned. */
static const int32_t outputs[N_TESTED][SK_DSN_NET_N_OUTPUTS] = {
/*@outputs*/
};
/* 32-bit FNV-1a of the weights and error potentials, lowest byte first. */
static const uint32_t checksum = UINT32_C(/*@checksum*/);

static sk_dsn_net_learner learner;

static uint32_t kept_checksum(void)
{
    uint32_t sum = UINT32_C(2166136261), number;
    size_t k;
    int byte;
    for (k = 0; k < SK_DSN_NET_N_KEPT; k++) {
        number = (uint32_t)learner.memory[k];
        for (byte = 0; byte < 4; byte++) {
            sum = (sum ^ (number & 255)) * UINT32_C(16777619);
            number >>= 8;
        }
    }
    return sum;
}

int sk_dsn_net_test(void)
{
    int k;
    int32_t j;
    sk_dsn_net_begin(&learner);
    for (k = 0; k < N_TESTED; k++)
        if (sk_dsn_net_learn(&learner, x[k], y[k]))
            return k + 1;
    if (kept_checksum() != checksum)
        return 100;
    for (k = 0; k < N_TESTED; k++) {
        if (sk_dsn_net_predict(&learner, x[k]))
            return k + 1;
        for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
            if (dsn_output(&learner.net, j) != outputs[k][j])
                return k + 1;
    }
    return 0;
}

#ifndef SK_DSN_NET_TEST_NO_MAIN
int main(void)
{
    return sk_dsn_net_test();
}
#endif
