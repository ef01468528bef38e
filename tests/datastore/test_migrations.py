"""What an older server has stored is what the newer one finds."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from apps.datastore import manifest as manifests
from apps.datastore.blobs import digest_of_content

FILES = {"index.ts": "export {}; // é", "steps/a b/x.json": "[1]"}


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database beside that of the tests."""
    address = os.environ["DATABASE_URL"]
    name = f"migrations_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield psycopg.conninfo.make_conninfo(address, dbname=name)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(database: str, *target: str) -> None:
    said = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "--verbosity", "0", *target],
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr


def insert(database: str, table: str, **values: object) -> int:
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    with psycopg.connect(database) as connection:
        statement = f"INSERT INTO datastore_{table} ({columns}) VALUES ({places}) RETURNING id"
        row = connection.execute(statement, list(values.values())).fetchone()
    assert row is not None
    return int(row[0])


def test_files_kept_as_text_become_blobs_and_what_is_live_a_release(database: str) -> None:
    migrate(database, "datastore", "0004")
    environment = insert(database, "environment", public_id=uuid.uuid4(), slug="production", created_at="now")
    function = insert(database, "function", environment_id=environment, slug="fn", created_at="now")
    idle = insert(database, "function", environment_id=environment, slug="idle", created_at="now")
    content = {"definition": '{"id":"fn"}', "files": json.dumps(FILES), "folder": "", "digest": "old"}
    version = insert(database, "functionversion", function_id=function, number=1, created_at="now", **content)
    insert(database, "functionversion", function_id=idle, number=1, created_at="now", **content)
    insert(database, "apitoken", environment_id=environment, name="ci", digest="d", hint="h", created_at="now")
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE datastore_function SET live_version_id = %s WHERE id = %s", (version, function))
    migrate(database)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT definition, manifest, digest FROM datastore_functionversion").fetchall()
        blobs: dict[str, bytes] = dict(connection.execute("SELECT digest, content FROM datastore_blob").fetchall())
        released = connection.execute(
            "SELECT function_id, version_id FROM datastore_release ORDER BY function_id"
        ).fetchall()
        scopes = connection.execute("SELECT scope FROM datastore_apitoken").fetchall()
        deploys = connection.execute("SELECT deploys FROM datastore_environment WHERE slug = 'production'").fetchone()
        with pytest.raises(psycopg.Error, match="never changes"):
            connection.execute("UPDATE datastore_functionversion SET number = 2")
    for definition, manifest, digest in rows:
        found = {path: blobs[entry["digest"]].decode() for path, entry in json.loads(manifest).items()}
        assert found == FILES
        # As a deploy would make it now, so that the same content is the same version.
        assert manifests.to_json(manifests.from_json(manifest)) == manifest
        assert digest == digest_of_content(f"{definition}\0{manifest}".encode())
    assert (len(rows), len(blobs), released, scopes, deploys) == (
        2,
        2,
        [(function, version), (idle, None)],
        [("deploy",)],
        (1,),
    )
