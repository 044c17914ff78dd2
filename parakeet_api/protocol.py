"""HTTP as uvicorn speaks it, where what comes before a body is limited, too.

uvicorn's parser keeps headers and trailers as long as they come, and waits for a first request as
long as its client likes: one who has no key could fill the memory, or hold every connection.
"""

from asyncio import Transport
from asyncio.events import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Of a request line, the headers, the trailers and the sizes of chunks together."""

HEAD_SECONDS = 10.0
"""So long a request line and its headers may take, from the connection or the first byte on."""


class LimitedHttp(HttpToolsProtocol):
    """See above. A piece is counted when it has arrived: the limit may be exceeded by one."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - as uvicorn makes it
        super().__init__(*given, **named)
        self._beside_body = 0
        self._awaits_head = True
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn
        """Give the first request its time."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what comes, as long as it is not too much."""
        if self._awaits_head and self._head_timer is None:
            self._start_timer()
        self._beside_body += len(data)
        super().data_received(data)
        if self._beside_body > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.logger.warning("The head of a request is too large.")
            if self._is_answering:
                self.transport.close()  # another answer is on its way
            else:
                self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Count anew."""
        self._beside_body = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there in time."""
        self._awaits_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A body has its own limits."""
        self._beside_body -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next head may come."""
        self._awaits_head = True
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one, as RFC 9110 has it."""

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._time_is_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _time_is_up(self) -> None:
        self._head_timer = None
        if not self._is_answering and not self.transport.is_closing():
            self.transport.close()
