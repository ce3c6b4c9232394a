"""Use cases of `dictate.*`: start, stop, toggle, cancel, status, again, devices.

Owns: what each answers, and that a session which is to live as long as its client's connection does. Leaves to others:
the sessions (`whisperd.dictation`).
"""

from collections.abc import Mapping

from whisperd.api import caller
from whisperd.api.handler import Handler
from whisperd.dictation.service import Dictation
from whisperd.wire import dictate, names
from whisperd.wire.types import Empty


class DictateApi:
    def __init__(self, dictation: Dictation) -> None:
        self._dictation = dictation

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.DICTATE_START: self.start,
            names.DICTATE_STOP: self.stop,
            names.DICTATE_TOGGLE: self.toggle,
            names.DICTATE_CANCEL: self.cancel,
            names.DICTATE_STATUS: self.status,
            names.DICTATE_AGAIN: self.again,
            names.DICTATE_DEVICES: self.devices,
        }

    async def start(self, params: dictate.DictateStartParams) -> dictate.DictateStartResult:
        """Raises InvalidParamsError, MicrophoneError, ModelNotFoundError, RefusedError."""
        session = await self._dictation.begin(params)
        if params.while_connected:
            caller.current.get().at_end(lambda: self._dictation.release(session, "disconnected"))
        await self._dictation.opened(session)
        opened = session.opened
        return dictate.DictateStartResult(
            session=session.number,
            state=session.state,
            device=opened.device if opened else "",
            recording=opened.path if opened else "",
        )

    async def stop(self, params: dictate.SessionParams) -> dictate.DictateResult:
        """Raises NotFoundError, RefusedError."""
        return await self._dictation.stop(params.session)

    async def toggle(self, params: dictate.DictateStartParams) -> dictate.DictateToggleResult:
        """Raises what `start` and `stop` raise."""
        recording = self._dictation.to_end()
        if recording is None:
            start = await self.start(params)
            return dictate.DictateToggleResult(started=True, session=start.session, start=start)
        result = await self._dictation.stop(recording.number)
        return dictate.DictateToggleResult(started=False, session=recording.number, result=result)

    async def cancel(self, params: dictate.SessionParams) -> dictate.DictateResult:
        """Raises NotFoundError, RefusedError."""
        return await self._dictation.cancel(params.session)

    async def status(self, _params: Empty) -> dictate.DictateStatusResult:
        return self._dictation.status()

    async def again(self, _params: Empty) -> dictate.DictateResult:
        """Raises NotFoundError."""
        return await self._dictation.again()

    async def devices(self, _params: Empty) -> dictate.DictateDevicesResult:
        """Raises MicrophoneError."""
        return dictate.DictateDevicesResult(await self._dictation.devices())
