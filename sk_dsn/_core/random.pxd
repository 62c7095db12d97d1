"""The core's one random generator: a hash of a counter (SplitMix64's finaliser). A draw for a
sample depends on seed, epoch and sample alone, not on earlier draws."""
from libc.stdint cimport uint64_t


cdef inline uint64_t hash_mix(uint64_t z) noexcept nogil:
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


cdef inline uint64_t sample_key(uint64_t seed, uint64_t epoch, uint64_t sample) noexcept nogil:
    return hash_mix(hash_mix(hash_mix(seed + <uint64_t> 0x9E3779B97F4A7C15) + epoch) + sample)


cdef inline double uniform(uint64_t key, uint64_t layer, uint64_t unit) noexcept nogil:
    """Uniform in [0, 1)."""
    return (hash_mix(key + (layer << 32 | unit) * <uint64_t> 0x9E3779B97F4A7C15) >> 11) * (1.0 / 9007199254740992.0)


cdef inline double normal(uint64_t key, uint64_t layer, uint64_t unit) noexcept nogil:
    """Close to normal, of mean 0 and standard deviation 1, and the same on every machine: the sum
    of a hash's eight bytes, which is from -4.9 to 4.9."""
    cdef uint64_t z = hash_mix(key + (layer << 32 | unit) * <uint64_t> 0x9E3779B97F4A7C15)
    z = (z & <uint64_t> 0x00FF00FF00FF00FF) + (z >> 8 & <uint64_t> 0x00FF00FF00FF00FF)
    # A byte has mean 255 / 2 and variance (256^2 - 1) / 12.
    return (<int> (z * <uint64_t> 0x0001000100010001 >> 48) - 1020) * (1.0 / 209.02153)
