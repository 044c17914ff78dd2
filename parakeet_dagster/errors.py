"""Errors that a user can mend: one line that names the thing, the value and what to do."""

import click


class ParakeetError(click.ClickException):
    """A user's mistake, or a state of the world that he can mend.

    It is click's exception so that every command line, Dagster's too, prints its message as one
    line without a traceback and exits with 1.
    """


class SettingsError(ParakeetError):
    """An environment variable, or the file it names, has a value that is not accepted."""


class SessionError(ParakeetError):
    """A date is not a session, or lies outside what is asked for."""


class LakeError(ParakeetError):
    """The lake cannot be reached, or does not hold what a window needs."""


class HoleError(LakeError):
    """A session is missing inside the stored history."""


class SchemaError(LakeError):
    """A frame does not have the columns, types or rows that its asset promises."""


class DatabaseError(ParakeetError):
    """The database cannot be reached, or refuses what is written. Never carries a password."""


class SchemaVersionError(DatabaseError):
    """The database and the code are of different versions of Parakeet."""


class BackupError(ParakeetError):
    """A dump of the database cannot be read, or not be restored where it is to be."""


class PriceSourceError(ParakeetError):
    """A price source has no data for what is asked."""


class UniverseError(ParakeetError):
    """The members of a universe cannot be had."""


class InputFileError(ParakeetError):
    """A file that a person wrote, holdings or trades, cannot be imported."""


class BlockedSessionError(ParakeetError):
    """A market's data is too incomplete to be stored; ``session`` is the first such session."""

    def __init__(self, message: str, session: str) -> None:
        super().__init__(message)
        self.session = session


class RunFailedError(ParakeetError):
    """A run did not succeed; the message is its cause."""


class EventError(ParakeetError):
    """A Lambda was called with an event that it does not take."""


class IncompleteError(ParakeetError):
    """What was asked for is not all there."""


class OutOfTimeError(IncompleteError):
    """The time was over before all was there; the same call goes on where it stopped."""


class TargetError(ParakeetError):
    """A message could not be sent to one of its targets. Never carries a secret."""
