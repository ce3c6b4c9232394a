"""Use cases of `config.*`: show, check, reload.

Owns: what each answers. Leaves to others: reading and following the file (`whisperd.reload`), finding mistakes
(`whisperd.config.load`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from whisperd.api.handler import Handler
from whisperd.config.current import Current
from whisperd.config.default import in_force
from whisperd.config.file import read_file
from whisperd.config.load import parse
from whisperd.errors import ConfigError, NotFoundError, RefusedError
from whisperd.reload import READ_DEADLINE, Reloader
from whisperd.wire import config, names
from whisperd.wire.types import Empty


class ConfigApi:
    def __init__(self, current: Current, reloader: Reloader) -> None:
        self._current = current
        self._reloader = reloader

    def handlers(self) -> Mapping[str, Handler]:
        """The methods that are answered here."""
        return {
            names.CONFIG_SHOW: self.show,
            names.CONFIG_CHECK: self.check,
            names.CONFIG_RELOAD: self.reload,
        }

    async def show(self, _params: Empty) -> config.ConfigShowResult:
        settings, file = self._current.settings, self._reloader.file
        return config.ConfigShowResult(
            path=str(file),
            exists=await anyio.to_thread.run_sync(file.exists, abandon_on_cancel=True),
            settings=msgspec.to_builtins(settings, enc_hook=_plain),
            toml=in_force(settings),
            error=self._reloader.error,
            restart_needed=self._reloader.waiting,
        )

    async def check(self, params: config.ConfigCheckParams) -> config.ConfigCheckResult:
        """Raises NotFoundError, and RefusedError for what can't be read."""
        file = Path(params.path) if params.path else self._reloader.file
        try:
            with anyio.fail_after(READ_DEADLINE):
                data = await anyio.to_thread.run_sync(lambda: read_file(file), abandon_on_cancel=True)
        except TimeoutError:
            raise RefusedError(f"reading {file} took longer than {READ_DEADLINE:.0f} s") from None
        except FileNotFoundError:
            if params.path:
                raise NotFoundError(f"there is no configuration file {file}", hint="check the path") from None
            data = b""  # the defaults apply
        except ConfigError as error:
            raise RefusedError(error.message, hint=error.hint) from error
        problems = parse(data)[1]
        return config.ConfigCheckResult(
            path=str(file),
            ok=not problems,
            problems=[config.ConfigProblem(problem.key, problem.message, problem.line) for problem in problems],
        )

    async def reload(self, _params: Empty) -> config.ConfigReloadResult:
        """Raises ConfigError; the old settings stay in force then."""
        changes = await self._reloader.reload()
        return config.ConfigReloadResult(
            path=str(self._reloader.file),
            changed=[config.ConfigChange(change.key, change.effect.value) for change in changes],
            restart_needed=self._reloader.waiting,
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value)}")
