"""Generate clients in TypeScript of the OpenAPI documents, check them strictly and use them; needs Node."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.clients import node_client
from tests.clients.live_hub import live_hub
from tests.openapi_files import FOLDER, ROOT, documents


def main() -> None:
    paths = [str(ROOT / FOLDER / f"{name}.json") for name in documents()]
    with tempfile.TemporaryDirectory(prefix="throughline-openapi-ts-") as folder, live_hub() as hub:
        print(node_client.run("openapi-ts.mjs", hub.environment(), folder, *paths), end="", file=sys.stderr)
        print(node_client.run(str(Path(folder) / "openapi-ts-user.js"), hub.environment()), end="")


if __name__ == "__main__":
    main()
