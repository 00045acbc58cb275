"""Write the OpenAPI document of a process as one page of HTML."""

from __future__ import annotations

import json
import shlex
from html import escape

from cx_events.json_types import Json
from cx_hub.pages.html import code, link, page, prose
from cx_hub.pages.schema_words import about, members_table, table, type_words


def api_reference(document: Json) -> bytes:
    """Return the page: operations by group, then the schemas that they name."""
    groups: dict[str, list[tuple[str, str, Json]]] = {each["name"]: [] for each in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append((path, method, operation))
    sentences = {each["name"]: each["description"] for each in document["tags"]}
    parts = [
        "<h1>Throughline: the HTTP API</h1>",
        f"<p>What this process serves, made of its {link('/openapi.json', 'OpenAPI document')}. "
        f"{link('/', 'The front page')} says what runs here.</p>",
        _contents(groups, sentences),
    ]
    for name, operations in groups.items():
        parts.append(f'<h2 id="group-{name}">{escape(name)}</h2><p>{prose(sentences[name])}</p>')
        parts += [_operation(*each, document) for each in operations]
    parts.append('<h2 id="schemas">Schemas</h2>')
    parts += [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    return page("Throughline: the HTTP API", "\n".join(parts))


def _contents(groups: dict[str, list[tuple[str, str, Json]]], sentences: dict[str, str]) -> str:
    lines = [
        f"<li>{link(f'#group-{name}', escape(name))}: {prose(sentences[name])}</li>" for name in groups if groups[name]
    ]
    schemas = f"<li>{link('#schemas', 'schemas')}: what requests and answers hold.</li>"
    return f'<nav aria-label="Contents"><ul>{"".join(lines)}{schemas}</ul></nav>'


def _operation(path: str, method: str, operation: Json, document: Json) -> str:
    summary = f'<span class="method">{method}</span> {code(path)} {prose(operation["summary"])}'
    inside = [
        f'<h3 id="{operation["operationId"]}">{code(operation["operationId"])}</h3>',
        f"<p>{prose(operation.get('description', ''))}</p>",
        _security(operation),
        _parameters(operation),
        _body(operation),
        "<h4>Answers</h4>",
        table(("status", "content", "meaning"), [_answer(*each) for each in operation["responses"].items()]),
        f'<h4>Try it</h4><pre tabindex="0">{escape(_command(path, method, operation))}</pre>',
    ]
    return f"<details><summary>{summary}</summary><div>{''.join(inside)}</div></details>"


def _security(operation: Json) -> str:
    if not operation["security"]:
        return "<p>Open to everybody.</p>"
    if operation["x-scope"]:
        return ""
    schemes = " or ".join(code(name) for each in operation["security"] for name in each)
    return f"<p>Opened by {schemes}.</p>"


def _parameters(operation: Json) -> str:
    found = operation.get("parameters")
    if not found:
        return ""
    rows = [
        (
            code(each["name"]) + ("" if each.get("required") else " (optional)"),
            escape(each["in"]),
            type_words(each["schema"]),
            f"{prose(each.get('description', ''))} {about(each['schema'])}".strip(),
        )
        for each in found
    ]
    return "<h4>Parameters</h4>" + table(("name", "in", "type", "meaning"), rows)


def _body(operation: Json) -> str:
    body = operation.get("requestBody")
    if body is None:
        return ""
    rows = [(code(name), type_words(each["schema"])) for name, each in body["content"].items()]
    return f"<h4>Body</h4><p>{prose(body.get('description', ''))}</p>" + table(("content type", "holds"), rows)


def _answer(status: str, response: Json) -> tuple[str, ...]:
    content = ", ".join(
        f"{code(name)}: {type_words(each['schema'])}" for name, each in response.get("content", {}).items()
    )
    return code(status), content, prose(response["description"])


def _command(path: str, method: str, operation: Json) -> str:
    """Return a command line that sends such a request to the hub at ``CX_URL``."""
    words = ["curl -s"]
    if method != "get":
        words.append(f"-X {method.upper()}")
    words.append(f'"$CX_URL{path}"')
    if operation["x-scope"] or {"key": []} in operation["security"]:
        words.append('-H "Authorization: Bearer $CX_KEY"')
    required = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
    if required:
        words.insert(1, "-G")
        values = [f"{each['name']}={each.get('example', '...')}" for each in required]
        words += [f"--data-urlencode {shlex.quote(value)}" for value in values]
    for media_type, each in operation.get("requestBody", {}).get("content", {}).items():
        example = json.dumps(each["example"]) if "example" in each else "@FILE"
        head = shlex.quote(f"Content-Type: {media_type}")
        words.append(f"-H {head} --data-binary {shlex.quote(example)}")
        break
    return " ".join(words)


def _schema(name: str, schema: Json) -> str:
    head = f'<h3 id="schema-{name}">{code(name)}</h3><p>{prose(schema.get("description", ""))}</p>'
    return f"<details><summary>{code(name)}</summary><div>{head}{members_table(schema)}</div></details>"
