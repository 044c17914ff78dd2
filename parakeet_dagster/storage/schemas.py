"""The columns of every asset in the lake, enforced on write. The contract of the design."""

import pyarrow as pa

_BAR = [("open", pa.float64()), ("high", pa.float64()), ("low", pa.float64())]
_TICKER = [("date", pa.date32()), ("ticker", pa.string())]
_LISTING = [("market", pa.string()), ("currency", pa.string())]

SCHEMAS: dict[str, pa.Schema] = {
    "ticker_universe": pa.schema(
        [
            ("date", pa.date32()),
            ("universe", pa.string()),
            ("ticker", pa.string()),
            ("name", pa.string()),
            *_LISTING,
            ("asset_class", pa.string()),
        ]
    ),
    "raw_prices": pa.schema(
        [
            *_TICKER,
            *_LISTING,
            *_BAR,
            ("close", pa.float64()),
            ("volume", pa.int64()),
            ("dividend", pa.float64()),
            ("split_ratio", pa.float64()),
            ("source", pa.string()),
            ("data_quality", pa.string()),
        ]
    ),
    "fx_rates": pa.schema(
        [
            ("date", pa.date32()),
            ("currency", pa.string()),
            ("aud_per_unit", pa.float64()),
            ("aud_per_unit_before", pa.float64()),
            ("source", pa.string()),
            ("carried", pa.bool_()),
        ]
    ),
    "daily_returns": pa.schema(
        [
            *_TICKER,
            *_LISTING,
            ("close", pa.float64()),
            ("traded", pa.bool_()),
            ("open_ratio", pa.float64()),
            ("high_ratio", pa.float64()),
            ("low_ratio", pa.float64()),
            ("value_traded_aud", pa.float64()),
            ("return_local", pa.float64()),
            ("return_aud", pa.float64()),
        ]
    ),
    "signals": pa.schema(
        [
            *_TICKER,
            ("signal", pa.int8()),
            ("strength", pa.float64()),
            ("score", pa.float64()),
        ]
    ),
    "allocations": pa.schema(
        [
            *_TICKER,
            ("weight", pa.float64()),
            ("rebalance", pa.bool_()),
        ]
    ),
    "holdings": pa.schema(
        [
            *_TICKER,
            ("quantity", pa.float64()),
            ("wanted", pa.float64()),
            ("price_aud", pa.float64()),
            ("value_aud", pa.float64()),
        ]
    ),
    "orders": pa.schema(
        [
            *_TICKER,
            ("side", pa.string()),
            ("quantity", pa.float64()),
            ("price_estimate_aud", pa.float64()),
            ("cost_estimate_aud", pa.float64()),
            ("reason", pa.string()),
        ]
    ),
}

_DATE = "the session"
_SYMBOL = "as Yahoo writes it, e.g. BRK-B, BHP.AX"
_MARKET = "XNYS (every US listing) or XASX"
_CURRENCY = "USD or AUD"

COLUMN_DESCRIPTIONS: dict[str, dict[str, str]] = {
    "ticker_universe": {
        "date": _DATE,
        "universe": "the universe's key",
        "ticker": _SYMBOL,
        "name": "of the company or fund",
        "market": _MARKET,
        "currency": _CURRENCY,
        "asset_class": "equity or etf",
    },
    "raw_prices": {
        "date": _DATE,
        "ticker": _SYMBOL,
        "market": _MARKET,
        "currency": _CURRENCY,
        "open": "as traded that day, in the currency; null in an action without a bar",
        "high": "as open",
        "low": "as open",
        "close": "as open",
        "volume": "shares as traded that day; 0 from the sample source",
        "dividend": "cash per share held before that day's split, ex that day; 0 when none",
        "split_ratio": "new shares per old share, ex that day; 1 when none",
        "source": "sample or yahoo",
        "data_quality": "good or suspect; what is bad is in quarantine",
    },
    "fx_rates": {
        "date": _DATE,
        "currency": _CURRENCY,
        "aud_per_unit": "AUD for 1 unit of the currency",
        "aud_per_unit_before": "the same on the session before, from the same source; null where"
        " it has none",
        "source": "yahoo or ecb",
        "carried": "true where the source has no rate of the day and aud_per_unit is the last one",
    },
    "daily_returns": {
        "date": _DATE,
        "ticker": _SYMBOL,
        "market": _MARKET,
        "currency": _CURRENCY,
        "close": "as traded; the last one where it did not trade",
        "traded": "whether it traded that day",
        "open_ratio": "open / close; 1 where it did not trade",
        "high_ratio": "high / close; 1 where it did not trade",
        "low_ratio": "low / close; 1 where it did not trade",
        "value_traded_aud": "close x volume in AUD; 0 where it did not trade",
        "return_local": "total return since the last bar; 0 where it did not trade, null on the"
        " first bar",
        "return_aud": "the same in AUD, since the session before; null on the first bar",
    },
    "signals": {
        "date": _DATE,
        "ticker": _SYMBOL,
        "signal": "-1, 0 or 1",
        "strength": "0 to 1",
        "score": "on the strategy's own scale; null where it cannot be known",
    },
    "allocations": {
        "date": _DATE,
        "ticker": f"{_SYMBOL}; CASH is a row",
        "weight": "of the portfolio in AUD; a session's weights sum to 1",
        "rebalance": "whether the target was decided on that session",
    },
    "holdings": {
        "date": _DATE,
        "ticker": f"{_SYMBOL}; CASH is a row",
        "quantity": "shares held at the close; AUD for CASH",
        "wanted": "shares once all open orders are filled",
        "price_aud": "the close in AUD",
        "value_aud": "quantity x price_aud",
    },
    "orders": {
        "date": _DATE,
        "ticker": _SYMBOL,
        "side": "buy or sell",
        "quantity": "shares",
        "price_estimate_aud": "of a share: the session's close",
        "cost_estimate_aud": "fee, slippage and exchange",
        "reason": "what the order does to the position, in parts of the portfolio",
    },
}
