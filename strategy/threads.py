"""Linear algebra whose bits do not depend on the machine's number of cores."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep linear algebra on one thread: sums split among threads differ in their last bits.

    Nor is a window worth sharing: a decomposition of 36 x 36 takes 0.1 ms, and now and then 30 ms
    on two threads that wait for each other. It reaches the libraries that are loaded by then:
    import what does the work first.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
