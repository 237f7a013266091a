"""llama-server's own tests against this API, and a table of what became of each case. Not a part of the test run.

    python tests/api/llama_server_cases.py FOLDER [MODULE ...]

FOLDER is ``tools/server/tests`` of llama.cpp's source, as the source package of llama-cpp-python has it. Its modules
start a llama-server by its flags: they are given a program that takes those flags and serves this API (``--serve``).
The models that they fetch are not here: one of random weights stands for those that write, another one embeds. So cases
that hold texts, or numbers of tokens, of their own models cannot pass, and are counted apart.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "basic", "completion", "chat_completion", "infill", "tokenize", "embedding", "security", "stream", "ctx_shift",
    "ignore_eos", "metrics", "lora", "slot_save",
)  # fmt: skip
MODELS = "PYLOT_CASES_MODELS"

# Why a case cannot pass here: the first pattern that its name matches says it.
OF_ITS_MODEL = "holds texts, or numbers of tokens, of its own model"
NO_MODEL = "needs a model that is not here"
REASONS = (
    (r"load_split_model|test_lora|multimodal|with_image|two_images|image_payload|without_mmproj|media", NO_MODEL),
    (r"test_stream\.py|library_stops", NO_MODEL),
    (r"::test_completion(_stream)?\[|completion_(stream_)?with_openai_library|prompt_cache", OF_ITS_MODEL),
    (r"::test_chat_completion(_stream)?\[|chat_completion_with_openai|cached_tokens", OF_ITS_MODEL),
    (r"ctx_shift_enabled|short_prompt\[-1|infill_with|slot_(save_restore$|erase|restore_legacy)", OF_ITS_MODEL),
    (r"embedding_usage|prompt_progress|::test_chat_template$", OF_ITS_MODEL),
)
# What there is not here, of what could pass: these count as failed.
MISSING = (
    (r"static_assets", "there is no web page here but one"),
    (r"aliases_and_tags", "models have no tags"),
    (r"cors_proxy", "it asks no other servers"),
    (r"cors.*Allow-Credentials", "any page may ask, but not with what the browser has of the user"),
    (r"pooling_none", "vectors are of texts, not of tokens"),
    (r"return_progress", "the engine does not tell how far it is with a prompt"),
)

PLUGIN = '''
import pytest

def pytest_collection_finish(session):
    """The presets' models are not fetched before the first case."""
    import utils
    utils.ServerPreset.load_all = staticmethod(lambda: None)
'''


def main() -> None:
    """Run the modules, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--only", default="", help="an expression of pytest's -k")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = run(arguments.folder.resolve(), arguments, Path(temporary))
    show(results)


def run(folder: Path, arguments, temporary: Path) -> list[tuple[str, str, str]]:
    """Name, outcome and last words of each case."""
    program = temporary / "llama-server"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" --serve "$@"\n')
    program.chmod(0o700)
    (temporary / "wget.py").write_text('"""Nothing is fetched."""\n\ndef download(*_args, **_kw):\n    raise OSError\n')
    (temporary / "cases_plugin.py").write_text(PLUGIN)
    write_models(temporary)
    report = temporary / "report.xml"
    environment = os.environ | {
        "LLAMA_SERVER_BIN_PATH": str(program),
        MODELS: str(temporary),
        "PYTHONPATH": os.pathsep.join((str(temporary), str(ROOT), os.environ.get("PYTHONPATH", ""))),
    }
    paths = [f"unit/test_{module}.py" for module in arguments.modules]
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "cases_plugin", "-p", "no:cacheprovider", "-p", "no:pytest_lsp",
        "--timeout", "120", "-W", "ignore", f"--junitxml={report}", "--tb=line", "-k", arguments.only, *paths,
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, env=environment, check=False)
    return list(read(report))


def write_models(folder: Path) -> None:
    """A model that writes and one that embeds."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
    import gguf  # noqa: PLC0415
    import spelling_model  # noqa: PLC0415
    import tiny_models  # noqa: PLC0415

    spelling_model.write_spelling_model(folder / "spelling.gguf")
    tiny_models.write_tiny_model(folder / "embed.gguf", "windowed", gguf.PoolingType.MEAN)


def read(report: Path):
    from xml.etree import ElementTree as ET  # noqa: PLC0415

    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.py::{case.get('name')}"
        found = next((child for child in case if child.tag in {"failure", "error", "skipped"}), None)
        outcome = "passed" if found is None else {"skipped": "skipped"}.get(found.tag, "failed")
        yield name, outcome, "" if found is None else (found.get("message") or "").splitlines()[0][:150]


def show(results) -> None:
    """The table, and how many of the cases that could pass did."""
    n_passed = n_apart = n_failed = 0
    for name, outcome, words in sorted(results):
        apart = next((why for pattern, why in REASONS if re.search(pattern, name)), "")
        reason = apart or next((why for pattern, why in MISSING if re.search(pattern, name)), words)
        n_passed += outcome == "passed"
        n_apart += outcome == "skipped" or (outcome == "failed" and bool(apart))
        n_failed += outcome == "failed" and not apart
        shown = "" if outcome == "passed" else reason.replace("|", "/")
        print(f"| {name.replace('|', '/')} | {outcome} | {shown} |")
    n_able = n_passed + n_failed
    print(f"\n{n_passed} of {n_able} passed ({n_passed / max(1, n_able):.1%}); {n_apart} more cannot pass here")


def serve(argv) -> None:
    """Be a llama-server, as far as its flags go."""
    parser = argparse.ArgumentParser()
    for flag in ("--port", "--seed", "--n-predict", "--ctx-size", "--parallel", "--batch-size"):
        parser.add_argument(flag, type=int)
    parser.add_argument("--temp", type=float, default=0.8)
    for flag in ("--host", "--alias", "--hf-repo", "--hf-file", "--api-key", "--cors-origins", "--chat-template"):
        parser.add_argument(flag)
    parser.add_argument("--tags", default="")
    for flag in ("--slots", "--metrics", "--embedding", "--context-shift", "--verbose", "--kv-unified"):
        parser.add_argument(flag, action="store_true")
    for flag in ("--pooling", "--chat-template-file", "--tools"):
        parser.add_argument(flag)
    parser.add_argument("--no-ui", action="store_true")
    parser.add_argument("--slot-save-path")
    arguments, _ = parser.parse_known_args(argv)
    sys.path[:0] = [str(ROOT)]
    asyncio.run(_serve(arguments))


async def _serve(arguments) -> None:
    from pylot_ls.api.app import make_app  # noqa: PLC0415
    from pylot_ls.api.server import serve_http  # noqa: PLC0415

    options, pool = _options(arguments), _pool(arguments)
    sockets = []
    for host in (arguments.host or "127.0.0.1").split(","):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sockets.append(socket.create_server((host.strip(), arguments.port), family=family))
    pool.start()
    serving = asyncio.ensure_future(serve_http(make_app(pool, options), sockets, options.limits))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    try:
        await asyncio.gather(serving, return_exceptions=True)
    finally:
        await pool.close()


def _options(arguments):
    from pylot_ls.api.keys import KeyBook  # noqa: PLC0415
    from pylot_ls.api.options import ApiOptions, Limits  # noqa: PLC0415
    from pylot_ls.engine.types import Sampling  # noqa: PLC0415

    book = None
    if arguments.api_key:
        book = KeyBook(Path(tempfile.mkdtemp()) / "keys.json")
        book.create("tests", key=arguments.api_key)
    n_slots = arguments.parallel or 1
    limits = Limits(most_running=n_slots, most_running_of_user=n_slots, most_waiting_of_user=64)
    alias = min((arguments.alias or "").split(","))
    n_predict = arguments.n_predict
    origins = tuple((arguments.cors_origins or ("localhost" if arguments.tools else "*")).split(","))
    return ApiOptions(
        keys=book,
        origins=origins,
        limits=limits,
        sampling=Sampling(temperature=arguments.temp, seed=arguments.seed),
        max_tokens=n_predict if n_predict and n_predict > 0 else None,
        names={"complete": alias, "chat": alias} if alias else {},
        takes_any_model=True,
        shifts_context=arguments.context_shift,
        has_page=not arguments.no_ui,
        has_slots=arguments.slots,
        has_metrics=arguments.metrics,
        tells_prompts=arguments.verbose,
    )


def _pool(arguments):
    from pylot_ls.engine.llama_backend import LlamaBackend, LlamaConfig  # noqa: PLC0415
    from pylot_ls.engine.manifest import Role  # noqa: PLC0415
    from pylot_ls.engine.pool import ModelPool  # noqa: PLC0415
    from pylot_ls.engine.scripted_backend import ScriptedBackend  # noqa: PLC0415

    repo = arguments.hf_repo or ""
    if not repo:
        backend = ScriptedBackend()
        return ModelPool({Role.COMPLETE: backend, Role.CHAT: backend})
    models = Path(os.environ[MODELS])
    n_ctx = (arguments.ctx_size or 512) // (1 if arguments.kv_unified else arguments.parallel or 1)
    if arguments.embedding:
        config = LlamaConfig(models / "embed.gguf", n_ctx=n_ctx, n_threads=1, embeds=True)
        embedder = LlamaBackend(config)
        return ModelPool({Role.COMPLETE: embedder, Role.EMBED: embedder})
    if "stories260K" not in repo:
        sys.exit(f"{repo} is not here")
    # What a manifest says of a model is looked for beside its file.
    path = Path(tempfile.mkdtemp()) / "spelling.gguf"
    path.symlink_to(models / path.name)
    form = arguments.chat_template or "chatml"
    if arguments.chat_template_file:
        # By the text of a template llama.cpp finds which of its own it is.
        form = Path(arguments.chat_template_file).read_text(encoding="utf-8")
    path.with_suffix(".toml").write_text(f'[fim]\norders = ["psm"]\n[chat]\nformat = {json.dumps(form)}\n')
    writes = LlamaBackend(LlamaConfig(path, n_ctx=n_ctx, n_threads=1))
    return ModelPool({Role.COMPLETE: writes, Role.CHAT: writes})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2:])
    else:
        main()
