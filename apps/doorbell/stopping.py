"""Whether this process is stopping. Whoever loops over work looks here between two batches."""

import threading

stopping = threading.Event()
"""Set when Celery begins to shut the worker down."""
