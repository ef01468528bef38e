"""The bare cost of Celery: an application with one task that does nothing. It leaves a byte behind to be counted.

`python -m bench.noop N` publishes N messages, as any program would, and prints when it began.
"""

import os
import sys
import time

from celery import Celery

QUEUE = "noop"

app = Celery("noop", broker=os.environ.get("BROKER_URL"))
# What makes the real application's messages cheap makes these cheap too.
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    task_default_queue=QUEUE,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)

# A byte appended is atomic across threads and processes, and costs a microsecond; the file's size is the count.
_count = os.open(os.environ.get("BENCH_NOOP_COUNT", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@app.task(name="noop")
def noop() -> None:
    os.write(_count, b".")


def publish(count: int) -> float:
    """Send so many messages; when the second one went, by CLOCK_MONOTONIC: the first one connects."""
    noop.delay()
    began = time.monotonic()
    for _ in range(count - 1):
        noop.delay()
    return began


if __name__ == "__main__":
    print(publish(int(sys.argv[1])))
