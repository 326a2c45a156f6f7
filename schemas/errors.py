"""What a command line tells apart: the request was wrong, or the work failed."""


class RequestError(Exception):
    """What was asked for does not exist or contradicts itself: exit code 2."""
