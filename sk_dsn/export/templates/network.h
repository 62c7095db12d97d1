/* /*@about*/ */
#ifndef SK_DSN_NET_H
#define SK_DSN_NET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes. */
#define SK_DSN_NET_N_INPUTS /*@n_inputs*/
#define SK_DSN_NET_N_OUTPUTS /*@n_outputs*/
//@ if steps
#define SK_DSN_NET_N_TIME_STEPS /*@n_time_steps*/ /* of a sample, at most */
//@ end
#define SK_DSN_NET_WEIGHT_BYTES /*@weight_bytes*/ /* constants: weights and biases */
#define SK_DSN_NET_STATE_BYTES sizeof(sk_dsn_net_state)

//@ if integer
/* The input 1.0 is SK_DSN_NET_INPUT_ONE; values beyond the range become its ends. The output 1.0
   is SK_DSN_NET_OUTPUT_ONE. */
#define SK_DSN_NET_INPUT_ONE /*@input_one*/
#define SK_DSN_NET_INPUT_LOW /*@input_low*/
#define SK_DSN_NET_INPUT_HIGH /*@input_high*/
#define SK_DSN_NET_OUTPUT_ONE /*@output_one*/
//@ end

/* What functions return that can fail. After OUT_OF_RANGE the state needs a reset. */
#define SK_DSN_NET_OK 0
#define SK_DSN_NET_OUT_OF_RANGE (-1)

typedef /*@value*/ sk_dsn_net_value; /* of a feature */
typedef /*@sum*/ sk_dsn_net_sum;

/* A sample that is being computed. The caller owns it. */
typedef struct {
    sk_dsn_net_sum sum[/*@n_sums*/]; /* input that each unit has received, layer after layer */
//@ if counts
    /*@count*/ count[/*@n_hidden*/]; /* spikes that each hidden unit has fired/*@leaky*/ */
//@ end
//@ if recurrent
    /*@spikes*/ fired[/*@n_fired*/]; /* spikes of a time step */
//@ end
    /*@potential*/ input[SK_DSN_NET_N_INPUTS]; /* /*@input_holds*/ */
//@ if input_counts
    float input_count[SK_DSN_NET_N_INPUTS]; /* spikes that each input unit has fired/*@leaky*/ */
//@ end
//@ if mean
    float answer[SK_DSN_NET_N_OUTPUTS]; /* sum of the answers so far */
//@ end
//@ if not integer
    float bias_trace; /* time steps so far/*@leaky*/ */
//@ end
    uint32_t n_steps;
} sk_dsn_net_state;

/* Starts a sample. */
void sk_dsn_net_reset(sk_dsn_net_state *state);

/* A spike of an input unit in the present time step, of sign 1 or -1. */
int sk_dsn_net_event(sk_dsn_net_state *state, uint_fast16_t unit, int sign);

/* A vector of features for the present time step. */
int sk_dsn_net_input(sk_dsn_net_state *state, const sk_dsn_net_value *x);

/* Ends the present time step: all layers receive their input and fire. */
int sk_dsn_net_step(sk_dsn_net_state *state);
//@ if static

/* Starts a sample and runs it for n_steps time steps with the same vector. */
int sk_dsn_net_run_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, uint32_t n_steps);
//@ end

/* The accumulated output of each output unit, undivided. The answer is
   outputs / /*@answer_scale*/divisor. */
const sk_dsn_net_sum *sk_dsn_net_outputs(const sk_dsn_net_state *state);
/*@divisor*/ sk_dsn_net_divisor(const sk_dsn_net_state *state);

//@ if labels
/* The class with the largest output, from 0 on: /*@classes*/. */
int32_t sk_dsn_net_predict(const sk_dsn_net_state *state);
//@ if static

/* The class of a vector after SK_DSN_NET_N_TIME_STEPS, or SK_DSN_NET_OUT_OF_RANGE. */
int32_t sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x);
//@ end
//@ end
//@ if indicators
/* Of each label whether the sample has it, 1 or 0. */
void sk_dsn_net_predict(const sk_dsn_net_state *state, uint8_t *labels);
//@ if static

/* The labels of a vector after SK_DSN_NET_N_TIME_STEPS. */
int sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, uint8_t *labels);
//@ end
//@ end
//@ if values
/* The predicted values, answer * SCALE + MEAN: the only floating point of this network. */
#define SK_DSN_NET_TARGET_SCALE {/*@target_scale*/}
#define SK_DSN_NET_TARGET_MEAN {/*@target_mean*/}
void sk_dsn_net_predict(const sk_dsn_net_state *state, double *values);
//@ if static

/* The values of a vector after SK_DSN_NET_N_TIME_STEPS. */
int sk_dsn_net_predict_static(sk_dsn_net_state *state, const sk_dsn_net_value *x, double *values);
//@ end
//@ end

#ifdef __cplusplus
}
#endif

#endif
