"""Parameters drawn from JSON schemas: what a method asks for, nearly that, and anything else.

Owns: values for a schema of the OpenRPC document, and the spoiling of them. Leaves to others: which methods are called
and what may come of it (`requests`).
"""

import base64
import random
import string
from collections.abc import Sequence
from typing import Any, Final

Schema = dict[str, Any]

NUMBERS: Final = (
    0,
    1,
    -1,
    2,
    3,
    1000,
    1001,
    2**31,
    2**53 - 1,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    0.5,
    1e308,
)
"""Where integers of one size or another end."""

TEXTS: Final = (
    "",
    " ",
    "0",
    "a\0b",
    "/\0",
    "../../etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/mem",
    "relative.wav",
    "x" * 300,
    "/" + "y" * 5000,
    "9" * 19,
    "9" * 5000,
    "-1",
    "1:2",
    "nan:1",
    "ready:0:0:1",
    "held:9:-1:2",
    "\x1b[31m\x9b",
    "\u202e\u0000\uffff",
    "é\u0301" * 20,
    "😀" * 50,
    '"',
    "' OR 1=1 --",
    "%s%n{0}{job}",
    "auto",
    "test-en",
    "en",
    "de",
    "wav:/nowhere.wav",
    "2024-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00",
    "22:00-07:00",
    "AND OR NOT NEAR(",
    '"unclosed',
    "*",
)


class Grammar:
    """Draws parameters. `known` are texts and numbers that mean something to the daemon: paths, ids, cursors."""

    def __init__(self, document: Schema, draw: random.Random, known: Sequence[Any] = ()) -> None:
        self._schemas: dict[str, Schema] = document["components"]["schemas"]
        self._draw = draw
        self._known = list(known)

    def params(self, method: Schema) -> Any:
        """For one method: by name or in their order, whole or not, each as asked for or spoiled."""
        given: dict[str, Any] = {}
        for param in method["params"]:
            if param["required"] or self._draw.random() < 0.5:
                given[param["name"]] = self.value(param["schema"])
        chance = self._draw.random()
        if chance < 0.03:
            return self.anything()
        if chance < 0.06 and given:
            given.pop(self._draw.choice(list(given)))
        elif chance < 0.09:
            given[self._text()] = self.anything()
        elif chance < 0.2:
            return [given[param["name"]] for param in method["params"] if param["name"] in given]
        return given

    def value(self, schema: Schema, depth: int = 0) -> Any:
        """One that fits, or in one case of twelve anything."""
        if self._draw.random() < 1 / 12:
            return self.anything(depth)
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rsplit("/", 1)[1]], depth)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.value(self._draw.choice(schema[several]), depth)
        if "enum" in schema:
            return self._draw.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return self._of_type(schema, depth)

    def _of_type(self, schema: Schema, depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                count = self._draw.choice([0, 1, 1, 2, 3, self._draw.choice([40, 1001])])
                count = min(max(count, schema.get("minItems", 0)), schema.get("maxItems", count))
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(count if depth < 3 else 0)]
            case "integer" | "number" as kind:
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return self._draw.random() < 0.5
            case "null":
                return None
            case "string":
                return self._text(schema.get("format"))
            case _:
                return self.anything(depth)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self.value(of, depth + 1)
            for name, of in schema.get("properties", {}).items()
            if name in required or self._draw.random() < 0.4
        }

    def _number(self, schema: Schema, *, whole: bool) -> int | float:
        if self._draw.random() < 0.2:
            return self._draw.choice(NUMBERS)
        if self._draw.random() < 0.5 and (numbers := [known for known in self._known if isinstance(known, int)]):
            return self._draw.choice(numbers)
        low, high = schema.get("minimum", -5), schema.get("maximum", 50)
        return self._draw.randint(int(low), int(min(high, low + 100))) if whole else self._draw.uniform(low, high)

    def _text(self, form: str | None = None) -> str:
        chance = self._draw.random()
        texts = [known for known in self._known if isinstance(known, str)]
        if chance < 0.45 and texts:
            return self._draw.choice(texts)
        if chance < 0.8:
            return self._draw.choice(TEXTS)
        if form == "byte" or chance < 0.85:
            return base64.b64encode(self._draw.randbytes(self._draw.randrange(20))).decode()
        # Never an absolute path: what is written there would be on the machine that attacks.
        return "".join(self._draw.choices(string.printable + "äß€\0\x7f", k=self._draw.randrange(30))).lstrip("/~")

    def anything(self, depth: int = 0) -> Any:
        """Any JSON."""
        kind = self._draw.randrange(8 if depth < 3 else 6)
        match kind:
            case 0:
                return None
            case 1:
                return self._draw.random() < 0.5
            case 2 | 3:
                return self._draw.choice(NUMBERS)
            case 4 | 5:
                return self._text()
            case 6:
                return [self.anything(depth + 1) for _ in range(self._draw.randrange(4))]
            case _:
                return {self._text(): self.anything(depth + 1) for _ in range(self._draw.randrange(4))}
