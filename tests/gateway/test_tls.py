"""TLS to the carrier, with certificates made for the test."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.simulator.thread import CarrierThread
from tests.gateway.stand_ins import CLINIC, Gateway, patient, wait_until

NOW = datetime.now(UTC)


def certificate(folder, name, *, address="127.0.0.1"):
    """A self-signed certificate and its key in one file, as both `ca_file` and `cert_file` take it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return str(path)


def listening(certificate_file, clients_of=None):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients_of)
    context.load_cert_chain(certificate_file)
    if clients_of:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


def test_a_text_goes_round_over_tls(folder):
    theirs = certificate(folder, "carrier")

    with CarrierThread(tls=listening(theirs)) as carrier, Gateway(carrier.port, tls=True, ca_file=theirs):
        waiting = [carrier.post(patient(n), CLINIC, f"Moi {n}") for n in range(30)]

        assert [future.result(10) for future in waiting] == [[0]] * 30
        wait_until(lambda: len(carrier.texts()) == 30)


def test_a_carrier_that_asks_for_our_certificate_gets_it(folder):
    theirs, ours = certificate(folder, "carrier"), certificate(folder, "clinic")

    with (
        CarrierThread(tls=listening(theirs, clients_of=ours)) as carrier,
        Gateway(carrier.port, tls=True, ca_file=theirs, cert_file=ours),
    ):
        assert carrier.deliver(patient(), CLINIC, "Moi") == [0]


@pytest.mark.parametrize("flaw", ["of another", "for another address"])
def test_a_carrier_that_cannot_prove_who_it_is_gets_nothing(folder, flaw, caplog):
    theirs = certificate(folder, "carrier", address="127.0.0.2" if flaw == "for another address" else "127.0.0.1")
    trusted = certificate(folder, "another") if flaw == "of another" else theirs

    with (
        CarrierThread(tls=listening(theirs)) as carrier,
        Gateway(carrier.port, tls=True, ca_file=trusted) as gateway,
    ):
        wait_until(lambda: gateway.links[0].counts["reconnects"] >= 2)

        assert carrier.stats()["binds"] == 0

    assert "certificate verify failed" in caplog.text
