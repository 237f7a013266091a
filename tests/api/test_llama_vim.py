"""The plugin llama.vim in a real Neovim: it shows what our infill answers, and accepts it.

``PYLOT_TEST_LLAMA_VIM`` names a checkout of github.com/ggml-org/llama.vim, ``PYLOT_TEST_NVIM`` a Neovim.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pynvim
import pytest

from pylot_ls.api.keys import KeyBook
from pylot_ls.api.options import ApiOptions
from pylot_ls.engine.manifest import Role
from pylot_ls.engine.pool import ModelPool
from pylot_ls.engine.scripted_backend import ScriptedBackend

PLUGIN = os.environ.get("PYLOT_TEST_LLAMA_VIM")
NVIM = os.environ.get("PYLOT_TEST_NVIM") or shutil.which("nvim")
HANG_MS = 20_000

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(not (PLUGIN and NVIM and shutil.which("curl")), reason="no llama.vim, no Neovim, or no curl"),
]

READY = "lua io.stdout:write('ready\\n') io.stdout:flush()"
GHOST_TEXT = """
local shown = {}
vim.wait(..., function()
  local namespace = vim.api.nvim_get_namespaces()["vt_fim"]
  local marks = namespace and vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true }) or {}
  for _, mark in ipairs(marks) do
    for _, chunk in ipairs(mark[4].virt_text or {}) do
      if #chunk[1] > 0 then table.insert(shown, chunk[1]) end
    end
  end
  return #shown > 0
end)
return shown
"""
LINE = """
vim.wait(..., function() return vim.api.nvim_get_current_line():find("%)") end)
return vim.api.nvim_get_current_line()
"""


@contextlib.contextmanager
def attached():
    """A Neovim with nothing of its user's."""
    with tempfile.TemporaryDirectory(prefix="nvim-") as folder:  # a socket's path must be short
        path = Path(folder) / "s"
        command = [NVIM, "--headless", "--clean", "-u", "NONE", "--listen", str(path), "--cmd", READY]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline() == b"ready\n"  # blocks until Neovim is up, or has ended
            neovim = pynvim.attach("socket", path=str(path))
            yield neovim
        finally:
            process.terminate()
            process.communicate()
        with contextlib.suppress(OSError, EOFError):
            neovim.command("qall!")  # nobody is there: pynvim notices, and lets go of its socket
        neovim.close()


def edit(url, key):
    """Type, wait for ghost text, accept it: what was shown, and the line then."""
    with attached() as neovim:
        neovim.command(f"set noswapfile rtp+={PLUGIN}")
        neovim.vars["llama_config"] = {"endpoint_fim": f"{url}/infill", "api_key": key, "show_info": 0}
        neovim.command("runtime plugin/llama.vim")
        neovim.current.buffer[:] = ["def area(w, h):", "    return w * h", ""]
        neovim.current.window.cursor = (3, 0)
        neovim.input("Aprint(")
        shown = neovim.exec_lua(GHOST_TEXT, HANG_MS)
        neovim.input("<Tab>")
        return shown, neovim.exec_lua(LINE, HANG_MS)


@pytest.mark.asyncio
async def test_ghost_text_is_shown_and_accepted(live, tmp_path):
    book = KeyBook(tmp_path / "keys.json")
    key = book.create("vim")
    backend = ScriptedBackend("area(2, 3))")
    server = await live(ModelPool({Role.COMPLETE: backend, Role.CHAT: backend}), ApiOptions(keys=book))
    shown, line = await asyncio.to_thread(edit, server.url, key)
    assert shown == ["area(2, 3))"]
    assert line == "print(area(2, 3))"
