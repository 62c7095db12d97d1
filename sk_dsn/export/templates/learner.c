/* A network of /*@sizes*/ units that learns in integers; engine.c has the algorithm. */
#include "sk_dsn_net.h"

/* Where constants lie, for processors that need to be told. */
#ifndef SK_DSN_NET_FLASH
#define SK_DSN_NET_FLASH
#endif
#ifndef SK_DSN_NET_READ
#define SK_DSN_NET_READ(place) (*(place))
#endif

/* Weights, layer by layer, a row for each presynaptic unit, then error potentials. */
/*@first*/

static const int32_t n_units[/*@n_layers*/] = {/*@n_units*/};

static const DsnSettings settings = {
    /*@n_layers*/,
    n_units,
    SK_DSN_NET_ONE,
    /*@depth_first*/, /* depth-first */
    /*@fractional*/, /* fractional */
    /*@hold_error*/, /* hold error */
//@ if breadth
    SK_DSN_NET_ROOM
//@ else
    1
//@ end
};

void sk_dsn_net_begin(sk_dsn_net_learner *learner)
{
    size_t k, n_kept;
    (void)dsn_begin(&learner->net, &settings, learner->layers, learner->memory, &n_kept);
    for (k = 0; k < n_kept; k++)
        learner->memory[k] = (int32_t)SK_DSN_NET_READ(&first[k]);
}

//@ if labels
/* The target is 1 at the label, else 0. */
static int label_target(int32_t label, int32_t *target)
{
    int32_t j;
    if (label < 0 || label >= SK_DSN_NET_N_OUTPUTS)
        return DSN_NO_UNIT;
    for (j = 0; j < SK_DSN_NET_N_OUTPUTS; j++)
        target[j] = j == label ? SK_DSN_NET_ONE : 0;
    return DSN_DONE;
}

int sk_dsn_net_learn(sk_dsn_net_learner *learner, const int32_t *x, int32_t label)
{
    int32_t target[SK_DSN_NET_N_OUTPUTS];
    const int status = label_target(label, target);
    return status ? status : dsn_learn(&learner->net, x, 0, SK_DSN_NET_N_TIME_STEPS, target);
}

int sk_dsn_net_learn_stream(sk_dsn_net_learner *learner, const int32_t *x, int32_t n_steps, int32_t label)
{
    int32_t target[SK_DSN_NET_N_OUTPUTS];
    const int status = label_target(label, target);
    return status ? status : dsn_learn(&learner->net, x, SK_DSN_NET_N_INPUTS, n_steps, target);
}

int sk_dsn_net_end_step(sk_dsn_net_learner *learner, int32_t label)
{
    int32_t target[SK_DSN_NET_N_OUTPUTS];
    const int status = label_target(label, target);
    return status ? status : dsn_end_step(&learner->net, target);
}
//@ else
int sk_dsn_net_learn(sk_dsn_net_learner *learner, const int32_t *x, const int32_t *target)
{
    return dsn_learn(&learner->net, x, 0, SK_DSN_NET_N_TIME_STEPS, target);
}

int sk_dsn_net_learn_stream(sk_dsn_net_learner *learner, const int32_t *x, int32_t n_steps, const int32_t *target)
{
    return dsn_learn(&learner->net, x, SK_DSN_NET_N_INPUTS, n_steps, target);
}

int sk_dsn_net_end_step(sk_dsn_net_learner *learner, const int32_t *target)
{
    return dsn_end_step(&learner->net, target);
}
//@ end

int sk_dsn_net_predict(sk_dsn_net_learner *learner, const int32_t *x)
{
    return dsn_predict(&learner->net, x, 0, SK_DSN_NET_N_TIME_STEPS);
}

int sk_dsn_net_predict_stream(sk_dsn_net_learner *learner, const int32_t *x, int32_t n_steps)
{
    return dsn_predict(&learner->net, x, SK_DSN_NET_N_INPUTS, n_steps);
}
