"""A carrier to try the gateway with: `python -m gateway.simulator --port 2775 --http 8775`.

It speaks SMPP 3.4 on --port, and is controlled over HTTP on --http: send a text as a phone would, read what the phones
got, make it misbehave. docs/simulator.md says how.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from gateway.simulator.control import serve
from gateway.simulator.thread import CarrierThread


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    asked = _arguments()
    carrier = CarrierThread(host=asked.host, port=asked.port, system_id=asked.system_id, password=asked.password)
    try:
        carrier.start()
        control = serve(carrier, asked.host, asked.http) if asked.http is not None else None
    except OSError as error:
        sys.exit(f"gateway.simulator: cannot listen: {error.strerror}")
    print(f"SMPP on {asked.host}:{carrier.port}", flush=True)
    if control is not None:
        print(f"HTTP on http://{asked.host}:{control.server_address[1]}", flush=True)
        threading.Thread(target=control.serve_forever, daemon=True).start()
    _wait_for_the_end()
    if control is not None:
        control.shutdown()
    carrier.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway.simulator", description="An SMPP 3.4 carrier for trials.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=2775, help="SMPP port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--http", type=int, help="port of the control interface, 0 for a free one (default: none)")
    parser.add_argument("--system-id", default="tekstari", help="who may bind (default: %(default)s)")
    parser.add_argument("--password", default="secret", help="with which password (default: %(default)s)")
    return parser.parse_args()


def _wait_for_the_end() -> None:
    over = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    over.wait()


if __name__ == "__main__":
    main()
