"""A serial port, held by one user at a time, by any name that pyserial knows.

A port may be a real one (`/dev/ttyACM0`, `COM3`), a pseudo-terminal (`/dev/pts/4`) or
`socket://host:port`. What goes wrong with it is a BoardError.
"""

from __future__ import annotations

import errno
import time
from types import TracebackType
from typing import Any, Self

from studio.errors import BoardError

BAUD = 115_200
_WRITE_TIMEOUT_S = 5.0


class Port:
    """A serial port, open from construction to `close`.

    Args:
        url: what pyserial's `serial_for_url` takes.
        baud: bits a second, where the wire is real.

    Raises:
        BoardError: there is no such port, it is busy, or this user may not open it.
    """

    def __init__(self, url: str, baud: int = BAUD) -> None:
        self.url = url
        self._serial = _open(url, baud)

    def read(self, timeout_s: float) -> bytes:
        """What has come, waiting at most `timeout_s` for the first byte; b"" where nothing did.

        Raises:
            BoardError: the port has vanished.
        """
        import serial

        try:
            if self._serial.timeout != timeout_s:
                self._serial.timeout = timeout_s
            first: bytes = self._serial.read(1)
            return first + self._serial.read(self._serial.in_waiting) if first else first
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: closed meanwhile
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            BoardError: the port has vanished, or takes nothing.
        """
        import serial

        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise BoardError(
                f"takes no data for {_WRITE_TIMEOUT_S:g} s", self.url, "reset the board"
            ) from error
        except (serial.SerialException, OSError, TypeError) as error:
            raise self._gone(error) from error

    def drain(self, quiet_s: float, limit_s: float = 1.0) -> bytes:
        """Read until nothing comes for `quiet_s`, at most for `limit_s`."""
        end = time.monotonic() + limit_s
        found = b""
        while time.monotonic() < end and (more := self.read(quiet_s)):
            found += more
        return found

    def close(self) -> None:
        """Give the port back; a second time does nothing."""
        self._serial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _gone(self, error: Exception) -> BoardError:
        return BoardError(
            f"the port has vanished: {error}", self.url, "plug the board in again and retry"
        )


def _open(url: str, baud: int) -> Any:
    import serial

    try:
        port = serial.serial_for_url(
            url, baud, timeout=1.0, write_timeout=_WRITE_TIMEOUT_S, do_not_open=True
        )
        if not url.startswith("socket://"):
            port.exclusive = True
        port.open()
    except ValueError as error:
        raise BoardError(
            f"is not a port: {error}", url, "tinyml-studio boards lists ports"
        ) from error
    except (serial.SerialException, OSError) as error:
        raise _translated(url, error) from error
    return port


def _translated(url: str, error: OSError) -> BoardError:
    text = str(error)
    code = error.errno
    if code in {errno.EAGAIN, errno.EBUSY} or "exclusively lock" in text:
        return BoardError("the port is busy", url, "close the program that uses it")
    if code in {errno.EACCES, errno.EPERM} or "PermissionError" in text:
        return BoardError(
            "may not be opened", url, "add this user to the group dialout, or close what uses it"
        )
    if code == errno.ENOENT or "FileNotFoundError" in text:
        return BoardError("there is no such port", url, "plug the board in, or choose another port")
    return BoardError(f"cannot be opened: {text}", url, "check the board and its cable")
