"""What a node told over time, as a plot."""

from datetime import datetime

from pydantic import BaseModel, Field


class Series(BaseModel):
    """Of each step the least, the mean and the greatest value of its minutes; null where nothing is known."""

    min: list[int | None]
    mean: list[float | None]
    max: list[int | None]


class HistoryOut(BaseModel):
    """The steps of a plot, and what is known of each.

    Counters are what they counted in a minute; `playing` is 1 in minutes that end with something on air at the node.
    """

    from_: datetime = Field(alias="from")
    to: datetime
    step_s: int = Field(description="length of a step, whole minutes")
    times: list[int] = Field(description="the beginning of each step, seconds since 1970")
    series: dict[str, Series] = Field(description="by the name of gauge or counter; those that something is known of")
    states: list[tuple[int, str | None]] = Field(
        description="from when on the node was in which state, of a step the worst; null: nothing is known"
    )
    words: dict[str, list[tuple[int, str | None]]] = Field(description="link, speaker and fm in the form of states")
