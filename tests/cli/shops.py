"""Folders with functions, as a person has them, and a person who deploys them."""

import json
import uuid
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from apps.cli.client import Client, Refused, Value
from apps.cli.packing import pack
from apps.cli.servers import Server
from tests.cli.terminal import Said, Terminal, run

SCRIPT = "export async function run() {\n  return 1;\n}\n"


class Shop:
    """A folder `shop` with functions whose ids no other test has, and the environment of who deploys it."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        self.env = dict(env)
        self._mark = uuid.uuid4().hex[:8]

    def id_of(self, name: str) -> str:
        return f"{name}-{self._mark}"

    def write(self, name: str, /, script: str = SCRIPT, **more: Any) -> Path:
        """The function's folder, which has the name; `more` are fields of its definition."""
        inner = self.folder / name
        inner.mkdir(exist_ok=True)
        document = {"id": self.id_of(name), "name": name.title(), "triggers": [{"event": "a/b"}]} | more
        (inner / "inngest.json").write_text(json.dumps(document, indent=2))
        (inner / "index.ts").write_text(script)
        return inner

    def inngest(self, *arguments: str) -> Said:
        """Runs the command beside the folder, with pipes."""
        return run(arguments, self.env, cwd=self.folder.parent)

    def done(self, *arguments: str) -> str:
        """What it says when all is well, without the ids' marks."""
        said = self.inngest(*arguments)
        assert said.code == 0, said.err
        return self.plain(said.out + said.err)

    def data(self, *arguments: str) -> Any:
        said = self.inngest(*arguments, "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)

    def deploy(self, *, note: str | None = None, live: bool = True) -> Any:
        """What `inngest deploy shop` does, without a process for it; the number of the deploy."""
        archive = BytesIO()
        pack(self.folder, archive, lambda done, total: None)
        params: dict[str, Value] = {"note": note, "live": None if live else False}
        answer = self._client().send("POST", "/v1/deploys", archive.getvalue(), "application/gzip", params)
        return answer["data"]["deploy"]["number"]

    def live(self, name: str) -> int | None:
        """The version of the function that is live."""
        try:
            version: int | None = self._client().get(f"/v1/functions/{self.id_of(name)}")["data"]["version"]
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return None
        return version

    def _client(self) -> Client:
        return Client(Server(self.env["INNGEST_API_URL"], self.env.get("INNGEST_API_TOKEN")))

    def plain(self, text: str) -> str:
        return text.replace(f"-{self._mark}", "")


def terminal(shop: Shop, *arguments: str, columns: int = 80) -> Terminal:
    """The command in a terminal; the test is to have gone to the shop's folder."""
    return Terminal(arguments, shop.env, columns)
