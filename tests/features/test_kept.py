"""How much of accepted text is still there."""

from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.features.kept import Span, n_common
from pylot_ls.text.difference import difference
from pylot_ls.text.rope import Text

PLACES = st.integers(0, 40)
pieces = st.text("ab_( \n", max_size=15)


@given(pieces, pieces, pieces)
def test_what_stands_whole_is_counted_whole(accepted, before, behind):
    assert n_common(accepted, before + accepted + behind) == len(accepted)


@given(pieces, pieces)
def test_no_more_is_kept_than_was_accepted_or_is_there(accepted, now):
    assert 0 <= n_common(accepted, now) <= min(len(accepted), len(now))


def test_words_count_whole_and_in_their_order():
    assert n_common("alpha beta", "alphabet beta") == len(" beta")
    assert n_common("first(b)", "first(c)") == len("first()")
    assert n_common("one two", "\n   \n") == 0


def test_a_place_that_grew_much_is_read_in_part():
    text = Text.from_str("x" * 10_000 + " accepted")
    assert Span("accepted", 0, len(text)).n_kept(text) == 0


@given(st.text("ab", min_size=6, max_size=20), st.lists(st.tuples(PLACES, PLACES, st.text("xy", max_size=3))))
def test_a_span_stays_inside_its_document(source, edits):
    text, span = Text.from_str(source), Span(source[2:5], 2, 5)
    for *places, new in edits:
        before, text = text, text.replace(*sorted(min(place, len(text)) for place in places), new)
        changed = difference(before, text)
        span = span.moved(changed) if changed else span
        assert 0 <= span.start <= span.end <= len(text)
