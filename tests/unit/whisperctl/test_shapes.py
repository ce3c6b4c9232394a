"""The client's picture of the wire holds nothing that the wire does not have."""

from typing import Any, get_type_hints

import msgspec
import pytest

from whisperctl import shapes
from whisperd.jobs.job import Output
from whisperd.wire import batch, daemon, dictate, events, history, job, model, types, watch

PAIRS: list[tuple[Any, Any]] = [
    (shapes.ErrorDict, types.ErrorData),
    (shapes.ErrorObject, types.ErrorObject),
    (shapes.Failure, job.FailureView),
    (shapes.Output, Output),
    (shapes.Job, job.JobView),
    (shapes.Batch, batch.BatchView),
    (shapes.BatchFailure, batch.BatchFailure),
    (shapes.BatchList, batch.BatchListResult),
    (shapes.BatchStory, batch.BatchShowResult),
    (shapes.BatchAnswer, batch.BatchAnswer),
    (shapes.JobList, job.JobListResult),
    (shapes.StoryEntry, job.StoryEntry),
    (shapes.JobStory, job.JobShowResult),
    (shapes.Answer, job.JobAnswer),
    (shapes.Summary, history.TranscriptSummary),
    (shapes.Folder, history.FolderSummary),
    (shapes.HistoryList, history.HistoryListResult),
    (shapes.SnippetPart, history.SnippetPart),
    (shapes.Match, history.HistoryMatch),
    (shapes.HistorySearch, history.HistorySearchResult),
    (shapes.HistoryShow, history.HistoryShowResult),
    (shapes.HistoryAnswer, history.HistoryAnswer),
    (shapes.Document, history.Document),
    (shapes.HistoryExport, history.HistoryExportResult),
    (shapes.Worker, daemon.WorkerStatus),
    (shapes.Status, daemon.StatusResult),
    (shapes.Hold, daemon.HoldView),
    (shapes.Lanes, daemon.LanesView),
    (shapes.QueueState, job.QueueResult),
    (shapes.Check, daemon.Check),
    (shapes.DoctorResult, daemon.DoctorResult),
    (shapes.Pull, model.PullView),
    (shapes.Model, model.ModelView),
    (shapes.ModelChoice, model.ChoiceView),
    (shapes.ModelList, model.ModelListResult),
    (shapes.DictateStart, dictate.DictateStartResult),
    (shapes.DictateResult, dictate.DictateResult),
    (shapes.DictateToggle, dictate.DictateToggleResult),
    (shapes.DictateSession, dictate.SessionView),
    (shapes.DictateStatus, dictate.DictateStatusResult),
    (shapes.InputDevice, dictate.DeviceView),
    (shapes.Event, events.EventView),
    (shapes.FileParam, job.FileParam),
    (shapes.FolderCounts, watch.FolderCounts),
    (shapes.WatchedFolder, watch.FolderView),
    (shapes.WatchedFile, watch.WatchedFile),
]


@pytest.mark.parametrize(("ours", "wire"), PAIRS, ids=lambda shape: shape.__name__)
def test_a_shape_has_only_fields_of_its_wire_type(ours: Any, wire: Any) -> None:
    assert set(get_type_hints(ours)) <= {field.encode_name for field in msgspec.structs.fields(wire)}


@pytest.mark.parametrize(("ours", "wire"), PAIRS, ids=lambda shape: shape.__name__)
def test_a_field_that_may_be_left_out_may_be_left_out_in_the_shape(ours: Any, wire: Any) -> None:
    if wire.__struct_config__.omit_defaults:
        required = {field.encode_name for field in msgspec.structs.fields(wire) if field.required}
        assert ours.__required_keys__ <= required
