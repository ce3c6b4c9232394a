"""The OpenRPC document's own rules."""

import json
from collections.abc import Iterator
from typing import Any, cast

from whisperd.wire import openrpc
from whisperd.wire.methods import METHODS


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if "$ref" in members:
            yield members["$ref"]
        for member in members.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from references(item)


def test_every_method_is_in_the_document_with_its_parameters() -> None:
    methods = {method["name"]: method for method in openrpc.document("1")["methods"]}
    assert list(methods) == list(METHODS)
    for name, method in METHODS.items():
        assert [param["name"] for param in methods[name]["params"]] == list(method.params.__struct_fields__)


def test_required_parameters_say_so_and_come_first() -> None:
    for method in openrpc.document("1")["methods"]:
        required = [param["required"] for param in method["params"]]
        assert required == sorted(required, reverse=True)
    submit = next(method for method in openrpc.document("1")["methods"] if method["name"] == "job.submit")
    assert {param["name"]: param["required"] for param in submit["params"]}["files"] is True


def test_every_reference_resolves() -> None:
    document = json.loads(json.dumps(openrpc.document("1")))
    found = set(references(document))
    assert found
    for reference in found:
        root, *steps = reference.split("/")
        assert root == "#"
        target: Any = document
        for step in steps:
            target = target[step]
        assert target


def test_the_document_has_the_members_that_the_specification_requires() -> None:
    document = openrpc.document("1.2.3")
    assert document["openrpc"].startswith("1.")
    assert document["info"]["title"]
    assert document["info"]["version"] == "1.2.3"
    for method in document["methods"]:
        assert method["paramStructure"] in ("by-name", "by-position", "either")
        assert method["summary"]
        assert {"name", "schema"} <= method["result"].keys()
    codes = [error["code"] for error in document["components"]["errors"].values()]
    assert len(codes) == len(set(codes))
    assert [note["name"] for note in document["x-notifications"]] == ["event", "events.lost"]
