from tests.state.fixtures import rings

__all__ = ["rings"]
