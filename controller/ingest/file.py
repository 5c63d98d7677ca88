"""A file as a source."""

from .decode import file_samples
from .output import Output
from .request import FileSource
from .signals import FadeIn, gain


def play(source: FileSource, output: Output) -> None:
    """Write the file's sound from `source.start_us` on; raises IngestError."""
    factor = gain(source.gain_db)
    fade = FadeIn() if source.start_us else None  # a beginning is the file's own, a place in the middle would click
    for samples in file_samples(source.path, source.start_us):
        scaled = samples * factor
        output.write(fade.apply(scaled) if fade else scaled)
