"""Fill-in-the-middle prompts: their order, their anchor, and room for them in every context."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pylot_ls.engine.prompt_types import FimOrder, Marker, MarkerSegment, TextSegment
from pylot_ls.engine.rendering import PromptRenderer
from pylot_ls.engine.scripted_backend import SCRIPTED_MODEL
from pylot_ls.errors import ModelUnsupportedError
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.prompts.layout import _MOST_SUFFIX_TOKENS, Layout
from pylot_ls.text.rope import Text

PLAIN = FimOptions(anchored=False)
ANCHORED = FimOptions()
CODE = Text.from_str("import os\n\ndef f(a):\n    return a + 1\n\nprint(f(2))\n")
IN_RETURN = str(CODE).index("a + 1")

# Lines of code, and lines whose characters take several tokens each.
documents = st.lists(st.text("ab =():\t😀漢", max_size=30) | st.text(max_size=300), max_size=60).map("\n".join)


def parts(prompt):
    """Markers by name, texts as they are."""
    return [part.marker.value if isinstance(part, MarkerSegment) else part.text for part in prompt]


def ask(text, offset, options=ANCHORED, model=SCRIPTED_MODEL, max_tokens=64):
    return fim_prompt(text, offset, model, options, max_tokens)


def test_psm_has_the_prefix_first():
    assert parts(ask(CODE, IN_RETURN, FimOptions(FimOrder.PSM, anchored=False))) == [
        "bos",
        "fim_prefix",
        "import os\n\ndef f(a):\n    return ",
        "fim_suffix",
        "a + 1\n\nprint(f(2))\n",
        "fim_middle",
        "",
    ]


def test_spm_has_the_suffix_first():
    assert parts(ask(CODE, IN_RETURN, FimOptions(FimOrder.SPM, anchored=False))) == [
        "bos",
        "fim_suffix",
        "a + 1\n\nprint(f(2))\n",
        "fim_prefix",
        "import os\n\ndef f(a):\n    return ",
        "fim_middle",
        "",
    ]


def test_anchored_what_was_typed_in_the_line_stands_after_the_middle_token():
    assert parts(ask(CODE, IN_RETURN)) == [
        "bos",
        "fim_prefix",
        "import os\n\ndef f(a):\n",
        "fim_suffix",
        "a + 1\n\nprint(f(2))\n",
        "fim_middle",
        "    return ",
    ]


def test_the_order_is_the_models_unless_chosen():
    model = replace(SCRIPTED_MODEL, fim_orders=(FimOrder.SPM, FimOrder.PSM))
    assert parts(ask(CODE, 5, model=model))[1] == "fim_suffix"
    assert parts(ask(CODE, 5, FimOptions(FimOrder.PSM), model))[1] == "fim_prefix"


def test_a_model_without_fim_tokens_is_refused_by_name():
    with pytest.raises(ModelUnsupportedError, match="the model scripted has no fill-in-the-middle tokens"):
        ask(CODE, 0, model=replace(SCRIPTED_MODEL, fim=None))


@pytest.mark.parametrize("n_ctx", [1, 64, 100])
def test_a_context_without_room_for_a_prompt_is_refused(n_ctx):
    with pytest.raises(ModelUnsupportedError, match=r"lower completion\.max_tokens or raise model\.n_ctx"):
        ask(CODE, 0, model=replace(SCRIPTED_MODEL, n_ctx=n_ctx))


@given(documents, st.integers(0, 10**6), st.sampled_from("abc ().x"), st.sampled_from(FimOrder))
def test_a_character_typed_at_a_lines_end_changes_the_last_segment_only(content, number, character, order):
    text = Text.from_str(content)
    offset = text.line_end(number % text.n_lines)
    assume(offset - text.line_start(text.line_of(offset)) < 400)
    options = FimOptions(order)
    before = ask(text, offset, options)
    after = ask(text.replace(offset, offset, character), offset + 1, options)
    assert after[:-1] == before[:-1]
    assert after[-1] == replace(before[-1], text=before[-1].text + character)


@given(documents, st.integers(0, 10**6), st.sampled_from([ANCHORED, PLAIN]))
def test_the_prompt_holds_the_text_around_the_cursor(content, number, options):
    text = Text.from_str(content.replace("\r", ""))
    offset = number % (len(text) + 1)
    _, _, prefix, _, suffix, _, middle = ask(text, offset, options)
    assert str(text)[:offset].endswith(prefix.text + middle.text)
    assert str(text)[offset:].startswith(suffix.text)


@given(
    documents,
    st.integers(0, 10**6),
    st.tuples(st.integers(200, 4096), st.integers(1, 100)),
    st.builds(FimOptions, order=st.sampled_from(FimOrder), anchored=st.booleans(), prefix_share=st.floats(0.3, 0.7)),
)
def test_a_prompt_and_what_is_to_be_decoded_always_fit_the_context(bundled, content, number, limits, options):
    n_ctx, max_tokens = limits
    info = replace(bundled.state().info, n_ctx=n_ctx)
    text = Text.from_str(content)
    prompt = ask(text, number % (len(text) + 1), options, info, max_tokens)
    model = bundled.backend._loaded.model
    # As if it had a BOS, too.
    tokens = PromptRenderer(model.tokenize, {**model.markers(), Marker.BOS: 0}).render(prompt)
    assert len(tokens) + max_tokens <= n_ctx
    most = sum(part.max_tokens if isinstance(part, TextSegment) else 1 for part in prompt)
    # Nothing is left, but where the text after the hole does not take its share of a large context.
    suffix = prompt[prompt.index(MarkerSegment(Marker.FIM_SUFFIX)) + 1]
    assert most + max_tokens == n_ctx or (suffix.max_tokens == _MOST_SUFFIX_TOKENS and most + max_tokens < n_ctx)


def test_of_a_long_document_the_text_next_to_the_cursor_stays():
    text = Text.from_str("".join(f"line {n}\n" for n in range(2000)))
    prompt = ask(text, str(text).index("line 1000\n"))
    markers = dict.fromkeys(Marker, ord("|"))
    shown = "".join(map(chr, PromptRenderer(lambda piece: tuple(map(ord, piece)), markers).render(prompt)))
    _, before, after, middle = shown.removeprefix("|").split("|")
    assert before.endswith("line 998\nline 999\n")
    assert after.startswith("line 1000\nline 1001\n")
    assert middle == ""


@pytest.mark.parametrize("n_ctx", [256, 512, 4096])
def test_in_a_very_long_line_the_anchor_rests_for_a_stretch(n_ctx):
    model = replace(SCRIPTED_MODEL, n_ctx=n_ctx)
    text = Text.from_str("a = 1\n" + "b = " * 1000)
    stretch = Layout.of(model, ANCHORED, 64).long_characters
    begin = len("a = 1\n") + 2 * stretch
    prompts = [ask(text, offset, model=model) for offset in range(begin + 1, begin + stretch + 1)]
    assert {prompt[2].text[-12:] for prompt in prompts} == {str(text)[begin - 12 : begin]}
    assert [len(prompt[-1].text) for prompt in prompts] == list(range(1, stretch + 1))


def test_where_characters_take_many_tokens_less_of_a_long_line_stands_in_the_middle():
    text = Text.from_str("😀" * 1000)
    for offset in range(0, 1000, 7):
        *_, middle = ask(text, offset)
        assert len(middle.text.encode()) <= middle.max_tokens


@pytest.mark.parametrize("n_ctx", [256, 512, 4096])
def test_what_was_typed_is_never_cut_as_long_as_its_tokens_have_two_characters(n_ctx):
    line = Text.from_str("b = " * 1000)
    for offset in range(500):
        *_, middle = ask(line, offset, model=replace(SCRIPTED_MODEL, n_ctx=n_ctx))
        assert len(middle.text) <= 2 * middle.max_tokens


def test_the_limits_do_not_follow_the_typing():
    text = Text.from_str("x" * 300)
    limits = {
        tuple(part.max_tokens for part in ask(text, offset) if isinstance(part, TextSegment)) for offset in range(300)
    }
    assert len(limits) == 1
