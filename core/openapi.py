"""Describe a server's routes as OpenAPI 3.1, and show that description as a page that works offline."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from core.endpoint import Endpoint

_REASONS = {
    200: "Done",
    201: "Created",
    204: "Done; no body",
    304: "Not modified",
    400: "The request cannot be understood",
    401: "No credential, or one that was refused",
    403: "Not allowed",
    404: "Nothing under this name",
    405: "Method not allowed",
    408: "The body did not arrive in time",
    409: "Does not fit what is there",
    413: "The body is too large",
    415: "Unsupported media type",
    429: "Too many attempts",
    500: "An error of ours",
    501: "This server runs without a store",
    503: "Temporarily unavailable",
}


class ProblemBody(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None


class OAuthErrorBody(BaseModel):
    """An error of an OAuth endpoint (RFC 6749 §5.2)."""

    error: str
    error_description: str | None = None


def describe(title: str, endpoints: Iterable[Endpoint], security: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document. `security` holds the security scheme that guarded routes use."""
    endpoints = list(endpoints)
    models: set[type[BaseModel]] = {ProblemBody, OAuthErrorBody}
    for endpoint in endpoints:
        models |= {model for model in (*endpoint.answers.values(), endpoint.takes_json, endpoint.takes_form) if model}
    named: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (model, "validation") for model in sorted(models, key=lambda model: model.__name__)
    ]
    _, definitions = models_json_schema(named, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, security)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": "Part of Auth Lab."},
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": dict(security)},
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _operation(endpoint: Endpoint, security: Mapping[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in endpoint.answers.items():
        responses[str(status)] = {"description": _REASONS[status]}
        if model is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": _reference(model)}}
        elif status not in {204, 304} and endpoint.answers_type != "application/json":
            responses[str(status)]["content"] = {endpoint.answers_type: {"schema": {"type": "string"}}}
    for status in sorted({*endpoint.errors, *_implied_errors(endpoint)}):
        body, kind = (
            (OAuthErrorBody, "application/json")
            if endpoint.errors_are_oauth
            else (ProblemBody, "application/problem+json")
        )
        responses.setdefault(
            str(status), {"description": _REASONS[status], "content": {kind: {"schema": _reference(body)}}}
        )
    operation: dict[str, Any] = {"summary": endpoint.summary, "responses": responses}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    if parameters:
        operation["parameters"] = parameters
    for model, kind in (
        (endpoint.takes_json, "application/json"),
        (endpoint.takes_form, "application/x-www-form-urlencoded"),
    ):
        if model is not None:
            operation["requestBody"] = {"required": True, "content": {kind: {"schema": _reference(model)}}}
    if not endpoint.policy.public:
        operation["security"] = [{name: []} for name in security]
    return operation


def _implied_errors(endpoint: Endpoint) -> set[int]:
    errors = {500, 503}
    if endpoint.takes_json or endpoint.takes_form:
        errors |= {400, 408, 413, 415}
    if not endpoint.policy.public:
        errors |= {400, 401, 403}
    return errors


def page(document: Mapping[str, Any]) -> str:
    """Return the description as one HTML page without scripts."""
    rows = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = "".join(
                f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td>"
                f"<td>{escape(', '.join(answer.get('content', {})))}</td></tr>"
                for status, answer in operation["responses"].items()
            )
            takes = ", ".join(operation.get("requestBody", {}).get("content", {})) or "no body"
            guard = "guarded" if "security" in operation else "open"
            rows.append(
                f"<details><summary><code>{method.upper()} {escape(path)}</code> "
                f"{escape(operation['summary'])}</summary>"
                f"<p>{guard}; takes {escape(takes)}</p><table><tr><th>status</th><th>means</th><th>body</th></tr>"
                f"{answers}</table></details>"
            )
    title = escape(document["info"]["title"])
    style = (
        ":root{color-scheme:light dark}"
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "details{border-block-end:1px solid #8888;padding:.5rem 0}td,th{text-align:start;padding-inline-end:1rem}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{style}</style><h1>{title}</h1>"
        f'<p>The same as data: <a href="openapi.json">openapi.json</a></p>{"".join(rows)}</html>'
    )


PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""The page has one inline style and no script."""
