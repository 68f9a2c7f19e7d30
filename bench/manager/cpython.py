"""put(), get() and task_done() of a queue of CPython's BaseManager, in rounds a second, and processor time a round."""
import json
import queue
import resource
import threading
import time
from multiprocessing.managers import BaseManager

ONE_BY_ONE = 3000
IN_LANES = 6000
LANES = 16

tasks = queue.Queue()


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class QueueManager(BaseManager):
    pass


QueueManager.register("get_tasks", callable=lambda: tasks)
QueueManager.register("used", callable=used)


def work(jobs, count):
    for number in range(count):
        jobs.put(number)
        jobs.get()
        jobs.task_done()


def measure(manager, lanes, count):
    jobs = manager.get_tasks()
    work(jobs, 1000)
    before = used() + float(str(manager.used()))
    begin = time.perf_counter()
    threads = [threading.Thread(target=work, args=(jobs, count // lanes)) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    spent = used() + float(str(manager.used())) - before
    return [count / seconds, spent / count * 1e6]


if __name__ == "__main__":
    import multiprocessing

    multiprocessing.set_start_method("fork")
    manager = QueueManager(address=("127.0.0.1", 0), authkey=b"abc")
    manager.start()
    print(json.dumps({
        "one by one": measure(manager, 1, ONE_BY_ONE),
        "16 lanes": measure(manager, LANES, IN_LANES),
    }))
    manager.shutdown()
