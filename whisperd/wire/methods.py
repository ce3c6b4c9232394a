"""The methods table: each method's name, the type of its parameters and of its result, and what it does in a line.

Owns: that table, from which the dispatcher checks parameters and `openrpc` makes its document. Leaves to others: the
use cases themselves (`whisperd.api`).
"""

from typing import Any, Final

import msgspec

from whisperd.wire import batch, config, daemon, dictate, events, health, history, job, model, names, types, watch


class Method(msgspec.Struct, frozen=True):
    """`large`: it answers with pages or whole transcripts, so that few are made at once."""

    name: str
    params: type[types.Params]
    result: Any
    summary: str

    @property
    def large(self) -> bool:
        return self.name in _LARGE


_LARGE: Final = frozenset(
    {
        names.RPC_DISCOVER,
        names.JOB_LIST,
        names.JOB_SHOW,
        names.JOB_TEXT,
        names.BATCH_LIST,
        names.BATCH_SHOW,
        names.HISTORY_LIST,
        names.HISTORY_SEARCH,
        names.HISTORY_SHOW,
        names.HISTORY_EXPORT,
        names.WATCH_LIST,
        names.CONFIG_SHOW,
        names.DAEMON_STATS,
    }
)

_TABLE: Final = (
    Method(names.INITIALIZE, daemon.InitializeParams, daemon.InitializeResult, "Versions, limits and capabilities."),
    Method(names.RPC_DISCOVER, types.Empty, dict[str, Any], "This API as an OpenRPC document."),
    Method(names.DAEMON_PING, types.Empty, daemon.PingResult, "Answer at once."),
    Method(names.DAEMON_STATUS, types.Empty, daemon.StatusResult, "Queue counts, workers and running jobs."),
    Method(names.DAEMON_HEALTH, types.Empty, health.HealthResult, "Whether all is well, and if not, why."),
    Method(names.DAEMON_STATS, health.StatsParams, health.StatsResult, "Figures by day, source and model."),
    Method(names.DAEMON_METRICS, types.Empty, health.MetricsResult, "Figures for Prometheus."),
    Method(names.DAEMON_DOCTOR, types.Empty, daemon.DoctorResult, "Check the whole chain and say what to do."),
    Method(names.DAEMON_SHUTDOWN, types.Empty, daemon.ShutdownResult, "Stop the daemon; queued work stays queued."),
    Method(names.JOB_SUBMIT, job.SubmitParams, job.JobsResult, "Queue audio files for transcription."),
    Method(names.JOB_LIST, job.JobListParams, job.JobListResult, "A page of jobs: newest first, or the queue."),
    Method(names.JOB_SHOW, job.JobParams, job.JobShowResult, "One job and its story."),
    Method(names.JOB_TEXT, job.JobTextParams, job.JobTextResult, "A completed job's transcript."),
    Method(names.JOB_WAIT, job.JobWaitParams, job.JobsResult, "Wait until jobs are in a final state."),
    Method(names.JOB_PAUSE, job.JobIdsParams, job.JobAnswersResult, "Hold jobs; a running one ends its batch."),
    Method(names.JOB_RESUME, job.JobIdsParams, job.JobAnswersResult, "Put paused jobs back into the queue."),
    Method(names.JOB_CANCEL, job.JobIdsParams, job.JobAnswersResult, "Cancel jobs that are not finished."),
    Method(names.JOB_RETRY, job.JobIdsParams, job.JobAnswersResult, "Queue finished jobs again."),
    Method(names.JOB_DELETE, job.JobIdsParams, job.JobAnswersResult, "Remove finished jobs and their transcripts."),
    Method(names.JOB_MOVE, job.JobMoveParams, job.JobAnswersResult, "Give queued jobs another place in the queue."),
    Method(names.QUEUE_PAUSE, types.Empty, job.QueueResult, "Hold files; dictation goes on. Kept over a restart."),
    Method(names.QUEUE_RESUME, types.Empty, job.QueueResult, "Let files run again."),
    Method(names.QUEUE_CLEAR, types.Empty, job.QueueClearResult, "Remove finished jobs, never their transcripts."),
    Method(names.HISTORY_LIST, history.HistoryListParams, history.HistoryListResult, "Transcripts, newest first."),
    Method(
        names.HISTORY_SEARCH, history.HistorySearchParams, history.HistorySearchResult, "Find words in transcripts."
    ),
    Method(names.HISTORY_SHOW, history.HistoryShowParams, history.HistoryShowResult, "One transcript."),
    Method(names.HISTORY_EDIT, history.HistoryEditParams, history.HistoryEditResult, "Correct a transcript's text."),
    Method(names.HISTORY_DELETE, history.HistoryDeleteParams, history.HistoryAnswersResult, "Remove transcripts."),
    Method(names.HISTORY_EXPORT, history.HistoryExportParams, history.HistoryExportResult, "Whole transcripts, paged."),
    Method(names.WATCH_LIST, watch.WatchListParams, watch.WatchListResult, "Watched folders, or one and its files."),
    Method(names.WATCH_ADD, watch.WatchAddParams, watch.WatchFolderResult, "Watch one more folder."),
    Method(names.WATCH_SET, watch.WatchSetParams, watch.WatchFolderResult, "Give a folder other rules."),
    Method(names.WATCH_REMOVE, watch.WatchFolderParams, watch.WatchRemoveResult, "Watch a folder no longer."),
    Method(names.WATCH_RESCAN, watch.WatchRescanParams, watch.WatchRescanResult, "Look at every file of folders now."),
    Method(names.MODEL_LIST, types.Empty, model.ModelListResult, "Models: known, downloaded, loaded; what is used."),
    Method(names.MODEL_PULL, model.ModelParams, model.ModelPullResult, "Download a model, or go on with it."),
    Method(names.MODEL_LOAD, model.ModelLoadParams, model.ModelLoadResult, "Load a model before it is needed."),
    Method(names.MODEL_UNLOAD, model.ModelUnloadParams, model.ModelUnloadResult, "Free the memory of idle models."),
    Method(names.MODEL_REMOVE, model.ModelParams, model.ModelRemoveResult, "Delete a downloaded model."),
    Method(names.MODEL_BENCH, model.ModelBenchParams, model.ModelBenchResult, "Measure the installed models."),
    Method(names.BATCH_CREATE, batch.BatchCreateParams, batch.BatchResult, "Make a batch: a draft, or a running one."),
    Method(names.BATCH_LIST, batch.BatchListParams, batch.BatchListResult, "A page of batches, newest first."),
    Method(names.BATCH_SHOW, batch.BatchShowParams, batch.BatchShowResult, "One batch and a page of its items."),
    Method(names.BATCH_ADD, batch.BatchAddParams, job.JobsResult, "Add audio files to a batch."),
    Method(names.BATCH_REMOVE, batch.BatchRemoveParams, job.JobAnswersResult, "Take jobs out of a batch."),
    Method(names.BATCH_SET, batch.BatchSetParams, batch.BatchResult, "Change a batch's name or concurrency."),
    Method(names.BATCH_START, batch.BatchIdsParams, batch.BatchAnswersResult, "Start drafts."),
    Method(names.BATCH_PAUSE, batch.BatchIdsParams, batch.BatchAnswersResult, "Hold batches, over restarts too."),
    Method(names.BATCH_RESUME, batch.BatchIdsParams, batch.BatchAnswersResult, "Let paused batches go on."),
    Method(names.BATCH_CANCEL, batch.BatchIdsParams, batch.BatchAnswersResult, "Cancel what of batches is not done."),
    Method(names.BATCH_RETRY, batch.BatchRetryParams, job.JobAnswersResult, "Queue items again; all failed ones."),
    Method(names.BATCH_DELETE, batch.BatchDeleteParams, batch.BatchAnswersResult, "Remove batches with their jobs."),
    Method(names.CONFIG_SHOW, types.Empty, config.ConfigShowResult, "The settings in force, and where they come from."),
    Method(names.CONFIG_CHECK, config.ConfigCheckParams, config.ConfigCheckResult, "Every mistake in a file."),
    Method(names.CONFIG_RELOAD, types.Empty, config.ConfigReloadResult, "Read the configuration file again."),
    Method(
        names.DICTATE_START, dictate.DictateStartParams, dictate.DictateStartResult, "Open the microphone and listen."
    ),
    Method(names.DICTATE_STOP, dictate.SessionParams, dictate.DictateResult, "End a dictation; answers its text."),
    Method(
        names.DICTATE_TOGGLE, dictate.DictateStartParams, dictate.DictateToggleResult, "Start, or stop what listens."
    ),
    Method(names.DICTATE_CANCEL, dictate.SessionParams, dictate.DictateResult, "Throw a dictation away."),
    Method(names.DICTATE_STATUS, types.Empty, dictate.DictateStatusResult, "What dictation is doing."),
    Method(names.DICTATE_AGAIN, types.Empty, dictate.DictateResult, "The last dictated text once more."),
    Method(names.DICTATE_DEVICES, types.Empty, dictate.DictateDevicesResult, "The microphones there are."),
    Method(names.EVENTS_SUBSCRIBE, events.SubscribeParams, events.SubscribeResult, "Follow events on this connection."),
    Method(names.EVENTS_UNSUBSCRIBE, events.UnsubscribeParams, events.UnsubscribeResult, "End a subscription."),
)

METHODS: Final[dict[str, Method]] = {method.name: method for method in _TABLE}
