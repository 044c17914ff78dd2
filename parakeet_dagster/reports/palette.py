"""The colours of page and charts, for a light and a dark screen.

Two hues carry the meaning (blue: the strategy and what it gained; rust: what it lost), the rest is
grey; only the weights need more. A chart is drawn in the light colours; in a page each becomes a
CSS variable with the colour's name, which the page gives the value for its screen. So no two names
may have the same light colour.
"""

LIGHT = {
    "paper": "#fdfcfa",
    "ink": "#1c2127",
    "muted": "#646b73",
    "line": "#e2e0db",
    "zero": "#a9a8a3",
    "tint": "#f5f3ee",
    "strategy": "#1d5b8f",
    "after-tax": "#71aad6",
    "benchmark": "#928e86",
    "loss": "#b24a2e",
    "cash": "#d3d5d8",
    "other": "#9aa1a8",
    "share-1": "#2a5580",
    "share-2": "#6f9dc6",
    "share-3": "#3a8a80",
    "share-4": "#93c2ae",
    "share-5": "#bd9440",
    "share-6": "#e3cd8f",
    "share-7": "#ad5a3c",
    "share-8": "#dba488",
    "share-9": "#73587f",
    "share-10": "#b7a3c4",
}

DARK = LIGHT | {
    "paper": "#15181c",
    "ink": "#e6e7e8",
    "muted": "#9aa1a9",
    "line": "#2b3036",
    "zero": "#596069",
    "tint": "#1d2126",
    "strategy": "#6db4ea",
    "after-tax": "#3d78a8",
    "benchmark": "#97938b",
    "loss": "#e08363",
    "cash": "#3a4047",
    "other": "#727982",
    "share-1": "#3f73a6",
}

SHARES = [name for name in LIGHT if name.startswith("share-")]
"""The colours of the tickers that a chart of weights names, the greatest first."""


def channels(colour: str) -> str:
    """Red, green and blue of ``#rrggbb`` for CSS's ``rgb(... / opacity)``: "29 91 143"."""
    return " ".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
