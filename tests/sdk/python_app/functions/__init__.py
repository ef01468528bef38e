"""Functions as people write them for FastAPI."""

from tests.sdk.python_app.functions import failing, interrupted, invoking, parallel, steps, triggered
from tests.sdk.python_app.functions.making import client, functions

__all__ = ["client", "failing", "functions", "interrupted", "invoking", "parallel", "steps", "triggered"]
