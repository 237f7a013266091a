"""What is recorded of a document's anchors comes back as it was, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import Shelf

from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.features.anchor_records import AnchorRecords, decode, encode, those_that_fit
from pylot_ls.features.anchors import LastPrompt
from pylot_ls.prompts.anchor import Anchor
from pylot_ls.prompts.layout import Layout
from pylot_ls.text.rope import Text

URI = "file:///project/a.py"
COUNTS = st.integers(0, 10**9)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates, too
LAYOUTS = st.builds(Layout, st.sampled_from(FimOrder), COUNTS, COUNTS, COUNTS)
ANCHORS = st.builds(Anchor, LAYOUTS, TEXTS, st.booleans(), TEXTS, TEXTS, st.booleans(), COUNTS)
PROMPTS = st.builds(lambda anchor, n: LastPrompt(anchor, anchor.offset + n), ANCHORS, COUNTS)

LAYOUT = Layout(FimOrder.PSM, 200, 100, 100)
LINES = "".join(f"line_{n} = {n}\n" for n in range(30))


def prompt_in(text, offset, cursor):
    return LastPrompt(Anchor.at(Text.from_str(text), offset, cursor, LAYOUT), cursor)


@given(st.lists(PROMPTS, max_size=3).map(tuple))
def test_a_record_comes_back_as_it_was(prompts):
    read = decode(encode(prompts))
    assert read == prompts
    # An anchor's equality does not count its offset.
    assert [each.anchor.offset for each in read] == [each.anchor.offset for each in prompts]


@given(st.lists(PROMPTS, min_size=1, max_size=2).map(tuple), st.data())
def test_a_record_with_another_byte_is_none_or_one_of_the_same_form(prompts, data):
    value = bytearray(encode(prompts))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    for prompt in decode(bytes(value)):
        assert isinstance(prompt, LastPrompt)
        assert prompt.cursor >= prompt.anchor.offset >= 0


def altered(**changes):
    (plain,) = json.loads(encode([prompt_in(LINES, 130, 140)]))
    return json.dumps([{**plain, **changes}], separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x80\x04K\x01.",
        b"null",
        b"{}",
        b"[1]",
        b"[{}]",
        b"[" * 100_000,
        b"[" + b" " * 2**20 + b"]",
        altered(order="sideways"),
        altered(n_prefix=-1),
        altered(n_prefix=True),
        altered(n_suffix=1.5),
        altered(prefix=None),
        altered(has_gap=1),
        altered(cursor=129),
        altered(more="than there is"),
    ],
)
def test_what_is_no_record_is_a_miss(value):
    assert decode(value) == ()
    assert decode(altered()) != ()


@pytest.mark.asyncio
async def test_a_record_outlives_the_server_and_belongs_to_its_document():
    shelf = Shelf()
    prompts = (prompt_in(LINES, 130, 140),)
    AnchorRecords(shelf).write(URI, prompts)
    later = AnchorRecords(shelf.restarted())
    assert await later.read(URI) == prompts
    assert await later.read("file:///project/b.py") == ()
    assert await AnchorRecords().read(URI) == ()


@pytest.mark.asyncio
async def test_the_last_record_counts_and_an_equal_one_is_not_written_again():
    shelf = Shelf()
    records = AnchorRecords(shelf)
    for cursor in (140, 150, 150):
        shelf.disk.clear()
        records.write(URI, (prompt_in(LINES, 130, cursor),))
    assert not shelf.disk
    records.write(URI, (prompt_in(LINES, 130, 140),))
    (read,) = await AnchorRecords(shelf.restarted()).read(URI)
    assert read.cursor == 140


def test_a_record_is_bounded():
    shelf = Shelf()
    huge = Layout(FimOrder.PSM, 10**6, 10**6, 100)
    text = Text.from_str("x = 1\n" * 200_000)
    AnchorRecords(shelf).write(URI, (LastPrompt(Anchor.at(text, 600_000, 600_000, huge), 600_000),))
    assert not shelf.disk


@pytest.mark.parametrize(
    ("edit", "fits"),
    [
        (lambda text: text, True),
        (lambda text: text.replace("line_10 = 10\n", "line_10 = 99\n"), True),  # in the hole
        (lambda text: text.replace("line_3 = 3\n", ""), False),  # close above
        (lambda text: text.replace("line_14 = 14\n", "other = 0\n"), False),  # close below
        (lambda text: text[:100], False),
        (lambda _text: "", False),
    ],
)
def test_only_an_anchor_that_still_stands_is_recalled(edit, fits):
    offset = LINES.index("line_9")
    cursor = LINES.index("line_12")
    prompt = prompt_in(LINES, offset, cursor)
    assert bool(those_that_fit([prompt], Text.from_str(edit(LINES)))) == fits
