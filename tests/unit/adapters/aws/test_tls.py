"""Over https the other end must prove who it is; a kept connection is used again as any other."""

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hemline.adapters.aws import connections
from hemline.adapters.aws.client import connect
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.errors import Unavailable
from tests.faults.fault_server import answer, serving


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a fresh self-signed certificate, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(pem + secret)
    (folder / "trusted.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, folder / "trusted.pem"


@pytest.fixture(autouse=True)
def _own_trust() -> Iterator[None]:
    connections._tls.cache_clear()
    yield
    connections.drop_connections()
    connections._tls.cache_clear()


def objects(endpoint: str) -> S3Objects:
    client = connect("s3", region="eu-west-1", endpoint=endpoint)
    client.sleep = lambda _: None
    return S3Objects(client, "b")


def test_a_trusted_end_is_asked_over_one_kept_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path, "localhost")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    large = bytes(range(256)) * 4096
    with serving(answer(large), tls=context) as server:
        store = objects(server.endpoint)
        for _ in range(3):
            assert store.get("k") == large
        assert server.accepted == 1


@pytest.mark.parametrize("host", ["elsewhere.example", "localhost"])
def test_an_end_that_cannot_prove_its_name_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    context, trusted = certificate(tmp_path, host)
    if host != "localhost":  # the right certificate authority, another name
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with serving(answer(b"x"), tls=context) as server:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            objects(server.endpoint).get("k")
        assert server.seen == []
