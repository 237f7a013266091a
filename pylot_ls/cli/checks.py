"""What ``doctor`` looks at: each check is a function that says what it found. No check changes anything but folders."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls import __version__, machine
from pylot_ls.config.folders import cache_folder, make_private
from pylot_ls.config.wiring import completion_options, make_backend, memory_limit_bytes, role_configs, wishes
from pylot_ls.engine.adapters import check_adapter
from pylot_ls.engine.build_info import build_info
from pylot_ls.engine.engine import Engine
from pylot_ls.engine.gguf_header import read_header
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.memory import dimensions_of, room_now
from pylot_ls.engine.memory_plan import plan_memory
from pylot_ls.engine.probe import check_suits
from pylot_ls.errors import PylotError, SettingsError
from pylot_ls.features.completion import complete
from pylot_ls.serving.place import NotRunningError, ask, make_folder, runtime_folder
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

if TYPE_CHECKING:
    from pylot_ls.config.settings import Settings
    from pylot_ls.config.sources import Problem
    from pylot_ls.engine.loading import LlamaConfig
    from pylot_ls.engine.memory_plan import MemoryPlan, Room
    from pylot_ls.engine.types import ModelInfo

_GIB = 2**30

# Program, name, and what connects it; README.md's pages have the rest.
_EDITORS = (
    ("nvim", "Neovim", "pylot-ls setup neovim"),
    ("code", "VS Code", "pylot-ls setup vscode"),
    ("hx", "Helix", "pylot-ls setup helix"),
    ("emacs", "Emacs", "pylot-ls setup emacs"),
)


class Status(enum.StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found.

    Attributes:
        name: what was looked at.
        found: in a line; where the status is BROKEN, with what to do.
    """

    name: str
    status: Status
    found: str


def check_python() -> Check:
    """Which Python runs this."""
    return Check("Python", Status.OK, f"{platform.python_version()} at {sys.executable}")


def check_llama_cpp() -> Check:
    """Whether llama.cpp loads, and what it uses of the machine."""
    try:
        build = build_info()
    except PylotError as error:
        return Check("llama.cpp", Status.BROKEN, str(error))
    gpu = "GPU offload" if build.gpu else "no GPU offload"
    return Check("llama.cpp", Status.OK, f"llama-cpp-python {build.version}, {', '.join(build.features)}; {gpu}")


def check_settings(problems: tuple[Problem, ...]) -> Check:
    """Whether all settings could be read."""
    if problems:
        return Check("settings", Status.BROKEN, "; ".join(problem.message for problem in problems))
    return Check("settings", Status.OK, "no problem found")


async def check_model(settings: Settings) -> list[Check]:
    """Whether the model is there, loads, and completes, what it gets of the memory, and whether its KV can be cut."""
    engine: Engine | None = None
    try:
        engine = Engine(make_backend(settings))
        engine.start()
        info = await engine.ready()
        plan = engine.plan
        document = Document("", "python", 0, Text.from_str("def main():\n    return\n"))
        await complete(document, len("def main():\n    ret"), engine, completion_options(settings))
    except PylotError as error:
        return [Check("model", Status.BROKEN, str(error))]
    finally:
        if engine is not None:
            await engine.close()
    return [Check("model", Status.OK, _describe(info)), *([check_plan(plan)] if plan else []), check_kv(info)]


def check_kv(info: ModelInfo) -> Check:
    """Whether the model's KV can be cut, and what it costs where it cannot."""
    if info.removes_partially:
        return Check(
            "prompt cache", Status.OK, "only what an edit changes is evaluated again, and it outlives a restart"
        )
    return Check(
        "prompt cache",
        Status.NOTE,
        f"this model ({info.architecture}: recurrent, hybrid or with a sliding window) cannot give back the end of "
        "what it has read, so it goes on from checkpoints: what is typed costs a few tokens, as with other models, "
        "but going back further, or to an earlier place, costs more; of a file's last prompt all but what was typed "
        "last outlives a restart",
    )


def _describe(info: ModelInfo) -> str:
    return (
        f"{info.name} ({info.n_params / 1e6:.1f} M parameters, {info.size_bytes / 2**20:.1f} MiB, context "
        f"{info.n_ctx} of {info.n_ctx_train} tokens, order {info.fim_orders[0]}) from {info.path or 'a script'}"
        + "".join(f", with the adapter {path} times {scale:g}" for path, scale in info.adapters)
    )


def check_memory() -> Check:
    """How much memory there is, and how much of it is free."""
    available, total = machine.available_memory_bytes(), machine.total_memory_bytes()
    found = f"{available / _GIB:.1f} GiB free of {total / _GIB:.1f} GiB, {machine.physical_cores()} cores"
    return Check("memory", Status.OK, found)


def check_plan(plan: MemoryPlan) -> Check:
    """What the model was given of the memory, and why."""
    return Check("memory plan", Status.NOTE if plan.reasons else Status.OK, str(plan))


def check_roles(settings: Settings) -> list[Check]:
    """Whether the models of other roles than to complete are there and can do what they are for."""
    try:
        configs = role_configs(settings)
    except PylotError:
        return []  # the check of the model says so
    complete = configs.pop(Role.COMPLETE)
    room = room_now(memory_limit_bytes(settings)).at_best
    return [_check_role(role, config, settings, room) for role, config in configs.items() if config != complete]


def _check_role(role: Role, config: LlamaConfig, settings: Settings, room: Room) -> Check:
    path = config.path
    try:
        probed = check_suits(path, role, config.manifest_folders)
        for adapter in config.adapters:
            check_adapter(adapter, read_header(path))
        plan = plan_memory(dimensions_of(path), wishes(settings), room)
    except PylotError as error:
        return Check(f"role {role}", Status.BROKEN, str(error))
    found = f"{probed.metadata.get('general.name', path.stem)} from {path}"
    found += "".join(f", with the adapter {each.path} times {each.scale:g}" for each in config.adapters)
    return Check(f"role {role}", Status.OK, f"{found}, loaded when it is first needed; by itself: {plan}")


def check_cache_folder() -> Check:
    """Whether the cache folder can be used."""
    folder = cache_folder()
    try:
        make_private(folder)
    except SettingsError as error:
        return Check("cache folder", Status.BROKEN, str(error))
    free = shutil.disk_usage(folder).free
    return Check("cache folder", Status.OK, f"{folder}, {free / _GIB:.1f} GiB free")


def check_shared_server() -> Check:
    """Whether editors could share a server, whether there is one, and whether it is of this version."""
    folder = runtime_folder(os.environ)
    try:
        make_folder(folder)
        connection, answer = ask(folder, __version__, "hello")
    except NotRunningError:
        return Check("shared server", Status.OK, f"none is running; editors with --shared would meet in {folder}")
    except PylotError as error:
        return Check("shared server", Status.BROKEN, f"editors with --shared each have a server of their own: {error}")
    connection.close()
    if answer.get("version") != __version__:
        found = f"the one that is running is of version {answer.get('version')}; stop it: pylot-ls serve --stop"
        return Check("shared server", Status.NOTE, found)
    return Check("shared server", Status.OK, f"it is running, in {folder}: pylot-ls serve --status")


def check_editors() -> list[Check]:
    """Which editors are on the PATH, and how each is connected."""
    found = [
        Check(name, Status.OK, f"{path}; to connect it: {how}")
        for command, name, how in _EDITORS
        if (path := shutil.which(command))
    ]
    names = ", ".join(name for _, name, _ in _EDITORS)
    return found or [Check("editors", Status.NOTE, f"none of {names} is on the PATH")]
