"""Answers like llama-server, or like llama-bench with ``-o json``; writes what it was asked into a file.

usage: fake_peer.py LOG ARGUMENTS OF THE REAL PROGRAM ...
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

LOG, *ARGUMENTS = sys.argv[1:]
OPTIONS = dict(zip(ARGUMENTS[::2], ARGUMENTS[1::2], strict=True))
TIMINGS = {"prompt_n": 253, "prompt_ms": 40.0, "predicted_n": 8}


def log(entry):
    with Path(LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


class Handler(BaseHTTPRequestHandler):
    n_health = 0

    def do_GET(self):
        Handler.n_health += 1
        # The first answer of a server that still loads.
        self.answer(503 if Handler.n_health == 1 else 200, {"path": self.path})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        log({"path": self.path, "body": body})
        if self.path == "/v1/completions":
            self.answer(200, {"usage": {"completion_tokens": body["max_tokens"]}})
        elif body["n_predict"] == 13:
            self.answer(400, {"error": {"message": "an unlucky number"}})
        elif body["n_predict"] == 14:
            self.answer(200, {"content": "no timings"})
        elif body["stream"]:
            self.tell({"content": "x"}, {"content": "", "timings": TIMINGS})
        else:
            self.answer(200, {"content": "x", "timings": TIMINGS})

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def tell(self, *values):
        self.send_response(200)
        self.end_headers()
        for value in values:
            self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())

    def log_message(self, *_args):
        pass


log({"arguments": OPTIONS, "pid": os.getpid()})
if OPTIONS.get("-o") == "json":
    print(json.dumps([{"n_gen": int(OPTIONS["-n"]), "avg_ts": 21.5}]))
elif OPTIONS["-c"] == "99":
    sys.exit("no context of 99")
else:
    HTTPServer((OPTIONS["--host"], int(OPTIONS["--port"])), Handler).serve_forever()
