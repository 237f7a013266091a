"""What a keystroke costs with a real model: a few tokens, where the prompt is anchored."""

from statistics import median

from pylot_ls.engine.prompt_types import FimOrder
from pylot_ls.prompts.fim import FimOptions, fim_prompt
from pylot_ls.text.rope import Text

BEFORE = '''"""Shapes."""

import math


class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
'''
TYPED = "        return math.pi * self.radius ** 2"
AFTER = """

    def circumference(self):
        return 2 * math.pi * self.radius


def total_area(shapes):
    return sum(shape.area() for shape in shapes)
"""


def keystrokes(bundled, options):
    """The usage of each request while a line is typed, one character at a time."""
    model = bundled.state().info
    text, offset = Text.from_str(BEFORE + AFTER), len(BEFORE)
    yield bundled.ask(fim_prompt(text, offset, model, options, 8), 8, ("\n",)).end.usage
    for character in TYPED:
        text, offset = text.replace(offset, offset, character), offset + 1
        yield bundled.ask(fim_prompt(text, offset, model, options, 8), 8, ("\n",)).end.usage


def test_a_keystroke_in_an_anchored_prompt_evaluates_three_tokens_at_most(bundled):
    for order in FimOrder:
        first, *rest = keystrokes(bundled, FimOptions(order))
        assert first.prompt_tokens > 60
        assert max(usage.tokens_evaluated for usage in rest) <= 3
        assert all(usage.tokens_reused == usage.prompt_tokens - usage.tokens_evaluated for usage in rest)


def test_a_keystroke_in_a_plain_prompt_evaluates_the_whole_suffix(bundled):
    _, *rest = keystrokes(bundled, FimOptions(FimOrder.PSM, anchored=False))
    assert median(usage.tokens_evaluated for usage in rest) > 30


def test_a_backspace_evaluates_no_more_than_a_keystroke(bundled):
    model = bundled.state().info
    for end in range(len(TYPED), 0, -1):
        text = Text.from_str(BEFORE + TYPED[:end] + AFTER)
        prompt = fim_prompt(text, len(BEFORE) + end, model, FimOptions(FimOrder.PSM), 8)
        usage = bundled.ask(prompt, 8, ("\n",)).end.usage
        assert usage.tokens_evaluated <= 3 or end == len(TYPED)
