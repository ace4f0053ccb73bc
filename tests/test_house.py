"""The house keeps its own rules, and each contract on imports is broken once on purpose, to see that it is noticed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = PROJECT["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")}
TOOLS = {"bench", "demo", "migrations"}  # run by a command or by Alembic; what they import is their own matter
BREAKS = [
    ("down", "lang/on_purpose.py", "import parser.reading"),
    ("down", "parser/on_purpose.py", "import models.facts"),
    ("down", "models/on_purpose.py", "import gateway.text"),
    ("down", "gateway/on_purpose.py", "import handlers.decision"),
    ("down", "gateway/on_purpose.py", "import api"),
    ("roots", "api/on_purpose.py", "import settings"),
    ("roots", "models/on_purpose.py", "from config import load"),
    ("roots", "handlers/on_purpose.py", "import worker"),
    ("decisions", "handlers/on_purpose.py", "import sqlalchemy"),
    ("decisions", "handlers/on_purpose.py", "from models import queries"),
    ("decisions", "handlers/on_purpose.py", "import socket"),
    ("openers", "handlers/on_purpose.py", "from handlers import post"),
    ("openers", "handlers/on_purpose.py", "from handlers.desk import Desk"),
    ("openers", "handlers/on_purpose.py", "import handlers.clerk"),
    ("reading", "parser/on_purpose.py", "import flask"),
    ("reading", "lang/on_purpose.py", "import redis"),
    ("plain-data decisions", "models/facts.py", "from sqlalchemy import select"),
    ("codec", "gateway/on_purpose.py", "import smpplib.consts"),
    ("sockets", "gateway/on_purpose.py", "import socket"),
    ("protocol", "gateway/smpp/on_purpose.py", "import threading"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the packages and their rules that a test may break."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def broken_contracts(house: Path) -> set[str]:
    """The names of the contracts that import-linter finds broken."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--cache-dir", house / ".cache"]
    run = subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)
    kept = re.findall(r"^(.+) KEPT", run.stdout, re.MULTILINE)
    broken = re.findall(r"^(.+) BROKEN", run.stdout, re.MULTILINE)
    assert len(kept) + len(broken) == len(CONTRACTS), run.stdout + run.stderr
    assert bool(broken) == (run.returncode != 0)
    return set(broken)


def test_the_house_keeps_its_rules(house):
    assert broken_contracts(house) == set()


@pytest.mark.parametrize(("contracts", "file", "line"), BREAKS)
def test_a_broken_rule_is_noticed(house, contracts, file, line):
    path = house / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        assert broken_contracts(house) == {CONTRACTS[contract]["name"] for contract in contracts.split()}
    finally:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")


def test_every_rule_is_broken_once():
    assert {contract for contracts, _, _ in BREAKS for contract in contracts.split()} == set(CONTRACTS)


def test_every_package_is_under_the_rules():
    assert set(LINTER["root_packages"]) == PACKAGES - TOOLS, (
        "name it in root_packages and its contracts in pyproject.toml"
    )


def test_every_module_beside_the_packages_is_one_that_nobody_imports():
    beside = {path.stem for path in ROOT.glob("*.py")}

    assert beside <= set(CONTRACTS["roots"]["forbidden_modules"])
    assert beside <= set(PROJECT["tool"]["setuptools"]["py-modules"])


def test_the_lock_names_no_host_and_pins_every_file():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    assert "://" not in lock
    names = re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE)
    assert len(names) == len(re.findall(r"^[a-z0-9._-]+==[^\\\n]+\\\n    --hash=sha256:", lock, re.MULTILINE))
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    assert {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted} <= set(names)
