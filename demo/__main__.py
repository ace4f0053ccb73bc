"""`python -m demo`: the whole service with a simulated carrier, playing one conversation per command.

It runs until Ctrl-C; with --once it ends after the conversations: 0 only if every one ended as expected.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock

from demo.carrier import SERVICE_NUMBER
from demo.house import CONTROL_PORT, ENDING, House, open_house
from demo.onlooker import Onlooker
from demo.player import Player
from demo.scene import PEOPLE, Scene
from demo.scenes import SCENES
from demo.screen import Screen
from demo.seed import ZONE
from demo.supervisor import DoesNotRun
from demo.wire import Unanswered

INTERRUPTED = 130
TOO_NEAR_MIDNIGHT = timedelta(seconds=45)


def main(arguments: Sequence[str] | None = None, scenes: Sequence[Scene] = SCENES) -> int:
    """Run the demo; returns the exit code."""
    asked = _arguments(arguments, scenes)
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(asked, Screen(sys.stdout))
    except (DoesNotRun, Unanswered) as failure:
        print(failure, file=sys.stderr)
    except BrokenPipeError:  # whoever read this has seen enough; nothing may be written at our exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _run(asked: argparse.Namespace, screen: Screen) -> int:
    good: bool | None = None
    try:
        now = datetime.now(UTC)
        _pass_midnight(screen, asked.at or now)
        screen.say("Starting carrier, worker, gateway and web in a folder of their own …")
        offset = asked.at - now if asked.at else timedelta(0)
        with open_house(screen.say, offset, usual_ports=not asked.once) as house:
            good = _play(house, screen, asked.scenes)
            if not asked.once:
                _stay(house, screen)
    except KeyboardInterrupt:
        if asked.once or good is None:
            return INTERRUPTED
        screen.say("\nEverything has ended, nothing is left behind.")
    return 0 if good else 1


def _arguments(arguments: Sequence[str] | None, scenes: Sequence[Scene]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The whole service with a simulated carrier.")
    parser.add_argument("--once", action="store_true", help="end after the conversations; 0 only if all were right")
    parser.add_argument("--only", default="", metavar="WORDS", help="play only the conversations with these words")
    parser.add_argument("--at", type=_moment, metavar="TIME", help="play as if it were then: 2026-12-24T17:30")
    asked = parser.parse_args(arguments)
    asked.scenes = [scene for scene in scenes if asked.only.casefold() in scene.title.casefold()]
    if not asked.scenes:
        parser.error("--only: no conversation has these words in its title")
    return asked


def _moment(written: str) -> datetime:
    """A time on the clinic's wall clock."""
    try:
        return datetime.fromisoformat(written).replace(tzinfo=ZONE).astimezone(UTC)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time such as 2026-12-24T17:30") from None


def _play(house: House, screen: Screen, scenes: Sequence[Scene]) -> bool:
    began = time.monotonic()
    player = Player(house.clinic, house.phones, screen, house.supervisor.tend, house)
    bad = [scene.title for number, scene in enumerate(scenes, start=1) if player.play(number, scene)]
    right = len(scenes) - len(bad)
    took = f"in {time.monotonic() - began:.1f} s"
    screen.say(f"\n{right} of {len(scenes)} conversations ended as expected, {took}.", "bad" if bad else "good")
    for title in bad:
        screen.say(f"    not: {title}", "bad")
    if house.supervisor.deaths:
        screen.say("A process ended by itself meanwhile.", "bad")
    return not bad and not house.supervisor.deaths


def _stay(house: House, screen: Screen) -> None:
    """Say where everything is, and show what is texted by hand, until Ctrl-C."""
    _say_where(house, screen)
    onlooker = Onlooker(house.clinic, screen)
    while True:
        house.supervisor.tend()
        onlooker.look()
        time.sleep(0.3)


def _say_where(house: House, screen: Screen) -> None:
    aino = PEOPLE["p-virtanen-aino"]
    elsewhere = "" if house.control_port == CONTROL_PORT else f" --carrier {house.control}"
    texted = f'{{"from": "{aino.number}", "to": "{SERVICE_NUMBER}", "text": "Milloin aikani on? {aino.code}"}}'
    screen.say(f"""
The service runs until Ctrl-C, {_ahead(house)}:
    API, with its documentation   {house.web}/api/v1/docs
    ready?                        {house.web}/readyz
    the carrier's control         {house.control}/texts
    logs                          {house.folder}

Sign in to the API with the key of this run:
    curl -s -H 'Authorization: Bearer {house.key}' {house.web}/api/v1/threads

Be {aino.first} ({aino.code}), or anybody of demo/seed.py, on a phone of your own:
    {_short(sys.executable)} -m demo.phone {aino.number}{elsewhere}
or in one line:
    curl -s {house.control}/texts -d '{texted}'
""")


def _ahead(house: House) -> str:
    """How the clock of the service stands to that of the machine."""
    return f"its clock moved by {house.offset}" if house.offset else "by the clock of this machine"


def _short(path: str) -> str:
    """*path* as it is written here."""
    here = os.path.relpath(path)
    return path if here.startswith(os.pardir) else here


def _pass_midnight(screen: Screen, now: datetime) -> None:
    """Let the day begin first: a visit of today must not become one of yesterday's while the demo plays."""
    midnight = datetime.combine(now.astimezone(ZONE).date() + timedelta(days=1), clock(), ZONE)
    left = midnight.astimezone(UTC) - now
    if left < TOO_NEAR_MIDNIGHT:
        screen.say("Waiting for midnight to pass …")
        time.sleep(left.total_seconds() + 1)


if __name__ == "__main__":
    sys.exit(main())
