"""Prometheus's text exposition format, version 0.0.4.

Owns: the format's rules (https://prometheus.io/docs/instrumenting/exposition_formats/). Leaves to others: which metrics
there are (`whisperd.api.health`).
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric(Struct, frozen=True):
    """A family: `kind` is `gauge` or `counter`, `samples` are labels and value."""

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def exposition(metrics: Sequence[Metric]) -> str:
    """All families as text; those without samples are left out."""
    lines: list[str] = []
    for metric in metrics:
        if metric.samples:
            lines.append(f"# HELP {metric.name} {_escaped(metric.help)}")
            lines.append(f"# TYPE {metric.name} {metric.kind}")
            lines += [f"{metric.name}{_labels(labels)} {value:.10g}" for labels, value in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_quoted(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    encodable = text.encode("utf-8", "backslashreplace").decode()
    return _escaped(encodable).replace('"', '\\"')
