"""The lifecycle's table, state by state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.lsp.lifecycle import Drop, Kind, Lifecycle, Refuse, Serve, State


def running() -> Lifecycle:
    lifecycle = Lifecycle()
    lifecycle.receive(Kind.INITIALIZE)
    lifecycle.initialize_answered(succeeded=True)
    return lifecycle


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.SHUTDOWN])
def test_requests_before_initialize_are_refused_as_too_early(kind):
    lifecycle = Lifecycle()
    verdict = lifecycle.receive(kind)
    assert isinstance(verdict, Refuse)
    assert verdict.code == -32002
    assert lifecycle.state is State.CREATED


def test_notifications_before_initialize_are_dropped():
    assert isinstance(Lifecycle().receive(Kind.NOTIFICATION), Drop)


def test_until_initialize_is_answered_requests_are_too_early():
    lifecycle = Lifecycle()
    assert isinstance(lifecycle.receive(Kind.INITIALIZE), Serve)
    assert lifecycle.state is State.INITIALIZING
    verdict = lifecycle.receive(Kind.REQUEST)
    assert isinstance(verdict, Refuse)
    assert verdict.code == -32002


def test_a_second_initialize_is_an_invalid_request():
    verdict = running().receive(Kind.INITIALIZE)
    assert isinstance(verdict, Refuse)
    assert verdict.code == -32600


def test_initialize_may_be_sent_again_after_an_error():
    lifecycle = Lifecycle()
    lifecycle.receive(Kind.INITIALIZE)
    lifecycle.initialize_answered(succeeded=False)
    assert lifecycle.state is State.CREATED
    assert isinstance(lifecycle.receive(Kind.INITIALIZE), Serve)


def test_after_shutdown_requests_are_invalid_and_notifications_dropped():
    lifecycle = running()
    assert isinstance(lifecycle.receive(Kind.SHUTDOWN), Serve)
    for kind in (Kind.REQUEST, Kind.SHUTDOWN, Kind.INITIALIZE):
        verdict = lifecycle.receive(kind)
        assert isinstance(verdict, Refuse)
        assert verdict.code == -32600
    assert isinstance(lifecycle.receive(Kind.NOTIFICATION), Drop)


def test_exit_after_shutdown_is_clean():
    lifecycle = running()
    lifecycle.receive(Kind.SHUTDOWN)
    assert isinstance(lifecycle.receive(Kind.EXIT), Serve)
    assert (lifecycle.state, lifecycle.exit_code) == (State.EXITED, 0)


@given(st.lists(st.sampled_from(Kind)))
def test_in_any_order_of_messages_exit_is_heard_once_and_clean_only_after_shutdown(kinds):
    lifecycle = Lifecycle()
    seen_shutdown = False
    for kind in kinds:
        exited = lifecycle.state is State.EXITED
        verdict = lifecycle.receive(kind)
        if kind is Kind.INITIALIZE and isinstance(verdict, Serve):
            lifecycle.initialize_answered(succeeded=True)
        seen_shutdown |= kind is Kind.SHUTDOWN and isinstance(verdict, Serve)
        if kind is Kind.EXIT:
            assert isinstance(verdict, Drop if exited else Serve)
    assert lifecycle.exit_code == (0 if seen_shutdown and lifecycle.state is State.EXITED else 1)
