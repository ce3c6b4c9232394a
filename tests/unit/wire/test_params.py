"""Parameters to types, and the sentence a person reads where they do not fit."""

from typing import Any

import pytest

from whisperd.errors import InvalidParamsError, MethodNotFoundError
from whisperd.wire import params
from whisperd.wire.methods import METHODS
from whisperd.wire.types import Empty


@pytest.mark.parametrize(
    ("method", "given", "message", "hint"),
    [
        ("job.submit", {}, "params lacks `files`", None),
        ("job.submit", {"files": [{"path": 1}]}, "params.files[0].path: expected `str | null`, got `int`", None),
        ("job.submit", {"files": [{"path": "/a"}, {"pth": "/a"}]}, 'params.files[1] has no member "pth"', "`path`"),
        ("job.submit", {"files": []}, "params.files: expected `array` of length >= 1", None),
        ("job.submit", {"files": [{}], "kind": "fil"}, "params.kind: 'fil' is not one of dictation, file", "`file`"),
        (
            "job.submit",
            {"files": [{}], "options": {"formats": ["strt"]}},
            "params.options.formats[0]: 'strt' is not one of txt, srt",
            "`srt`",
        ),
        ("job.submit", {"files": [{}], "options": {"languag": "en"}}, 'no member "languag"', "`language`"),
        ("job.show", {"id": 0}, "params.id: expected `int` >= 1", None),
        ("job.show", {"id": "1"}, "params.id: expected `int`, got `str`", None),
        ("job.show", [1, 2], "job.show takes at most 1 parameters, not 2", None),
        ("daemon.ping", {"x": 1}, 'params has no member "x"', "known are: none"),
        ("job.list", {"zzzzz": 1}, 'params has no member "zzzzz"', "states, kinds"),
    ],
)
def test_wrong_parameters_are_named_by_their_path(
    method: str, given: dict[str, Any] | list[Any], message: str, hint: str | None
) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        params.convert(METHODS[method], given)
    assert message in caught.value.message
    assert caught.value.hint is None if hint is None else hint in (caught.value.hint or "")


def test_an_array_stands_for_the_parameters_in_their_declared_order() -> None:
    assert params.convert(METHODS["job.text"], [7, "srt"]) == params.convert(
        METHODS["job.text"], {"id": 7, "format": "srt"}
    )
    assert params.convert(METHODS["daemon.ping"], []) == Empty()


def test_a_misspelt_method_is_told_the_nearest_name() -> None:
    with pytest.raises(MethodNotFoundError, match="no method") as caught:
        params.find_method("job.sumbit")
    assert caught.value.hint == "did you mean `job.submit`?"


def test_a_very_long_method_name_is_cut_in_the_message() -> None:
    with pytest.raises(MethodNotFoundError) as caught:
        params.find_method("x" * 100_000)
    assert len(caught.value.message) < 200
