"""From target weights to money: what a portfolio earns after costs and tax, and what to trade.

The frames that travel between the modules (dates are datetime64[us], AUD and shares float64):

``fills``: one row per trade that happened. Columns ``FILL_COLUMNS``: date, ticker, quantity
(shares, negative for a sale), price (per share in its own currency, as traded), aud_per_unit,
fee_aud, slippage_aud, fx_cost_aud (all at least 0), cash_aud (what the account's cash changed by,
every cost included: negative for a purchase), reason (``REASONS``). Sorted by date and ticker.

``splits``: columns date (ex-date), ticker, split_ratio (new shares per old share, not 1). It acts
on what was held before the session's fills.

``income``: one row per dividend. Columns ``INCOME_COLUMNS``: date (ex-date), ticker, gross_aud,
withheld_aud (tax kept back at the source), fx_cost_aud.

``daily``: one row per session. Columns ``DAILY_COLUMNS``: date, equity (AUD at the close), cash,
traded (the value bought and sold), fees, slippage, fx_costs, dividends (gross), withheld, interest.

``positions``: one row per holding and session, at the close. Columns ``POSITION_COLUMNS``: date,
ticker, quantity (shares), wanted (shares once all open orders are filled), price_aud (the close),
value_aud. ``CASH`` is a row of every session: its quantity and value are AUD, its price 1.
"""

FILL_COLUMNS = [
    "date",
    "ticker",
    "quantity",
    "price",
    "aud_per_unit",
    "fee_aud",
    "slippage_aud",
    "fx_cost_aud",
    "cash_aud",
    "reason",
]
REASONS = ("order", "delisted", "cash in lieu")
INCOME_COLUMNS = ["date", "ticker", "gross_aud", "withheld_aud", "fx_cost_aud"]
DAILY_COLUMNS = [
    "date",
    "equity",
    "cash",
    "traded",
    "fees",
    "slippage",
    "fx_costs",
    "dividends",
    "withheld",
    "interest",
]
POSITION_COLUMNS = ["date", "ticker", "quantity", "wanted", "price_aud", "value_aud"]
