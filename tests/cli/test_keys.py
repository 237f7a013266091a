"""Keys for the API: made, listed and revoked on the command line."""

from __future__ import annotations

import json


def test_a_key_is_made_listed_and_revoked(pylot_inside):
    assert "there are no keys" in pylot_inside("keys", "list").stdout
    key = pylot_inside("keys", "create", "me", "--for-editors").stdout.strip()
    other = json.loads(pylot_inside("keys", "create", "colleague", "--most-running", "2", "--json").stdout)
    assert other["key"] != key
    listed = json.loads(pylot_inside("keys", "list", "--json").stdout)
    assert [(each["name"], each["for_editors"], each["most_running"]) for each in listed] == [
        ("me", True, None),
        ("colleague", False, 2),
    ]
    said = pylot_inside("keys", "list").stdout
    assert "me, made" in said
    assert key not in said
    assert pylot_inside("keys", "revoke", "me").returncode == 0
    assert [each["name"] for each in json.loads(pylot_inside("keys", "list", "--json").stdout)] == ["colleague"]


def test_what_cannot_be_done_is_said(pylot_inside):
    done = pylot_inside("keys", "revoke", "nobody")
    assert done.returncode == 1
    assert "there is no key named nobody" in done.stderr
    assert pylot_inside("keys", "create", "a b").returncode == 1
