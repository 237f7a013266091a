"""A process with a model of a script: "wait" waits for ever, "crash" ends the process as native code would."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from pylot_ls.engine.manifest import Role
from pylot_ls.engine.prompt_types import TextSegment
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.serving import engine_child

# Where it is noted which texts were learnt.
LEARNT = Path(sys.argv[1])


class Backend(ScriptedBackend):
    def learn(self, text):
        with LEARNT.open("a") as file:
            file.write(f"{os.getpid()} {text.session} {text.text_id} {text.text}\n")


def script(prompt):
    text = "".join(segment.text for segment in prompt if isinstance(segment, TextSegment))
    if "wait" in text:
        threading.Event().wait()
    if "crash" in text:
        signal.raise_signal(signal.SIGSEGV)  # on this thread: another might let it answer first
    print("a stray print")
    return f"heard {text}"


if "end at once" in sys.argv:
    sys.exit(7)
backend = Backend(script)
engine_child.make_backends = lambda _settings: ({Role.COMPLETE: backend, Role.CHAT: backend}, None)
engine_child.main()
