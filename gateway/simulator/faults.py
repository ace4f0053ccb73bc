"""How the carrier misbehaves. Every field may be changed at any time; the defaults are a carrier at its best."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from gateway.smpp.pdu import Status


@dataclass(slots=True)
class Faults:
    """What goes wrong, from now on. Fields that count (`*_next`) wear off; the others hold until they are changed."""

    # binds
    bind_status: int = 0  # refuse every bind with it
    ignore_binds: bool = False  # never answer one

    # submit_sm
    rate: float = 0.0  # more than so many in one second are refused as throttled; 0 = no limit
    throttle_percent: float = 0.0  # refuse so many of a hundred as throttled, whatever the rate
    status: int = 0x58  # what `status_next` submits are answered with
    status_next: int = 0
    number_status: dict[str, int] = field(default_factory=dict)  # by recipient (E.164): always this status
    delay: float = 0.0  # seconds before a submit_sm_resp
    lose_next: int = 0  # accept so many and never say so
    double_next: int = 0  # answer so many twice
    nack_next: int = 0  # answer so many with a generic_nack

    # deliver_sm
    forget_acks_next: int = 0  # break the link instead of reading so many acknowledgements; the texts come again

    # the link
    half_open: bool = False  # read nothing and say nothing, with the connection standing
    octets_per_second: int = 0  # read no faster; 0 = as fast as they come

    def verdict(self, number: str, accepted: deque[float], now: float, chance: random.Random) -> int:
        """Return the status for a submit to *number*; *accepted* are the times of those taken in the last second."""
        if number in self.number_status:
            return self.number_status[number]
        if self.status_next:
            self.status_next -= 1
            return self.status
        while accepted and now - accepted[0] >= 1.0:
            accepted.popleft()
        too_fast = bool(self.rate) and len(accepted) >= self.rate
        if too_fast or (self.throttle_percent and chance.random() * 100 < self.throttle_percent):
            return Status.RTHROTTLED
        return Status.ROK


@dataclass(slots=True)
class Receipts:
    """How delivery receipts look, for submits that ask for one."""

    form: str = "both"  # "tlv", "text", "both", or "none"
    state: str = "DELIVRD"  # or UNDELIV, EXPIRED, REJECTD, DELETED, ACCEPTD, UNKNOWN, ENROUTE
    number_state: dict[str, str] = field(default_factory=dict)  # by recipient (E.164)
    error: str = "000"
    delay: float = 0.0  # seconds after the submit_sm_resp; below 0: before it
    answer_form: str = "hex"  # or "dec": how submit_sm_resp writes the message_id
    id_form: str = "same"  # or "hex", "dec", "upper", "padded": how the receipt writes it
