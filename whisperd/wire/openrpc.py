"""The API as an OpenRPC document (https://spec.open-rpc.org), made from the methods table and its types.

Owns: that document. Leaves to others: the types, and answering `rpc.discover` with it.
"""

from typing import Any, Final, cast

import msgspec

from whisperd.wire import events, names, types
from whisperd.wire.methods import METHODS, Method

OPENRPC_VERSION: Final = "1.3.2"

_NOTIFICATIONS: Final = {names.EVENT: events.EventView, names.EVENTS_LOST: events.EventsLostView}

_ERRORS: Final = {
    "ParseError": (names.PARSE_ERROR, "The text is not JSON as the daemon accepts it."),
    "InvalidRequest": (names.INVALID_REQUEST, "Not a JSON-RPC 2.0 request, or one over a limit."),
    "MethodNotFound": (names.METHOD_NOT_FOUND, "There is no such method."),
    "InvalidParams": (names.INVALID_PARAMS, "The parameters do not fit the method."),
    "InternalError": (names.INTERNAL_ERROR, "A defect of the daemon; its log has the details."),
    "NotFound": (names.NOT_FOUND, "No such job, model or folder."),
    "Refused": (names.REFUSED, "Possible in principle, not now or not in this state."),
}


def document(version: str) -> dict[str, Any]:
    """The document for the daemon's `version`, as JSON values."""
    shapes = [*(method.params for method in METHODS.values()), *(method.result for method in METHODS.values())]
    schemas, components = msgspec.json.schema_components(
        [*shapes, *_NOTIFICATIONS.values(), types.ErrorData], ref_template="#/components/schemas/{name}"
    )
    params, results, notifications = (
        schemas[: len(METHODS)],
        schemas[len(METHODS) : 2 * len(METHODS)],
        schemas[2 * len(METHODS) :],
    )
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "whisperd",
            "version": version,
            "description": "JSON-RPC 2.0 over a Unix socket, one JSON text a line.",
            "license": {"name": "MIT"},
        },
        "methods": [
            _method(method, _resolve(schema, components), result)
            for method, schema, result in zip(METHODS.values(), params, results, strict=True)
        ],
        "components": {
            "schemas": components,
            "errors": {name: {"code": code, "message": message} for name, (code, message) in _ERRORS.items()},
        },
        "x-notifications": [
            {"name": name, "params": _descriptors(_resolve(schema, components))}
            for name, schema in zip(_NOTIFICATIONS, notifications, strict=False)
        ],
    }


def _method(method: Method, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "either",
        "params": _descriptors(params),
        "result": {"name": "result", "schema": result},
        "errors": [{"$ref": f"#/components/errors/{name}"} for name in _ERRORS],
    }


def _descriptors(struct: dict[str, Any]) -> list[dict[str, Any]]:
    required = cast("list[str]", struct.get("required", []))
    return [
        {"name": name, "required": name in required, "schema": schema}
        for name, schema in cast("dict[str, Any]", struct["properties"]).items()
    ]


def _resolve(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    return components[cast("str", schema["$ref"]).rsplit("/", 1)[1]]
