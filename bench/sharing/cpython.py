"""The same with Python's own modules: prints a line of JSON, each figure in operations per second."""

import json
import multiprocessing
import queue
import threading
import time


def use(lock, count):
    for _ in range(count):
        with lock:
            pass


def get(jobs, count):
    for _ in range(count):
        jobs.get()


def put(jobs, count):
    for _ in range(count):
        jobs.put(1)


def measure(kind, targets, count):
    """How often `targets` do something in a second, each of them `count` times."""
    workers = [kind(target=target, args=(*args, count)) for target, *args in targets]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    Thread, Process = threading.Thread, multiprocessing.Process
    lock, shared = threading.Lock(), multiprocessing.Lock()
    manager = multiprocessing.Manager()
    jobs, queued, managed = queue.Queue(), multiprocessing.Queue(), manager.Queue()
    figures = {
        "lock": measure(Thread, [(use, lock)], 1_000_000),
        "lock, 20 threads": 20 * measure(Thread, [(use, lock)] * 20, 50_000),
        "lock, 2 processes": 2 * measure(Process, [(use, shared)] * 2, 200_000),
        "queue, 2 threads": measure(Thread, [(put, jobs), (get, jobs)], 200_000),
        "queue, 2 processes": measure(Process, [(put, queued), (get, queued)], 50_000),
        "queue of a manager": measure(Process, [(put, managed), (get, managed)], 5_000),
    }
    print(json.dumps(figures))
    manager.shutdown()
