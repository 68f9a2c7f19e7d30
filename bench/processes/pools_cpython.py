"""The same with Python's own pools: prints a line of JSON, each figure in calls per second."""

import json
import multiprocessing
import multiprocessing.pool
import sys
import time


def double(n):
    return 2 * n


def count_primes(below):
    count = 0
    for n in range(2, below):
        factor = 2
        while factor * factor <= n and n % factor:
            factor += 1
        count += factor * factor > n
    return count


def each(pool, count):
    for n in range(count):
        pool.apply(double, (n,))


def at_once(pool, count):
    for result in [pool.apply_async(double, (n,)) for n in range(count)]:
        result.get()


def mapped(pool, count):
    pool.map(double, range(count))


def imapped(pool, count):
    for _ in pool.imap(double, range(count), 100):
        pass


def computed(pool, count):
    pool.map(count_primes, [50_000] * count, 1)


def measure(pool, use, count):
    """How many calls a second."""
    start = time.perf_counter()
    use(pool, count)
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    counts = json.loads(sys.argv[1])
    figures = {}
    for name, Pool in (("Pool", multiprocessing.Pool), ("ThreadPool", multiprocessing.pool.ThreadPool)):
        for workers in (1, 2):
            with Pool(workers) as pool:
                pool.map(double, range(100), 1)
                for use in (each, at_once, mapped, imapped, computed):
                    figures[f"{name} {workers} {use.__name__}"] = measure(pool, use, counts[use.__name__])
    print(json.dumps(figures))
