"""The page at /docs: what can be asked, made here of the OpenAPI document, since FastAPI's own fetches its look."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOOK = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "code{background:#8882;padding:0 .2em}summary{cursor:pointer;margin:.4em 0}"
    "table{border-collapse:collapse;margin:.3em 0 1em 1.5em}td{padding:.15em 1em .15em 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}"
)
_UNTAGGED = "others"


def page_of(document: Mapping[str, Any]) -> str:
    """HTML without scripts, and without anything from elsewhere.

    ``document``: OpenAPI 3.
    """
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    groups: dict[str, list[str]] = {}
    forms = document.get("components", {}).get("schemas", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            group = (operation.get("tags") or [_UNTAGGED])[0]
            groups.setdefault(group, []).append(_operation(path, method, operation, forms))
    body = "".join(f"<h2>{escape(group)}</h2>{''.join(parts)}" for group, parts in groups.items())
    about = escape(info.get("description", ""))
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_LOOK}</style>'
    links = 'For programs: <a href="openapi.json">openapi.json</a>.'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head>'
        f"<body><h1>{title}</h1><p>{about} {links}</p>{body}</body></html>\n"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    said = f"<code>{escape(method.upper())} {escape(path)}</code> {escape(operation.get('summary', ''))}"
    rows = "".join(_rows(operation, forms))
    return f"<details><summary>{said}</summary><table>{rows}</table></details>" if rows else f"<p>{said}</p>"


def _rows(operation: Mapping[str, Any], forms: Mapping[str, Any]) -> Iterator[str]:
    """What the body may hold, a line each."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    form = _followed(schema, forms)
    needed = form.get("required", [])
    for name, field in form.get("properties", {}).items():
        default = "needed" if name in needed else f"default {field['default']!r}" if "default" in field else ""
        cells = (f"<code>{escape(name)}</code>", escape(_kind(field)), escape(default), escape(_about(field, forms)))
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _followed(schema: Mapping[str, Any], forms: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    found: Mapping[str, Any] = forms.get(reference.rpartition("/")[2], {}) if reference else schema
    return found


def _kind(field: Mapping[str, Any]) -> str:
    """The type in a word or two."""
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(each) for each in field["anyOf"]))
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return str(field.get("type", "any"))


def _about(field: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    return str(field.get("description") or _followed(field, forms).get("description") or "").partition("\n")[0]
