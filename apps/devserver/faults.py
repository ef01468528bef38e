"""What keeps the development server from starting."""


class CannotStart(Exception):
    """One sentence for the person at the terminal: what is in the way. Never shown with a traceback."""
