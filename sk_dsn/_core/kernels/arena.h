/* One zeroed block of memory, handed out as arrays that start at cache lines.

   A layout function asks for its arrays one after the other. It runs twice: on an arena without
   memory, which measures, and on one with memory, which hands out. The debug build asserts that
   both runs agree and puts a guard in front of each array, whose bytes must be the same when the
   block is freed. */
#ifndef SK_DSN_ARENA_H
#define SK_DSN_ARENA_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

typedef struct {
    void *block;            /* as malloc gave it; NULL while the arena measures */
    char *memory;           /* its first cache line */
    size_t used, room;      /* bytes */
} Arena;

#ifdef SK_DSN_DEBUG
#define GUARD_BYTE 0xA5

/* The first bytes of a guard say how long the array behind it is, so that guards can be found
   again. */
static inline void
guard_write(char *guard, size_t size)
{
    memset(guard, GUARD_BYTE, CACHE_LINE);
    memcpy(guard, &size, sizeof size);
}

/* Whether every guard is as it was written. */
static inline int
guards_hold(const Arena *arena)
{
    size_t size;
    for (size_t at = 0; at < arena->used; at += CACHE_LINE + size) {
        memcpy(&size, arena->memory + at, sizeof size);
        for (size_t i = sizeof size; i < CACHE_LINE; i++)
            if ((unsigned char)arena->memory[at + i] != GUARD_BYTE)
                return 0;
        if (size > arena->used - at - CACHE_LINE)
            return 0;
    }
    return 1;
}
#endif

/* The next `size` bytes, rounded up to whole cache lines; NULL while the arena measures. */
static inline void *
arena_take(Arena *arena, size_t size)
{
    size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
#ifdef SK_DSN_DEBUG
    if (arena->memory) {
        assert(arena->used + CACHE_LINE + size <= arena->room);
        guard_write(arena->memory + arena->used, size);
    }
    arena->used += CACHE_LINE;
#endif
    char *taken = arena->memory ? arena->memory + arena->used : NULL;
    arena->used += size;
    return taken;
}

/* Gives an arena that has measured its memory. Returns 0, or -1 where there is none. */
static inline int
arena_begin(Arena *arena)
{
    arena->room = arena->used;
    arena->used = 0;
    arena->block = calloc(arena->room + CACHE_LINE, 1);
    if (!arena->block)
        return -1;
    arena->memory = (char *)(((uintptr_t)arena->block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    return 0;
}

/* The end of the second run: all that was measured has been handed out. */
static inline void
arena_end(const Arena *arena)
{
    assert(arena->used == arena->room);
    (void)arena;
}

static inline void
arena_free(Arena *arena)
{
#ifdef SK_DSN_DEBUG
    if (arena->block)
        assert(guards_hold(arena));
#endif
    free(arena->block);
}

#endif
