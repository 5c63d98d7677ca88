"""The pictures of the guides: of every page, and not too many bytes for a repository."""

from benchmarks.pictures import FOLDER, MOST_BYTES, names


def test_every_picture_is_there_and_all_are_small() -> None:
    there = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sorted(there) == sorted(names()), "run scripts/screenshots"
    assert sum(there.values()) <= MOST_BYTES
