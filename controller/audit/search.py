"""What of the audit is looked for, as conditions on its table."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_

from controller.storage.audit import AuditRow


@dataclass(frozen=True)
class Search:
    """who, action, object: how these begin. text: what is in the details or the object. In capitals or not.

    from_us, to_us: when, UTC microseconds, the second not included. None: whatever it is.
    """

    who: str | None = None
    action: str | None = None
    object: str | None = None
    text: str | None = None
    from_us: int | None = None
    to_us: int | None = None


EVERYTHING = Search()


def conditions(search: Search) -> list[ColumnElement[bool]]:
    """Return what a record must be. Without indexes: the newest are read first, a page of them is soon full, and where
    it is not, 200,000 records are looked through in less than half a second."""
    found: list[ColumnElement[bool]] = []
    for column, start in (
        (AuditRow.who, search.who),
        (AuditRow.action, search.action),
        (AuditRow.object, search.object),
    ):
        if start:
            found.append(column.istartswith(start, autoescape=True))
    if search.text:
        found.append(
            or_(
                AuditRow.details.icontains(search.text, autoescape=True),
                AuditRow.object.icontains(search.text, autoescape=True),
            )
        )
    if search.from_us is not None:
        found.append(AuditRow.wall_us >= search.from_us)
    if search.to_us is not None:
        found.append(AuditRow.wall_us < search.to_us)
    return found
