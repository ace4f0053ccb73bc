"""The baseline: a plain smpplib client that commits each text to SQLite and answers it with one fixed text.

It reads nothing and decides nothing; it is what a day's work with the library gives, with Nagle's algorithm off, which
smpplib leaves on. Run as `python -m bench.peer PORT FILE`; measured as the gateway is, by the same carrier.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
import sys
from typing import Any

import smpplib.client
import smpplib.consts

ANSWER = b"Kiitos, viestisi on tallessa. Palaamme asiaan pian. Terveisin Keskustan hoitola."


def main(port: int, file: str) -> None:
    """Serve until the carrier goes away."""
    logging.disable(logging.CRITICAL)
    inbox = sqlite3.connect(file, isolation_level=None)
    inbox.execute("PRAGMA journal_mode = WAL")
    inbox.execute("PRAGMA synchronous = FULL")
    inbox.execute("CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, number TEXT, octets BLOB)")
    client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.connect()
    client._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind_transceiver(system_id="tekstari", password="secret")

    def answer(pdu: Any) -> None:
        number = pdu.source_addr.decode()
        inbox.execute("INSERT INTO inbox (number, octets) VALUES (?, ?)", (number, pdu.short_message))
        client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_INTL,
            source_addr="358405550100",
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            destination_addr=number,
            short_message=ANSWER,
        )

    client.set_message_received_handler(answer)
    client.set_message_sent_handler(lambda pdu: None)  # noqa: ARG005 - called by that name
    client.listen()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
