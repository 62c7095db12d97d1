"""Threads that share the rows of a prediction."""
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from joblib import effective_n_jobs
from joblib.parallel import get_active_backend


def row_blocks(n_rows, work_of_row, work_of_block):
    """Slices that cover the rows in order, each of about `work_of_block`: worth a thread."""
    size = max(1, int(work_of_block / work_of_row))
    return [slice(first, min(first + size, n_rows)) for first in range(0, n_rows, size)]


def thread_count(n_jobs):
    """Threads that `n_jobs` allows: as joblib reads it, and within one of its workers no more than
    the worker's share of the processors, which joblib leaves in OMP_NUM_THREADS."""
    n_threads = effective_n_jobs(n_jobs)
    if n_threads > 1 and (get_active_backend()[0].nesting_level or 0) > 0:
        share = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
        n_threads = min(n_threads, int(share)) if share.isdigit() else 1
    return max(1, n_threads)


def run_in_threads(work, blocks, n_threads, stop):
    """Calls work(queue) in as many threads, the caller's among them; each takes blocks from the
    queue until it is empty.

    Where the caller's call raises, as by Ctrl-C, the queue is emptied, and stop() ends the blocks
    that others are at.
    """
    queue = deque(blocks)
    if n_threads == 1:
        work(queue)
        return
    with ThreadPoolExecutor(n_threads - 1) as pool:
        try:
            others = [pool.submit(work, queue) for _ in range(n_threads - 1)]
            work(queue)
        except BaseException:
            queue.clear()
            stop()
            raise
    for other in others:
        other.result()
