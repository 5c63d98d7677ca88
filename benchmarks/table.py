"""Figures as aligned lines."""


def lines(*rows: tuple[str, object, str]) -> str:
    """Return one line a row of what, how much and its unit; None is shown as a missing peer."""
    shown = [(what, _number(value), unit) for what, value, unit in rows]
    wide = max(len(what) for what, _, _ in shown)
    return "\n".join(f"{what:<{wide}}  {value:>10}  {unit}".rstrip() for what, value, unit in shown)


def _number(value: object) -> str:
    if value is None:
        return "no peer"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
