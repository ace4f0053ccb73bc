"""A phone in the terminal: `python -m demo.phone +358405550101` texts the clinic of a running demo by hand."""

from __future__ import annotations

import argparse
import select
import sys
import time
from urllib.parse import urlsplit

from demo.carrier import Phones
from demo.house import CONTROL_PORT
from demo.screen import Screen
from demo.wire import HOST, Unanswered

_BLINK = 0.3  # seconds between two looks for new texts


def main() -> None:
    """Send each line that is typed, and show what comes, until Ctrl-D or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m demo.phone", description="Text the demo's clinic by hand.")
    parser.add_argument("number", help="the phone's own number, such as +358405550101")
    parser.add_argument("--carrier", default=f"http://{HOST}:{CONTROL_PORT}", help="default: %(default)s")
    asked = parser.parse_args()
    phones = Phones(urlsplit(asked.carrier).port or CONTROL_PORT)
    try:
        use(phones, asked.number, Screen(sys.stdout))
    except Unanswered as away:
        sys.exit(f"no demo at {asked.carrier}: {away}")
    except KeyboardInterrupt:
        print()


def use(phones: Phones, number: str, screen: Screen) -> None:
    """Be the phone *number* until the end of stdin. Raises `Unanswered` when the carrier is away."""
    last = max((shown.id for shown in phones.shown(number=number)), default=0)
    screen.say("Write a text and press Enter; Ctrl-D switches the phone off.", "quiet")
    while True:
        typed = sys.stdin.readline() if select.select([sys.stdin], [], [], _BLINK)[0] else None
        if typed and typed.strip():
            phones.send(number, typed.strip())
        elif typed == "":
            time.sleep(_BLINK)  # the answer to what was piped in is on its way
        for shown in phones.shown(after=last, number=number):
            last = shown.id
            screen.clinic(shown.text)
        if typed == "":
            return


if __name__ == "__main__":
    main()
