"""Give out keys as AWS does, in this process: STS, a container's address, the metadata of an instance.

Each key is good for as long as ``lasts`` says, in seconds of the test's own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.http_vendor import Asked, HttpVendor, Told

ROLE = "arn:aws:iam::210987654321:role/acme-hub"
OWN_ROLE = "arn:aws:iam::123456789012:role/throughline"
TOKEN = "a service account's token"
BEGIN = 1_795_000_000


class Identities(HttpVendor):
    """``now``: s since 1970. ``given``: how many keys; the last is ``ASIA0000000000000000N`` with that number.
    ``refuses``: code of the error that STS answers with."""

    def __init__(self) -> None:
        super().__init__()
        self.now = float(BEGIN)
        self.lasts = 3600.0
        self.given = 0
        self.refuses = ""
        self.has_role = True
        self.external_id = ""
        self.secrets_of = {"AKIAIOSFODNN7EXAMPLE": "a+secret"}

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/latest/api/token":
            assert asked.method == "PUT" and asked.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "300"
            return Told(b"a token of the metadata")
        if asked.path.startswith("/latest/meta-data/iam/security-credentials/"):
            if asked.headers.get("x-aws-ec2-metadata-token") != "a token of the metadata":
                return Told(b"", 401)
            role = asked.path.rpartition("/")[2]
            if not self.has_role:
                return Told(b"", 404)
            return Told({"Code": "Success", **self._key()}) if role else Told(b"throughline\n")
        if asked.path == "/container":
            return Told(self._key()) if asked.headers.get("authorization") == TOKEN else Told(b"", 403)
        return self._sts(asked)

    def _sts(self, asked: Asked) -> Told:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode()).items()}
        assert form["Version"] == "2011-06-15" and asked.method == "POST"
        if self.refuses:
            return _error(self.refuses)
        action = form["Action"]
        if action == "AssumeRoleWithWebIdentity":
            assert "authorization" not in asked.headers
            if (form["WebIdentityToken"], form["RoleArn"]) != (TOKEN, OWN_ROLE):
                return _error("InvalidIdentityToken")
        elif not self._is_signed(asked):
            return _error("SignatureDoesNotMatch")
        elif form.get("ExternalId", "") != self.external_id or form["RoleArn"] != ROLE:
            return _error("AccessDenied")
        key = self._key()
        told = "".join(
            f"<{name}>{key[given]}</{name}>"
            for name, given in (
                ("AccessKeyId", "AccessKeyId"), ("SecretAccessKey", "SecretAccessKey"), ("SessionToken", "Token"),
                ("Expiration", "Expiration"),
            )
        )  # fmt: skip
        space = "https://sts.amazonaws.com/doc/2011-06-15/"
        result = f"<{action}Result><Credentials>{told}</Credentials></{action}Result>"
        return Told(f'<{action}Response xmlns="{space}">{result}</{action}Response>'.encode())

    def _key(self) -> dict[str, Any]:
        self.given += 1
        id = f"ASIA000000000000000{self.given}"
        self.secrets_of[id] = f"secret {self.given}".replace(" ", "-")
        ends = datetime.fromtimestamp(self.now + self.lasts, UTC).isoformat().replace("+00:00", "Z")
        return {"AccessKeyId": id, "SecretAccessKey": self.secrets_of[id], "Token": f"t-{id}", "Expiration": ends}

    def _is_signed(self, asked: Asked) -> bool:
        id = asked.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        token = asked.headers.get("x-amz-security-token", "")
        if id not in self.secrets_of or (id.startswith("ASIA") and token != f"t-{id}"):
            return False
        names = asked.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        kept = {name: asked.headers[name] for name in names}
        request = AWSRequest("POST", f"http://{asked.headers['host']}/", data=asked.body, headers=kept)
        request.context["timestamp"] = asked.headers["x-amz-date"]
        auth = SigV4Auth(Credentials(id, self.secrets_of[id]), "sts", "eu-central-1")
        told = auth.string_to_sign(request, auth.canonical_request(request))
        return asked.headers["authorization"].endswith(f"Signature={auth.signature(told, request)}")


def environment(way: str, port: int, folder: Path) -> dict[str, str]:
    """Return what a process of the hub finds around it."""
    url, file = f"http://127.0.0.1:{port}", folder / "token"
    file.write_text(TOKEN + "\n")
    given = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_STS": url}
    if way == "variables":
        return {**given, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a+secret"}
    if way == "service account":
        return {**given, "AWS_ROLE_ARN": OWN_ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}
    if way == "container":
        full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container"}
        return {**given, **full, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}
    return {**given, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}


def _error(code: str) -> Told:
    told = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>Because.</Message></Error>"
    return Told(f"<ErrorResponse>{told}</ErrorResponse>".encode(), 503 if code == "ServiceUnavailable" else 403)
