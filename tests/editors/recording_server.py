"""recording_server.py FILE COMMAND...: a server between an editor and its command, which writes down what it is asked.

Each message that the editor sends stands in FILE as a line of JSON; what goes through is not changed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

_LENGTH = re.compile(rb"Content-Length: *(\d+)", re.IGNORECASE)


def read_frame(source: IO[bytes]) -> tuple[bytes, bytes] | None:
    """The next message's header and body; None at the end."""
    header = b""
    while not header.endswith(b"\r\n\r\n"):
        line = source.readline()
        if not line:
            return None
        header += line
    length = _LENGTH.search(header)
    assert length is not None
    return header, source.read(int(length[1]))


def main(file: str, *command: str) -> None:
    """Pass messages on until the command ends, as it does when the editor closes its side."""
    with Path(file).open("a", encoding="utf-8") as record:
        server = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert server.stdin is not None
        # Whoever reads stdin cannot be told to stop: where the command has ended this process ends, too.
        threading.Thread(target=lambda: os._exit(server.wait()), daemon=True).start()
        while (frame := read_frame(sys.stdin.buffer)) is not None:
            record.write(json.dumps(json.loads(frame[1]), ensure_ascii=False) + "\n")
            record.flush()
            server.stdin.write(b"".join(frame))
            server.stdin.flush()
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
