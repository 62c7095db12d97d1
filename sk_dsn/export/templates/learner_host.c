/* The entries from Python. */
#include "engine.c"
#include "sk_dsn_net.c"

static sk_dsn_net_learner learner;

static void kept_copy(int32_t *to, const int32_t *from)
{
    size_t k;
    for (k = 0; k < SK_DSN_NET_N_KEPT; k++)
        to[k] = from[k];
}

/* Both start from the weights in `kept`, take static samples (n_steps 0) or streams, and return
   DSN_DONE, or the status of the sample *n, which they count up. */
int host_learn(int32_t *kept, const int32_t *x, const int32_t *y, int32_t n_samples, int32_t n_steps, int32_t *n,
               uint32_t *additions)
{
    int status = DSN_DONE;
    const size_t of_x = (size_t)(n_steps ? n_steps : 1) * SK_DSN_NET_N_INPUTS;
    sk_dsn_net_begin(&learner);
    kept_copy(learner.memory, kept);
    for (*n = 0; *n < n_samples; ++*n, x += of_x) {
//@ if labels
        const int32_t target = y[*n];
//@ else
        const int32_t *target = y + (size_t)*n * SK_DSN_NET_N_OUTPUTS;
//@ end
        status = n_steps ? sk_dsn_net_learn_stream(&learner, x, n_steps, target) : sk_dsn_net_learn(&learner, x, target);
        if (status)
            return status;
        additions[*n] = learner.net.n_additions;
    }
    kept_copy(kept, learner.memory);
    return status;
}

int host_predict(const int32_t *kept, const int32_t *x, int32_t n_samples, int32_t n_steps, int32_t *n, int32_t *outputs,
                 uint32_t *additions)
{
    int status = DSN_DONE;
    int32_t j;
    const size_t of_x = (size_t)(n_steps ? n_steps : 1) * SK_DSN_NET_N_INPUTS;
    sk_dsn_net_begin(&learner);
    kept_copy(learner.memory, kept);
    for (*n = 0; *n < n_samples; ++*n, x += of_x) {
        status = n_steps ? sk_dsn_net_predict_stream(&learner, x, n_steps) : sk_dsn_net_predict(&learner, x);
        if (status)
            return status;
        for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
            *outputs++ = dsn_output(&learner.net, j);
        additions[*n] = learner.net.n_additions;
    }
    return status;
}
