"""Read a form body or a query."""

from __future__ import annotations

from urllib.parse import unquote


def form_fields(text: str, most: int) -> list[tuple[str, str]]:
    """Return names and values in their order, as ``parse_qsl(text, keep_blank_values=True, max_num_fields=most)`` does.

    Unescaped is only what holds an escape: ``parse_qsl`` calls four functions for each field. Raises ``ValueError``
    where there are more than ``most`` fields.
    """
    if not text:
        return []
    if text.count("&") >= most:
        raise ValueError(f"there are more than {most} fields")
    if "+" in text:
        text = text.replace("+", " ")
    found: list[tuple[str, str]] = []
    for field in text.split("&"):
        if field:
            name, _, value = field.partition("=")
            if "%" in field:
                name, value = unquote(name), unquote(value)
            found.append((name, value))
    return found
