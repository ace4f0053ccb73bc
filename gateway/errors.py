"""What can go wrong between us and a carrier, by what the caller does about it.

No message of these quotes a text, a name or a number.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Anything a channel raises on purpose."""


class LocalProtocolError(GatewayError):
    """We were about to say something that the protocol forbids: a bug of ours, nothing was sent."""


class RemoteProtocolError(GatewayError):
    """The other side broke the protocol in a way that leaves nothing to trust: close, and bind again."""


class LinkLost(GatewayError):
    """The connection is gone or its other side is silent: bind again."""


class BindRefused(GatewayError):
    """The carrier did not let us in; *status* is its command_status. Keep trying slowly, and call a person."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind refused with status 0x{status:08X}")
        self.status = status


class Throttled(GatewayError):
    """The carrier wants fewer texts a second: slow down and send the same one again."""


class Refused(GatewayError):
    """The carrier will never take this text; *status* is its command_status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with status 0x{status:08X}")
        self.status = status
