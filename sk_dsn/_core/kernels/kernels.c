/* One copy of kernels_simd.h for each instruction set, and the choice among them. */
#include "kernels.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(function) PASTE(function, INSTRUCTION_SET)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#define LOWEST_BIT(mask) lowest_bit(mask)
#if defined(__GNUC__)
#define HAVE_VECTORS 1
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define COUNT_BITS(mask) __builtin_popcountll(mask)
#else
#define HAVE_VECTORS 0
#define ALWAYS_INLINE inline
static int
COUNT_BITS(uint64_t mask)
{
    int n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
}
#endif

/* Vectors of a row stay in registers only where the loop over them is unrolled. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

/* The largest number below 1/2: -1/2 fires down. */
#define BELOW_HALF 0x1.fffffep-2f
/* The largest number below SPIKE_LIMIT. */
#define BELOW_LIMIT 0xffffffp0f
/* State and moments that are smaller become 0, and the largest number below. */
#define TINY 0x1p-100f
#define BELOW_TINY 0x1.fffffep-101f

#if HAVE_VECTORS && defined(__x86_64__)
#define HAVE_X86 1
#include <immintrin.h>
#else
#define HAVE_X86 0
#endif

#if HAVE_X86
/* The numbers of the bits set in a mask of 8 lanes, ascending, a byte each from the lowest (pext
   would do it, but takes a microcoded 250 cycles on some processors that have AVX2). */
#define BITS_BELOW(m, b) (((m) & 1 & (b > 0)) + ((m) >> 1 & (b > 1)) + ((m) >> 2 & (b > 2)) + ((m) >> 3 & (b > 3)) \
                          + ((m) >> 4 & (b > 4)) + ((m) >> 5 & (b > 5)) + ((m) >> 6 & (b > 6)))
#define LANE(m, b) ((uint64_t)(b) * ((m) >> b & 1) << 8 * BITS_BELOW(m, b))
#define MASK_1(m) (LANE(m, 1) | LANE(m, 2) | LANE(m, 3) | LANE(m, 4) | LANE(m, 5) | LANE(m, 6) | LANE(m, 7))
#define MASK_4(m) MASK_1(m), MASK_1(m + 1), MASK_1(m + 2), MASK_1(m + 3)
#define MASK_16(m) MASK_4(m), MASK_4(m + 4), MASK_4(m + 8), MASK_4(m + 12)
#define MASK_64(m) MASK_16(m), MASK_16(m + 16), MASK_16(m + 32), MASK_16(m + 48)
static const uint64_t set_lanes[256] = {MASK_64(0), MASK_64(64), MASK_64(128), MASK_64(192)};
#endif

#define INSTRUCTION_SET baseline
#define TARGET
#if HAVE_VECTORS
#define LANES 4
#define REGISTERS 12
#else
#define LANES 1
#define REGISTERS 16
#endif
#define SIMD_LEVEL HAVE_X86
#include "kernels_simd.h"

#if HAVE_X86
#define INSTRUCTION_SET avx2
#define TARGET __attribute__((target("avx2,popcnt")))
#define LANES 8
#define REGISTERS 12
#define SIMD_LEVEL 2
#include "kernels_simd.h"

#define INSTRUCTION_SET avx512
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,popcnt")))
#define LANES 16
#define REGISTERS 16
#define SIMD_LEVEL 3
#include "kernels_simd.h"
#endif

const Kernels *const *
kernels_available(void)
{
    static const Kernels *const all[] = {
#if HAVE_X86
        &kernels_avx512,
        &kernels_avx2,
#endif
        &kernels_baseline,
        NULL,
    };
#if HAVE_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("popcnt"))
        return all;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return all + 1;
    return all + 2;
#else
    return all;
#endif
}
