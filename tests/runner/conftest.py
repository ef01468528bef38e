from tests.clock import clock
from tests.state.fixtures import driver, rings, worker

__all__ = ["clock", "driver", "rings", "worker"]
