"""Numbers in files: how Linux shows sensors (hwmon, iio, gpio), and how a script may hand one over."""

_MOST_CHARS = 64
_MOST = 1e15


def number_in(path):
    """Return the first word of a file as a number, or None where there is no file, or no number in it."""
    try:
        with open(path) as file:
            words = file.read(_MOST_CHARS).split()
        found = float(words[0])
    except (OSError, ValueError, IndexError):  # UnicodeError is a ValueError
        return None
    return found if -_MOST < found < _MOST else None
