"""A mail with files through the real SMTP door, and the files out of the API, from whatever place still has them."""

from __future__ import annotations

import shutil
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.integration.test_mail_believed import mail_hub

pytestmark = pytest.mark.clock

BILL = b"%PDF-1.7 a bill of \xe4\xf6\xfc"
PAGE = b"<script>alert(1)</script>"


def a_mail(size: int) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ana <ana@example.com>", "support@acme.example"
    mail["Subject"], mail["Message-ID"] = "My bill", "<m-1@example.com>"
    mail.set_content("See below. " + "x" * size)
    mail.add_attachment(BILL, maintype="application", subtype="pdf", filename="Účet.pdf")
    mail.add_attachment(PAGE.decode(), subtype="html", filename="page.html")
    return mail.as_bytes()


@pytest.mark.parametrize("blobs_are_lost", [False, True])
async def test_attachments_and_originals_open_by_ids_of_the_context(tmp_path: Path, blobs_are_lost: bool) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(a_mail(100))
        (entry,) = (await hub.context("ana@example.com"))["timeline"]
        assert (entry["subject"], entry["name"]) == ("My bill", "Ana")
        files = entry["attachments"]
        assert [(each["name"], each["bytes"], each["place"]) for each in files] == [
            ("Účet.pdf", len(BILL), "hub"), ("page.html", len(PAGE) + 1, "hub")
        ]  # fmt: skip
        if blobs_are_lost:
            for folder in (tmp_path / "blobs").iterdir():
                shutil.rmtree(folder)
        answers = [await hub.http.get(f"/v1/attachments/{each['id']}") for each in files]
        assert [answer.content.strip() for answer in answers] == [BILL, PAGE]
        assert [answer.headers["content-type"] for answer in answers] == ["application/pdf", "application/octet-stream"]
        assert answers[0].headers["content-disposition"].endswith("filename*=UTF-8''%C3%9A%C4%8Det.pdf")
        whole = (await hub.http.get("/v1/event", params=entry["event"])).json()
        assert whole["original"]["content_type"] == "message/rfc822"
        assert "Subject: My bill" in whole["original"]["content"]


async def test_a_large_mail_is_stored_apart_and_read_whole(tmp_path: Path) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(a_mail(300_000))
        (entry,) = (await hub.context("ana@example.com"))["timeline"]
        original = (await hub.http.get("/v1/event", params=entry["event"])).json()["original"]
        assert (original["place"], original["encoding"]) == ("hub", "none")
        assert original["content"].count("x") > 299_000
