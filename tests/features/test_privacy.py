from __future__ import annotations

import pytest

from pylot_ls.features.privacy import may_be_kept


@pytest.mark.parametrize("uri", ["file:///a/app.py", "file:///a/environment.py", "file:///C%3A/a/key.go"])
def test_ordinary_files_may_be_kept(uri):
    assert may_be_kept(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///a/.env",
        "file:///a/.env.local",
        "file:///a/%2Eenv",
        "file:///a/server.PEM",
        "file:///home/ann/.ssh/id_rsa",
        "file:///a/credentials.json",
        "untitled:Untitled-1",
        "vscode-notebook-cell:/a.ipynb#x",
        "",
    ],
)
def test_secrets_and_what_is_no_file_leave_no_trace(uri):
    assert not may_be_kept(uri)
