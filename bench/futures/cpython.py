"""Python's own pools: `cpython.py KIND SMALL SINGLE`, as ours.ts."""

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def echo(value):
    return value


def rate(count, run):
    """How many a second are done."""
    start = time.perf_counter()
    run()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    kind = ProcessPoolExecutor if sys.argv[1] == "processes" else ThreadPoolExecutor
    small, single = map(int, sys.argv[2:4])
    with kind(2) as executor:

        def at_once():
            for future in list(executor.submit(echo, at) for at in range(small)):
                future.result()

        def one_at_a_time():
            for at in range(single):
                executor.submit(echo, at).result()

        at_once()
        figures = {"at once": rate(small, at_once)}
        one_at_a_time()
        figures["one at a time"] = rate(single, one_at_a_time)
    print(json.dumps(figures))
