"""How many, in words."""


def counted(number: int, what: str) -> str:
    """A number with its noun, "1 row" or "2 rows"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
