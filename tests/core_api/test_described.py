"""Requests made up from `/v1/openapi.json`, to a real server: no answer is a fault, or other than what is described."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.datastore.keys import create_api_token, create_environment
from apps.datastore.models import Scope
from tests.functions import define, deploy
from tests.served import Served, serving

# Not among them that all that fits its schema is accepted: a cursor is signed, and no schema says so.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
)
OPTIONS = (
    f"--checks={','.join(CHECKS)}",
    "--phases=examples,coverage,fuzzing",
    "--max-examples=15",
    "--generation-deterministic",
    "--continue-on-failure",
    "--request-timeout=20",
    "--no-color",
    # It answers 503, as no worker runs here.
    "--exclude-path=/ready",
    # It would revoke the token that all of this shows.
    "--exclude-path=/v1/api-tokens/{key_id}",
)


@pytest.fixture
def production(transactional_db: None) -> Iterator[Served]:
    with serving(
        INNGEST_DEV="0", SECRET_KEY="long and random, as it should be, and not short", ALLOWED_HOSTS="*"
    ) as server:
        yield server


@pytest.mark.timeout(600)
def test_whatever_is_asked_the_answer_is_one_that_is_described(production: Served, tmp_path: Path) -> None:
    environment = create_environment("production")
    token = create_api_token(environment, "tests", Scope.ADMIN)
    for number in (1, 2):
        deploy(environment, define({f"step-{number}": ()}, slug="0"), {"0": str(number)})
    address = f"http://127.0.0.1:{production.port}"
    said = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/v1/openapi.json", "--url", address),
            *("--header", f"Authorization: Bearer {token}", *OPTIONS),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout[-20_000:] + said.stderr[-2_000:]
