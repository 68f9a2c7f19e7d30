"""The same with CPython's `multiprocessing`: prints a line of JSON, each figure in ms."""

import json
import multiprocessing
import threading
import time


def begin(times):
    times.put(time.time() * 1000)


def start_of(what, kind, times):
    """How long one takes to begin, and to have ended."""
    one = kind(target=begin, args=(times,))
    asked = time.time() * 1000
    one.start()
    one.join()
    ended = time.time() * 1000
    return {
        f"{what}: start() to its first line": times.get() - asked,
        f"{what}: start() to the end of join()": ended - asked,
    }


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    # What starts beside the first process of a program is there then.
    start_of("process", context.Process, context.SimpleQueue())
    print(json.dumps({
        **start_of("process", context.Process, context.SimpleQueue()),
        **start_of("thread", threading.Thread, context.SimpleQueue()),
    }))
