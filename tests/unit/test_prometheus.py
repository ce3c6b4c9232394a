"""The text format, read by Prometheus's own parser."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from whisperd.prometheus import Metric, exposition


@given(st.text(), st.text(), st.floats(-1e6, 1e6))
def test_any_label_and_help_come_back_from_the_official_parser(label: str, text: str, value: float) -> None:
    label = label.encode("utf-8", "replace").decode()
    text = text.encode("utf-8", "replace").decode().replace("\r", "")
    written = exposition([Metric("whisperd_x", "gauge", text, [({"name": label}, value)])])
    [family] = text_string_to_metric_families(written)
    [sample] = family.samples
    assert (family.name, family.type) == ("whisperd_x", "gauge")
    assert sample.labels == {"name": label}
    assert abs(sample.value - value) <= 1e-9 * max(1.0, abs(value))


def test_a_family_without_samples_is_left_out() -> None:
    assert exposition([Metric("whisperd_x", "gauge", "x", [])]) == ""
