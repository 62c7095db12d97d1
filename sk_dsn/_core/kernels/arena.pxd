cdef extern from "arena.h" nogil:
    ctypedef struct Arena:
        size_t used

    void *arena_take(Arena *arena, size_t size) noexcept
    int arena_begin(Arena *arena) noexcept
    void arena_end(const Arena *arena) noexcept
    void arena_free(Arena *arena) noexcept
