"""What is known of who was a member: kept as it was first stored, and told as it is."""

import pandas as pd

PAIR = ["date", "universe"]
BIASED = "survivorship-biased"


def keep_stored(
    fresh: pd.DataFrame, stored: pd.DataFrame, lists: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The members to store, where some sessions have members already.

    A history of membership says what it says whenever it is asked. A list is of its own day: where
    a session has its members from such a list already, they stay, since the list of a later day
    would put that day's members into the past.

    Args:
        fresh: columns date, universe, ticker and more: what the source says now.
        stored: the same columns: what is stored of the same sessions.
        lists: columns date, universe, point_in_time, as_of and more: where ``fresh`` is from, a
            row for each session and universe that is wanted.

    Returns:
        The members, sorted by (date, universe, ticker), and the rows of ``lists`` that they are
        from; what is kept is not among these.
    """
    of_lists = lists.loc[~lists["point_in_time"], PAIR]
    kept_pairs = of_lists.merge(stored[PAIR].drop_duplicates(), on=PAIR)
    kept = stored.merge(kept_pairs, on=PAIR)
    members = pd.concat([_without(fresh, kept_pairs), kept], ignore_index=True)[fresh.columns]
    members = members.sort_values([*PAIR, "ticker"], kind="stable", ignore_index=True)
    return members, _without(lists, kept_pairs)


def _without(frame: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    found = frame[PAIR].merge(pairs.drop_duplicates(), on=PAIR, how="left", indicator=True)
    return frame[(found["_merge"] == "left_only").to_numpy(dtype=bool)]


def told(lists: pd.DataFrame) -> pd.Series:
    """How the members of each session are known, in words.

    A list that is younger than the session leaves out who has failed since, and holds who has
    succeeded since: the session is survivorship-biased.

    Args:
        lists: columns date, universe, source, as_of, point_in_time.

    Returns:
        str, index date: one sentence a universe.
    """
    is_biased = ~lists["point_in_time"] & (lists["as_of"] > lists["date"])
    of_list = " is the list of " + lists["as_of"].dt.strftime("%Y-%m-%d")
    when = of_list.mask(lists["point_in_time"], " as of the day")
    warning = pd.Series("", index=lists.index).mask(is_biased, f": {BIASED}")
    sentences = lists["universe"] + when + " (" + lists["source"] + ")" + warning
    words: pd.Series = sentences.groupby(lists["date"]).agg("; ".join)
    return words
