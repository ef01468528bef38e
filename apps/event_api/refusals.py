"""Why a request is not accepted, as exceptions that carry their answer."""


class Refused(Exception):
    """The request is answered with `status` and this text; nothing of it is stored."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Unavailable(Refused):
    """Not now: the sender may try again in a second."""

    def __init__(self, text: str) -> None:
        super().__init__(503, text)
