"""Which functions of llama.cpp are called, on which thread, and what happens when one of them ends the process."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import llama_cpp
import pytest
from shelf import Shelf

import pylot_ls
from pylot_ls.engine import llama_context
from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.persistence import PersistenceConfig
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.types import Finished

# What takes a context: all that touches KV and what is evaluated.
_OF_A_CONTEXT = re.compile(r"llama_(init_from_model|free|decode|synchronize|get_|memory_|state_|set_adapters).*")
# These end the process on some damaged files, or pass a struct that lacks a field.
_DEADLY = re.compile(r"llama_(state_seq_load_file|state_load_file|load_session_file|opt_\w+)")


class Watched:
    """The bindings, with a note of who calls what."""

    def __init__(self, lib):
        self._lib = lib
        self.callers = {}

    def __getattr__(self, name):
        found = getattr(self._lib, name)
        if not _OF_A_CONTEXT.fullmatch(name):
            return found

        def call(*args):
            self.callers.setdefault(name, set()).add(threading.get_ident())
            return found(*args)

        return call


def test_a_context_is_used_from_one_thread_however_many_ask(drive, bundled_config, tmp_path, monkeypatch):
    lib = Watched(llama_context.lib)
    monkeypatch.setattr(llama_context, "lib", lib)
    driven = drive(LlamaBackend(replace(bundled_config, persistence=PersistenceConfig(Shelf(), tmp_path / "m.json"))))
    driven.state()
    driven.backend._loaded.persistence._thread.join()
    answers = []

    def ask(number):
        text = f"def function_{number}(value):\n" + f"    value += {number}\n" * 30
        for _ in range(3):
            request_id = driven.submit((TextSegment(text, 200),), max_tokens=3)
            answers.append(driven.answer(request_id))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    driven.backend.close()
    assert [type(answer.end) for answer in answers] == [Finished] * 12
    assert {"llama_decode", "llama_memory_seq_rm", "llama_state_seq_get_data", "llama_free"} <= set(lib.callers)
    (worker,) = set.union(*lib.callers.values())
    assert worker not in {threading.get_ident(), *(thread.ident for thread in threads)}


@pytest.fixture(scope="module")
def code():
    """All of our own, parsed."""
    paths = Path(pylot_ls.__file__).parent.rglob("*.py")
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def test_what_ends_the_process_on_damaged_files_is_never_called(code):
    deadly = {name for name in dir(llama_cpp.llama_cpp) if _DEADLY.fullmatch(name)}
    assert {"llama_state_seq_load_file", "llama_opt_epoch"} <= deadly
    named = {getattr(node, field, None) for node in code for field in ("attr", "id", "name")}
    quoted = {node.value for node in code if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert "llama_decode" in named
    assert not deadly & (named | quoted)


def test_the_bindings_classes_their_http_server_and_their_jinja_are_not_used(code):
    used = set()
    for node in code:
        if isinstance(node, ast.Import):
            used |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "llama_cpp":
            used.add(f"llama_cpp.{node.attr}")
    assert "llama_cpp.llama_cpp" in used
    assert not [each for each in used if re.match(r"jinja2|llama_cpp\.(Llama|server|llama_chat_format)", each)]


def test_what_is_set_of_llama_cpps_parameters_is_there_to_be_set():
    # ctypes would take any other name without a word, and llama.cpp never hear of it.
    known = {
        "llama_model_default_params": {name for name, *_ in llama_cpp.llama_cpp.llama_model_params._fields_},
        "llama_context_default_params": {name for name, *_ in llama_cpp.llama_cpp.llama_context_params._fields_},
    }
    n_set = 0
    for function in _functions():
        made = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                maker = getattr(getattr(node.value, "func", None), "attr", None)
                made |= {target.id: known[maker] for target in node.targets if maker in known}
        for node in ast.walk(function):
            is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if is_set and isinstance(node.value, ast.Name) and node.value.id in made:
                assert node.attr in made[node.value.id], f"{function.name}: {node.attr}"
                n_set += 1
    assert n_set > 20


def _functions():
    for path in Path(pylot_ls.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


_ABORT = """
import ctypes, pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import {module}
import llama_cpp
(library,) = (pathlib.Path(llama_cpp.__file__).parent / "lib").glob("libggml-base.so")
ctypes.CDLL(str(library)).ggml_abort(b"a.c", 1, b"a fault")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ggml looks for debuggers there")
@pytest.mark.parametrize(
    ("module", "starts_one"), [("llama_cpp", True), ("pylot_ls.engine.llama_cpp_binding", False)], ids=str
)
def test_where_native_code_gives_up_no_debugger_is_started(tmp_path, module, starts_one):
    for name in ("gdb", "lldb"):
        debugger = tmp_path / name
        debugger.write_text(f"#!/bin/sh\n: > {tmp_path}/started\n")
        debugger.chmod(0o700)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("GGML_NO_BACKTRACE", None)
    command = (sys.executable, "-c", _ABORT.format(module=module))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "a fault" in done.stderr
    assert done.returncode < 0
    assert (tmp_path / "started").exists() == starts_one
