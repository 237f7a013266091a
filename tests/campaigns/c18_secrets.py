"""Secrets in a workspace, worked on as any other text, and then looked for in all that is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign import Campaign, Trial
from served import HANG_S, Process, editing, encoded, opening, place

from pylot_ls.kvcache.folder import value_files

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where secrets lie; a number takes the place of {}.
_PLACES = (
    ".env", ".env.local", "deploy-{}.env", "server-{}.pem", "id_rsa_{}", "aws-credentials-{}.json", "my_secrets_{}.py",
    "private/notes-{}.py", "build/out-{}.py", ".netrc", "key-{}.p12", "vault/local_{}.py", "excluded_{}.py",
)  # fmt: skip
_ENVIRONMENT = {"PYLOT_LS_COMPLETION_CONFIDENCE": "0", "PYLOT_LS_COMPLETION_TIME_BUDGET_MS": "0"}
_ORDINARY = "ordinary_marker_of_the_campaign"


def project(root: Path) -> Path:
    """A repository whose rules leave some of it out."""
    for name in (".git/info", "private", "build", "vault"):
        (root / name).mkdir(parents=True)
    (root / ".gitignore").write_text("private/\nbuild/\n")
    (root / ".pylotignore").write_text("vault/*\n")
    (root / ".git" / "info" / "exclude").write_text("excluded_*\n")
    return root


def text_around(secret: str) -> str:
    """More than one block of tokens, so that there is something to be kept."""
    lines = (f"    setting_{n} = compute({n}, other_{n})\n" for n in range(60))
    return f'"""Settings."""\n\nPASSWORD = "{secret}"\n\n\ndef load():\n{"".join(lines)}    return PASSWORD\n'


def messages(uri: str, text: str, secret: str, name: str) -> Iterator[bytes]:
    """What an editor sends while somebody works on a text, and some that no editor should send."""
    line = text.count("\n") - 2
    yield encoded(method="textDocument/didOpen", params=opening(text, uri))
    yield encoded(method="textDocument/didChange", params=editing(2, f"    again = '{secret}'\n", (line, 0), uri))
    asked: dict[str, Any] = place(line + 1, 4, uri)
    yield encoded(id=name, method="textDocument/inlineCompletion", params={**asked, "context": {"triggerKind": 2}})
    yield encoded(id=f"{name} hover", method="textDocument/hover", params=place(5, 5, uri))
    yield encoded(method="textDocument/didChange", params={"textDocument": {"uri": uri}, "contentChanges": secret})
    yield encoded(id=f"{name} wrong", method="textDocument/hover", params={"textDocument": secret, "position": secret})
    yield encoded(id=f"{name} none", method=f"none/{'such'}", params=secret)
    yield b"Content-Length: 50\r\n\r\n" + b'{"text": "' + secret.encode() + b'", broken'.ljust(40)


def work(trial: Trial, documents: dict[str, tuple[str, str]]) -> str:
    """Work on documents (a secret and a text by URI) until a server has ended; what it has logged."""
    process = Process(environment=_ENVIRONMENT)
    try:
        process.initialize()
        for number, (uri, (secret, text)) in enumerate(documents.items()):
            for data in messages(uri, text, secret, f"r{number}"):
                process.send(data)
            answer = process.answer(f"r{number}", HANG_S)
            trial.check(answer is not None and "result" in answer, "unanswered", uri)
            process.send(encoded(method="textDocument/didClose", params={"textDocument": {"uri": uri}}))
        process.send(encoded(id="last", method="shutdown"))
        process.send(encoded(method="exit"))
        return process.end()[1]
    finally:
        process.kill()


def report(trial: Trial) -> str:
    """All that ``doctor`` packs for somebody else to read."""
    path = trial.folder / "report.zip"
    command = (sys.executable, "-m", "pylot_ls", "doctor", "--scripted", "--bundle", str(path))
    subprocess.run(command, capture_output=True, check=False)
    with zipfile.ZipFile(path) as packed:
        return "".join(packed.read(name).decode() for name in packed.namelist())


def left_behind() -> dict[Path, bytes]:
    """All files that the server may write to."""
    places = (Path(os.environ[f"XDG_{name}_HOME"]) for name in ("CONFIG", "STATE", "CACHE"))
    return {file: file.read_bytes() for place_ in places for file in place_.rglob("*") if file.is_file()}


def kept() -> int:
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "pylot-ls" / "kv"
    return len(value_files(folder))


def run(trial: Trial) -> None:
    root = project(trial.folder / "project")
    secrets = [f"hunter{trial.rng.getrandbits(64):016x}" for _ in range(trial.size)]
    paths = [root / _PLACES[number % len(_PLACES)].format(number) for number in range(trial.size)]
    documents = {f"{path.as_uri()}": (secret, text_around(secret)) for path, secret in zip(paths, secrets, strict=True)}
    # Names without a number in them come again, as a document that is no file.
    for number, secret in enumerate(secrets):
        if all(secret != each for each, _ in documents.values()):
            documents[f"untitled:Untitled-{number}"] = secret, text_around(secret)
    log = trial.folder / "server.log"
    trial.patch.setenv("PYLOT_LS_LOG_FILE", str(log))
    logged = work(trial, documents) + log.read_text()
    reported = report(trial)
    trial.check(
        "WARNING" in logged and "WARNING" in reported, "nothing logged at all", "broken messages left no warning"
    )
    trial.count("snapshots of secrets", kept())
    files = left_behind()
    for secret in secrets:
        forms = [secret.encode(codec) for codec in ("utf-8", "utf-16-le")]
        trial.check(secret not in logged, "in logs", next((line for line in logged.splitlines() if secret in line), ""))
        trial.check(secret not in reported, "in bundles", secret)
        found = [str(file) for file, content in files.items() if any(form in content for form in forms)]
        trial.check(not found, "in files", found)
        trial.count("secrets")
    # Else nothing might have been kept for another reason.
    work(trial, {(root / "ordinary.py").as_uri(): (_ORDINARY, text_around(_ORDINARY))})
    trial.check(kept() > 0, "nothing kept at all", "an ordinary document left nothing on disk")


def plant(patch) -> None:
    """Every document may be kept."""
    patch.setattr(
        Process,
        "prelude",
        "from pylot_ls.features.privacy import Privacy; Privacy.may_be_kept = lambda _self, _uri: True",
    )


CAMPAIGN = Campaign(
    number=18,
    title="planted secrets in a workspace",
    goal="0 in snapshots, logs, bundles and other files",
    unit="secrets",
    short=7,
    full=50,
    run=run,
    plant=plant,
    faults=(
        "snapshots of secrets",
        "in logs",
        "in bundles",
        "in files",
        "unanswered",
        "nothing logged at all",
        "nothing kept at all",
    ),
)
