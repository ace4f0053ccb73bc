from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from config import load
from secret import SecretError, load_secret, read_secret

KEY = bytes(range(32))


@pytest.fixture
def settings(tmp_path):
    """Settings of a service whose data_dir does not exist yet."""
    path = tmp_path / "config.toml"
    path.touch()
    return load(path, {})


@pytest.mark.parametrize(
    "text",
    [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode() + "\n"],
)
def test_a_secret_may_be_hex_or_base64(text):
    assert read_secret(text, "here") == KEY


@pytest.mark.parametrize("text", ["a sentence that nobody else would have thought of", "k" * 40])
def test_a_long_string_is_a_secret_as_it_is(text):
    assert read_secret(text, "here") == text.encode()


@pytest.mark.parametrize("text", ["", "short", "0f" * 31, "k" * 31, base64.b64encode(KEY[:20]).decode()])
def test_a_short_secret_is_refused_and_not_quoted(text):
    with pytest.raises(SecretError, match=r"^here: \d+ bytes; expected 32 or more") as caught:
        read_secret(text, "here")

    assert not text or text not in str(caught.value)


def test_the_environment_comes_first(settings):
    assert load_secret(settings, {"TEKSTARI_SECRET_KEY": KEY.hex()}) == KEY
    assert not settings.service.data_dir.exists()


def test_a_file_of_ones_own_comes_second(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('[service]\nsecrets_file = "keys/main"', encoding="utf-8")
    settings = load(config, {})

    with pytest.raises(SecretError, match="keys/main: cannot be read"):
        load_secret(settings, {})
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/main").write_text(KEY.hex() + "\n", encoding="utf-8")

    assert load_secret(settings, {}) == KEY


def test_a_made_secret_is_kept_for_this_user_alone_with_a_warning(settings):
    with capture_logs() as logs:
        first = load_secret(settings, {})
        second = load_secret(settings, {})

    assert first == second
    assert len(first) == 32
    made = settings.service.data_dir / "secret.key"
    assert made.stat().st_mode & 0o777 == 0o600
    assert settings.service.data_dir.stat().st_mode & 0o777 == 0o700
    assert [line["event"] for line in logs] == ["secret_made"]
    assert [path.name for path in settings.service.data_dir.iterdir()] == ["secret.key"]


def test_a_secret_that_others_may_read_is_warned_of(settings):
    load_secret(settings, {})
    (settings.service.data_dir / "secret.key").chmod(0o644)

    with capture_logs() as logs:
        load_secret(settings, {})

    assert [line["event"] for line in logs] == ["secret_readable_by_others"]


def test_processes_that_start_together_agree_on_one_secret(settings):
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: load_secret(settings, {}), range(64)))

    assert len(found) == 1
    assert [path.name for path in settings.service.data_dir.iterdir()] == ["secret.key"]
