"""Who asks by hand gets up to three different suggestions; the cursor is ``|``."""

from __future__ import annotations

import asyncio
import math

import pytest
from held_candidates import HeldCandidates
from turns import settled

from pylot_ls.engine.llama_backend import LlamaBackend
from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.engine.types import Token, Usage
from pylot_ls.errors import DecodeError
from pylot_ls.features.candidates import LEAST_LIKELY, together
from pylot_ls.features.completion import Completion, CompletionOptions, Suggestion, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

BY_HAND = CompletionOptions().by_hand()


class Probable(ScriptedBackend):
    """Gives each token of a request of a rank the same probability."""

    def __init__(self, *scripts, probabilities=(1.0, 1.0, 1.0)):
        super().__init__(scripts[0], others=scripts[1:])
        self.probabilities = probabilities
        self.ranks = {}

    def submit(self, request):
        self.ranks[request.request_id] = request.rank
        super().submit(request)

    def start(self, sink):
        def probable(event):
            if isinstance(event, Token):
                probability = self.probabilities[self.ranks[event.request_id]]
                event = Token(event.request_id, event.text, event.token_id, math.log(probability), event.usage)
            sink(event)

        super().start(probable)


async def ask(engine, marked, options=BY_HAND, language_id="python"):
    before, after = marked.split("|")
    return await complete(
        Document("file:///a", language_id, 1, Text.from_str(before + after)), len(before), engine, options
    )


def texts(completion):
    return [suggestion.text for suggestion in completion.suggestions]


@pytest.mark.parametrize(
    ("marked", "answers", "expected"),
    [
        # At the end of a line, within one, within a word,
        ("x = |\n", ("a", "b", "c"), ["a", "b", "c"]),
        ("x = f(|, c)\n", ("a", "b", "c, d"), ["a", "b", "c, d"]),
        ("x = val|\n", ("ue", "id", "ley()"), ["ue", "id", "ley()"]),
        # in a body and in a file with nothing in it,
        ("def f():\n    |\n", ("a\n    b\n\n", "c\n\n", "return d\n\n"), ["a\n    b", "c", "return d"]),
        (
            "|",
            ("import os\n", "import re\n\nx", "def f():\n    pass\n"),
            ["import os", "import re", "def f():\n    pass"],
        ),
        # in a string and in a comment.
        ("x = 'a|'\n", ("b", "c", "d"), ["b", "c", "d"]),
        ("# a|\n", (" b", " c", " d"), [" b", " c", " d"]),
        # The document's own line terminators.
        ("def f():\r\n    |\r\n", ("a\n    b\n\n", "c\n    d\n\n", ""), ["a\r\n    b", "c\r\n    d"]),
        # What is the same, but for blanks and what is cut off, is said once,
        ("x = |\n", ("f(a)", "f( a )", "f(a)\ny = 1\n"), ["f(a)"]),
        # as is the beginning of another one, unless that ends within a word.
        ("x = |\n", ("f(a, b)", "f", "f(a, bc)"), ["f(a, b)", "f(a, bc)"]),
        ("x = |\n", ("items", "item", ""), ["items", "item"]),
        # What adds errors, or holds nothing, is none.
        ("x = 1\n|\n", ("y = 2", ") + 2", "\n"), ["y = 2"]),
        # Where the first one says nothing, the others do.
        ("x = 1\n|\n", ("\n", "y = 2", "z = 3"), ["y = 2", "z = 3"]),
        ("x = |\n", ("", "", ""), []),
    ],
)
@pytest.mark.asyncio
async def test_what_is_offered(start_engine, marked, answers, expected):
    assert texts(await ask(start_engine(Probable(*answers)), marked)) == expected


@pytest.mark.asyncio
async def test_the_most_probable_token_begins_the_first_and_the_others_follow_by_confidence(start_engine):
    engine = start_engine(Probable("aa", "bb", "cc", probabilities=(0.1, 0.2, 0.6)))
    completion = await ask(engine, "x = |\n")
    assert texts(completion) == ["aa", "cc", "bb"]
    assert [each.confidence for each in completion.suggestions] == pytest.approx([0.1, 0.6, 0.2])
    assert len({each.id for each in completion.suggestions}) == 3


@pytest.mark.asyncio
async def test_what_begins_with_a_token_that_is_hardly_probable_is_not_offered(start_engine):
    engine = start_engine(Probable("aa", "bb", "cc", probabilities=(0.9, LEAST_LIKELY * 1.01, LEAST_LIKELY * 0.99)))
    assert texts(await ask(engine, "x = |\n")) == ["aa", "bb"]


@pytest.mark.asyncio
async def test_without_a_hand_there_is_one(start_engine, watched_backend):
    backend = watched_backend("aa", others=("bb", "cc"))
    engine = start_engine(backend)
    assert texts(await ask(engine, "x = |\n", CompletionOptions())) == ["aa"]
    assert len(backend.submitted) == 1
    first = await backend.asked.get()
    await ask(engine, "x = |\n")
    requests = [await backend.asked.get() for _ in range(3)]
    assert [each.rank for each in requests] == [0, 1, 2]
    # All of them of the same prompt, and as urgent, so that they share its KV and a batch.
    assert {(each.prompt, each.priority, each.heal) for each in requests} == {(first.prompt, first.priority, True)}


@pytest.mark.asyncio
async def test_nothing_is_prepared_by_hand(start_engine, watched_backend):
    backend = watched_backend("aa", others=("bb", "cc"))
    engine = start_engine(backend)
    document = Document("file:///a", "python", 1, Text.from_str("x = "))
    await complete(document, 4, engine, BY_HAND, ahead=True)
    assert len(backend.submitted) <= 1


@pytest.mark.asyncio
async def test_a_further_candidate_that_fails_spoils_none(start_engine, caplog):
    def fails(_prompt):
        raise DecodeError("no memory")

    def breaks(_prompt):
        raise KeyError("a")

    completion = await ask(start_engine(Probable("aa", fails, breaks)), "x = |\n")
    assert texts(completion) == ["aa"]
    assert completion.usage.tokens_decoded == 1
    assert "no memory" in caplog.text


@pytest.mark.asyncio
async def test_where_the_first_one_fails_there_are_no_others(start_engine):
    def fails(_prompt):
        raise DecodeError("no memory")

    with pytest.raises(DecodeError, match="no memory"):
        await ask(start_engine(Probable(fails, "bb", "cc")), "x = |\n")


@pytest.mark.asyncio
async def test_cancelling_cancels_all(start_engine):
    backend = HeldCandidates()
    asking = asyncio.ensure_future(ask(start_engine(backend), "x = |\n"))
    await backend.has_all.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await settled()
    backend.resume()
    assert {"2", "3"} <= set(backend.cancelled)


FILLER = "".join(f"value_{number} = {number}\n" for number in range(30))
# For each kind of place some, of which one is taken where the bundled model has as many suggestions as are said.
PLACES = {
    "an empty file": (1, ("|",)),
    "a word": (2, ("import o|\n", "from col|\n", "def val|\n")),
    "the end of a line": (2, ("y = value_|\n", "import |\n", "for |\n", "y = |\n", "def |\n")),
    "within a line": (
        2,
        ("print(|)\n", "y = [|]\n", "def f(|):\n    pass\n", "y = str(|)\n", "class A(|):\n    pass\n"),
    ),
}


@pytest.fixture(params=PLACES)
def place(request, start_engine, bundled_config):
    """A text and how many suggestions there are to be in it, at least."""

    async def find():
        n_least, places = PLACES[request.param]
        engine = start_engine(LlamaBackend(bundled_config))
        for marked in (FILLER * (place != "|") + place for place in places):
            if len(texts(await ask(engine, marked))) >= n_least:
                return marked, n_least
        raise AssertionError(f"the bundled model has {n_least} suggestions at none of {places}")

    return find


@pytest.mark.asyncio
async def test_a_real_model_offers_different_ones_and_evaluates_the_prompt_once(
    start_engine, bundled_config, monkeypatch, place
):
    marked, n_least = await place()
    engine = start_engine(LlamaBackend(bundled_config))
    usages = []
    receive = engine._receive

    def watch(event):
        usages.extend([event.usage] if hasattr(event, "reason") else [])
        receive(event)

    monkeypatch.setattr(engine, "_receive", watch)
    completion = await ask(engine, marked)
    await engine.close()
    assert len(set(texts(completion))) == len(texts(completion)) >= n_least
    evaluated = sorted(usage.tokens_evaluated for usage in usages)
    assert evaluated[:2] == [1, 1]
    assert evaluated[2] > 100 or marked == "|"


def offered(text, confidence=0.5):
    suggestion = Suggestion(text, text, 0, confidence) if text else None
    return Completion(suggestion, Usage(), text)


def test_the_first_stays_the_first_however_sure_the_others_are():
    found = together(offered("a", 0.1), [offered("b", 0.2), offered("c", 0.9)])
    assert texts(found) == ["a", "c", "b"]
    found = together(offered(""), [offered("b", 0.2), offered("c", 0.9)])
    assert (texts(found), found.shown) == (["c", "b"], "c")
