/* A network of /*@sizes*/ units that learns in integers. */
#ifndef SK_DSN_NET_H
#define SK_DSN_NET_H

#include "engine.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SK_DSN_NET_N_INPUTS /*@n_inputs*/
#define SK_DSN_NET_N_OUTPUTS /*@n_outputs*/
#define SK_DSN_NET_N_TIME_STEPS /*@n_time_steps*/ /* of a sample that is a single vector */
#define SK_DSN_NET_ONE /*@one*/ /* the feature 1.0, and the target 1.0 */
#define SK_DSN_NET_N_KEPT /*@n_kept*/ /* numbers that are learned */
//@ if breadth
#ifndef SK_DSN_NET_ROOM
#define SK_DSN_NET_ROOM /*@room*/ /* error spikes that travel together at most; beyond, functions return DSN_FULL */
#endif
#define SK_DSN_NET_N_WORDS (/*@n_words*/ + /*@words_of_room*/ * SK_DSN_NET_ROOM)
//@ else
#define SK_DSN_NET_N_WORDS /*@n_words*/
//@ end

/* A network that learns. The caller owns it. The first SK_DSN_NET_N_KEPT numbers of its memory are
   the weights and error potentials: store them, and set them after sk_dsn_net_begin to go on. */
typedef struct {
    DsnNetwork net;
    DsnLayer layers[/*@n_layers*/];
    int32_t memory[SK_DSN_NET_N_WORDS];
} sk_dsn_net_learner;

/* Starts with the weights that were exported. */
void sk_dsn_net_begin(sk_dsn_net_learner *learner);

/* Functions below return DSN_DONE, or why the sample is over (engine.h). Vectors have
   SK_DSN_NET_N_INPUTS features in units of 1 / SK_DSN_NET_ONE. */
//@ if labels
/* The label is the place of the class, from 0 on: /*@classes*/. */
//@ end

/* Learns a vector, or n_steps vectors one after the other. */
int sk_dsn_net_learn(sk_dsn_net_learner *learner, const int32_t *x, /*@target*/);
int sk_dsn_net_learn_stream(sk_dsn_net_learner *learner, const int32_t *x, int32_t n_steps, /*@target*/);

/* A sample that arrives in events: dsn_start(&learner->net, 1), dsn_event for each event of a time
   step, this at its end, and dsn_end(&learner->net) after the last one. */
int sk_dsn_net_end_step(sk_dsn_net_learner *learner, /*@target*/);

/* After them dsn_output(&learner->net, unit) is an output's sum of input/*@answer*/. */
int sk_dsn_net_predict(sk_dsn_net_learner *learner, const int32_t *x);
int sk_dsn_net_predict_stream(sk_dsn_net_learner *learner, const int32_t *x, int32_t n_steps);

#ifdef __cplusplus
}
#endif

#endif
