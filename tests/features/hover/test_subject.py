"""What a name stands for, as far as the text around tells."""

import asyncio

import pytest

from pylot_ls.features.hover.stated import stated
from pylot_ls.features.hover.subject import subject_at
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

PYTHON = """
def run(path): pass

class First:
    def run(self): self.stop()
    def stop(self): run(1)

class Second:
    def run(self): First.stop(x)
    def halt(self): self.run()
    def only(self): other.run(); other.only(); unknown()

def make():
    def run(inner): pass
    return run
"""


def signature(source, at, language_id):
    document = Document("file:///a", language_id, 1, Text.from_str(source))
    subject = asyncio.run(subject_at(document, source.index(at)))
    assert subject is not None
    return None if subject.definition is None else stated(document.text, subject.definition).signature


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("run(path)", "def run(path):"),
        ("run(self): self", "def run(self):"),
        ("run(1)", "def run(path):"),
        ("stop()", "def stop(self):"),
        ("stop(x)", "def stop(self):"),
        ("run()\n", "def run(self):"),
        ("run(); other", None),
        ("only();", "def only(self):"),
        ("unknown", None),
        ("run\n", "def run(inner):"),
        ("First.", "class First:"),
        ("x)", None),
    ],
)
def test_the_definition_of_a_name_in_python(at, expected):
    assert signature(PYTHON, at, "python") == expected


def test_a_method_of_the_class_around_is_preferred_to_one_of_another_class():
    source = "class A:\n    def m(self, a): pass\n\nclass B:\n    def m(self, b): pass\n    def n(self): self.m(1)\n"
    assert signature(source, "m(1)", "python") == "def m(self, b):"


@pytest.mark.parametrize(
    ("language_id", "source", "at", "expected"),
    [
        ("javascript", "class A { m(a) { } n() { this.m(1) } }", "m(1)", "m(a)"),
        ("typescript", "const f = (a: number) => a;\nf(1);", "f(1)", "const f = (a: number) =>"),
        ("java", "class A { int m(int a) { return m(1); } }", "m(1)", "int m(int a)"),
        ("go", "package a\nfunc (t *T) M(a int) {}\nfunc f() { t.M(1) }", "f()", "func f()"),
        ("rust", "struct S;\nimpl S { fn m(&self) {} fn n(&self) { self.m() } }", "m() }", "fn m(&self)"),
        ("c", "int f(int a) { return 0; }\nint g(void) { return f(1); }", "f(1)", "int f(int a)"),
        ("cpp", "int A::f(int a) { return 0; }\nint g() { return x.g() + f(1); }", "f(1)", "int A::f(int a)"),
        ("python", "def имя(число):\n    pass\n\nимя(1)\n", "имя(1)", "def имя(число):"),
    ],
)
def test_the_definition_of_a_name_in_other_languages(language_id, source, at, expected):
    assert signature(source, at, language_id) == expected


def test_a_method_is_found_where_its_class_begins_further_up_than_is_parsed():
    methods = "".join(f"    def m{n}(self):\n        self.m{n - 1}()\n\n" for n in range(2000))
    assert signature("class A:\n" + methods, "m1200()", "python") == "def m1200(self):"


def test_thousands_of_definitions_of_one_name_are_no_matter():
    source = "class A { " + "m() {} " * 4000 + "}"
    assert signature(source.replace(" m() {} ", "\nm() {} ", 1000), "m()", "javascript") == "m()"


def test_a_long_signature_is_cut_and_an_indented_one_is_not_indented():
    source = (
        "class A:\n    def f(\n        self,\n"
        + "".join(f"        a{n},\n" for n in range(50))
        + "    ):\n        pass\n"
    )
    shown = signature(source, "f(", "python").split("\n")
    assert shown[:3] == ["def f(", "    self,", "    a0,"]
    assert (len(shown), shown[-1]) == (13, "…")


@pytest.mark.parametrize("source", ["def f(a):\n    return f(\n", "class A:\n  def f(self):\n    self.f("])
def test_in_unfinished_code_a_name_finds_its_definition(source):
    start = source.rindex("f", 0, len(source) - 1)
    document = Document("file:///a", "python", 1, Text.from_str(source))
    subject = asyncio.run(subject_at(document, start))
    assert subject is not None
    assert subject.definition is not None
