"""A TOML file read field by field: every value checked, every unread key refused by its full name."""

import math
from typing import Any


class ScenarioError(ValueError):
    """A scenario that cannot be run; the text names the key and what it may be."""


class Fields:
    """One table. `name` is its dotted name, empty for the file itself."""

    def __init__(self, values: Any, name: str) -> None:
        if not isinstance(values, dict):
            raise ScenarioError(f"{name} must be a table")
        self.name = name
        self._values = values
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        """Return whether the table gives `key`, which is then known here."""
        self._know(key)
        return key in self._values

    def table(self, key: str) -> "Fields":
        """Return the table `key`, an empty one when it is absent."""
        return Fields(self._get(key, {}), self._full(key))

    def tables(self, key: str) -> list["Fields"]:
        """Return the array of tables `key`."""
        found = self._get(key, [])
        if not isinstance(found, list):
            raise ScenarioError(f"{self._full(key)} must be written [[{self._full(key)}]]")
        return [Fields(entry, f"{self._full(key)}[{i + 1}]") for i, entry in enumerate(found)]

    def number(self, key: str, default: float | None, low: float, high: float) -> float:
        """Return a number within [low, high]; a `default` of None makes the key obligatory."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ScenarioError(f"{self._full(key)} must be a number from {low:g} to {high:g}, not {value!r}")
        return float(value)

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """Return a whole number within [low, high]."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ScenarioError(f"{self._full(key)} must be a whole number from {low} to {high}, not {value!r}")
        return value

    def numbers(self, key: str, default: tuple[float, float], low: float, high: float) -> tuple[float, float]:
        """Return two numbers within [low, high], the first not above the second."""
        value = self._get(key, list(default))
        good = isinstance(value, list) and len(value) == 2
        good = good and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        if not good or not low <= value[0] <= value[1] <= high or any(math.isnan(v) for v in value):
            raise ScenarioError(f"{self._full(key)} must be two rising numbers from {low:g} to {high:g}")
        return float(value[0]), float(value[1])

    def text(self, key: str, default: str | None) -> str:
        """Return a text."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise ScenarioError(f"{self._full(key)} must be a text, not {value!r}")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """Return ``key``, true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise ScenarioError(f"{self._full(key)} must be true or false")
        return value

    def choice(self, key: str, default: str | None, allowed: tuple[str, ...]) -> str:
        """Return one of the texts `allowed`."""
        value = self._get(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise ScenarioError(f"{self._full(key)} must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def done(self, allowed: tuple[str, ...] = ()) -> None:
        """Refuse the keys that nobody asked for; `allowed` are named besides those that were."""
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(dict.fromkeys((*self._asked, *allowed)))
                raise ScenarioError(f"unknown key {self._full(key)}; known here: {known}")

    def _get(self, key: str, default: Any) -> Any:
        self._know(key)
        if key not in self._values and default is None:
            raise ScenarioError(f"{self._full(key)} is missing")
        return self._values.get(key, default)

    def _know(self, key: str) -> None:
        if key not in self._asked:
            self._asked.append(key)

    def _full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key
