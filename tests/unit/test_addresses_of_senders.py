"""Addresses of files that a sender chose: the app's token is not taken to them."""

from __future__ import annotations

from cx_channels.chat.slack.content import files_of
from cx_channels.social.line.messages import _files
from cx_channels.social.meta.messages import _attachment


def test_no_sender_names_a_file_of_somebody_elses() -> None:
    """Some messages have an address that their sender chose; the app's token does not ask there."""
    elsewhere = "https://elsewhere.example/a.jpg"
    ours = "https://files.slack.com/files-pri/T0-F2/a", "https://slack.com/api/files.info?file=F2"
    for url, kept in ((elsewhere, elsewhere), *((each, "") for each in ours)):
        files = [{"id": "F1", "is_external": True, "url_private": url, "external_url": url}]
        assert [each.url for each in files_of({"files": files})] == [kept]
    for url, kept in ((elsewhere, elsewhere), ("https://api-data.line.me/v2/bot/message/500/content", "")):
        message = {"contentProvider": {"type": "external", "originalContentUrl": url}}
        assert [each.url for each in _files(message, "image", "501")] == [kept]
    for url, kept in ((elsewhere, elsewhere), ("https://graph.facebook.com/900000000000001", "")):
        assert _attachment({"type": "fallback", "payload": {"url": url}}).url == kept
