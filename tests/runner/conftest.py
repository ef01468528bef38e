from tests.state.fixtures import driver, rings, worker

__all__ = ["driver", "rings", "worker"]
