"""The base of all bodies of requests: what is not known is refused, and so is a flag where a number is meant."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Body(BaseModel):
    """A body of a request; raises pydantic.ValidationError that names the wrong fields."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, values: Any) -> Any:
        # Python's true is the number 1: a gain of true would be one decibel.
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields and _is_number(cls.model_fields[name].annotation):
                raise ValueError(f"{name}: this is a number, not true or false")
        return values


def _is_number(annotation: Any) -> bool:
    """Return whether the annotation is one of a number, optional or not."""
    return annotation in (int, float) or any(_is_number(each) for each in get_args(annotation))
