"""Functions and classes with their parts, in each language that has a grammar."""

import pytest
from defined import found_in
from hypothesis import given
from hypothesis import strategies as st

from pylot_ls.syntax.definitions import DefinitionKind, definition_at, definitions
from pylot_ls.syntax.grammars import LANGUAGE_IDS, grammar
from pylot_ls.syntax.parsing import parse
from pylot_ls.syntax.window import encode

FUNCTION, CLASS = DefinitionKind


def parts(source, definition):
    """Whole, signature, body and documentation as texts; the name is where it is said to be."""
    spans = (definition.whole, definition.signature, definition.body, definition.documentation)
    assert source[definition.named.start : definition.named.end] == definition.name
    return tuple(None if span is None else source[span.start : span.end] for span in spans)


def the_one(language_id, source, name, kind=FUNCTION):
    definition = found_in(language_id, source)[name]
    assert definition.kind is kind
    return parts(source, definition)


def test_a_python_function_with_all_that_belongs_to_it():
    source = 'import x\n\n@deco\ndef f(a) -> int:  # note\n    # second\n    """Doc.\n\n    More."""\n    return a\n'
    body = '"""Doc.\n\n    More."""\n    return a'
    assert the_one("python", source, "f") == (
        source[source.index("@") :].rstrip(),
        "def f(a) -> int:",
        body,
        '"""Doc.\n\n    More."""',
    )


def test_python_methods_are_functions_and_comments_above_document():
    source = "class A(B):\n    # One.\n    # Two.\n    async def m(\n        self,\n    ): return 1\n"
    assert the_one("python", source, "A", CLASS)[1] == "class A(B):"
    assert the_one("python", source, "m")[1:] == (
        "async def m(\n        self,\n    ):",
        "return 1",
        "# One.\n    # Two.",
    )


@pytest.mark.parametrize("language_id", ["javascript", "typescript"])
def test_javascript_functions_be_they_declared_or_assigned(language_id):
    source = (
        "/** Doc. */\nexport function f(a) { return a }\n"
        "// One.\n// Two.\nconst g = (x) => x + 1;\n"
        "let h = function () { return 1 };\n"
        "function* k() {}\n"
        "export default class A extends B {\n  /** M. */\n  static async m(x) { return 1 }\n  p = () => 2;\n}\n"
    )
    assert the_one(language_id, source, "f") == (
        "export function f(a) { return a }",
        "export function f(a)",
        "{ return a }",
        "/** Doc. */",
    )
    assert the_one(language_id, source, "g") == (
        "const g = (x) => x + 1;",
        "const g = (x) =>",
        "x + 1",
        "// One.\n// Two.",
    )
    assert the_one(language_id, source, "h")[1:3] == ("let h = function ()", "{ return 1 }")
    assert the_one(language_id, source, "k")[1] == "function* k()"
    assert the_one(language_id, source, "A", CLASS)[1] == "export default class A extends B"
    assert the_one(language_id, source, "m")[1:] == ("static async m(x)", "{ return 1 }", "/** M. */")
    assert the_one(language_id, source, "p")[1:3] == ("p = () =>", "2")


def test_typescript_types_and_what_has_no_body():
    source = (
        "/** I. */\nexport interface I { m(x: number): void }\nexport type T = { a: 1 };\nenum E { A }\n"
        "abstract class A { abstract n(): void }\ndeclare function q(a: number): string;\n"
    )
    assert the_one("typescript", source, "I", CLASS)[1:] == (
        "export interface I",
        "{ m(x: number): void }",
        "/** I. */",
    )
    assert the_one("typescript", source, "m")[:3] == ("m(x: number): void", "m(x: number): void", None)
    assert the_one("typescript", source, "T", CLASS)[0] == "export type T = { a: 1 };"
    assert the_one("typescript", source, "E", CLASS)[1] == "enum E"
    assert the_one("typescript", source, "n")[1:3] == ("abstract n(): void", None)
    assert the_one("typescript", source, "q")[0] == "declare function q(a: number): string;"


def test_go_types_be_they_alone_or_in_a_group():
    source = (
        "package a\n\n// F does.\nfunc F(a int) (int, error) { return a, nil }\n\n"
        "// T is.\ntype T struct { a int }\n\n"
        "type (\n\t// U is.\n\tU interface { M(x int) }\n\tV int\n)\n\n"
        "func (t *T) N() {}\n"
    )
    assert the_one("go", source, "F")[1:] == ("func F(a int) (int, error)", "{ return a, nil }", "// F does.")
    assert the_one("go", source, "T", CLASS) == ("type T struct { a int }", "type T struct", "{ a int }", "// T is.")
    assert the_one("go", source, "U", CLASS) == (
        "U interface { M(x int) }",
        "U interface",
        "{ M(x int) }",
        "// U is.",
    )
    assert the_one("go", source, "V", CLASS)[2] is None
    assert the_one("go", source, "N")[1] == "func (t *T) N()"


def test_rust_items_with_their_attributes():
    source = (
        "/// Doc.\n/// More.\n#[derive(Debug)]\npub struct S<T> { a: T }\n"
        "impl<T> S<T> {\n    /// M.\n    pub fn m(&self) -> T where T: Copy { self.a }\n}\n"
        "trait Tr { fn a(&self); }\nenum E { A }\n/** Block. */\nfn f() {}\n"
    )
    assert the_one("rust", source, "S", CLASS) == (
        "#[derive(Debug)]\npub struct S<T> { a: T }",
        "pub struct S<T>",
        "{ a: T }",
        "/// Doc.\n/// More.",
    )
    assert the_one("rust", source, "m")[1:] == ("pub fn m(&self) -> T where T: Copy", "{ self.a }", "/// M.")
    assert the_one("rust", source, "a")[1:3] == ("fn a(&self);", None)
    assert the_one("rust", source, "E", CLASS)[1] == "enum E"
    assert the_one("rust", source, "f")[3] == "/** Block. */"


def test_c_names_what_it_declares_innermost():
    source = (
        "/* Doc. */\nint *f(int a) { return 0; }\nint (*h(int a))(char) { return 0; }\n"
        "struct s { int a; };\nstruct s x;\n/* T. */\ntypedef struct { int b; } t;\nenum e { A };\n"
    )
    assert the_one("c", source, "f")[1:] == ("int *f(int a)", "{ return 0; }", "/* Doc. */")
    assert the_one("c", source, "h")[1] == "int (*h(int a))(char)"
    assert the_one("c", source, "s", CLASS)[1] == "struct s"
    assert the_one("c", source, "t", CLASS) == (
        "typedef struct { int b; } t;",
        "typedef struct",
        "{ int b; }",
        "/* T. */",
    )
    assert set(found_in("c", source)) == {"f", "h", "s", "t", "e"}


def test_cpp_templates_and_qualified_names():
    source = (
        "/// Doc.\ntemplate <class T> class A : B { public:\n"
        "  /** M. */\n  int m() const { return 1; }\n  ~A() {}\n};\n"
        "int A::n(int a) { return a; }\nbool operator==(A a, A b) { return true; }\nint &r() { }\n"
    )
    assert the_one("cpp", source, "A", CLASS)[1] == "class A : B"
    assert the_one("cpp", source, "A", CLASS)[0].startswith("template <class T>")
    assert the_one("cpp", source, "A", CLASS)[3] == "/// Doc."
    assert the_one("cpp", source, "m")[1:] == ("int m() const", "{ return 1; }", "/** M. */")
    assert the_one("cpp", source, "A::n")[1] == "int A::n(int a)"
    assert {"~A", "operator==", "r"} <= set(found_in("cpp", source))


def test_java_classes_and_their_members():
    source = (
        "/** C. */\n@Ann\npublic class A<T> extends B {\n  /** M. */\n"
        "  @Override public int m(int a) throws E { return 1; }\n  A(int x) {}\n"
        "  interface I { void y(); }\n  enum Q { Z }\n  record R(int a) {}\n}\n"
    )
    kinds = [(each.name, each.kind) for each in definitions(parse(grammar("java"), encode(source)))]
    assert kinds == [
        ("A", CLASS),
        ("m", FUNCTION),
        ("A", FUNCTION),
        ("I", CLASS),
        ("y", FUNCTION),
        ("Q", CLASS),
        ("R", CLASS),
    ]
    assert the_one("java", source, "A", CLASS)[3] == "/** C. */"
    assert the_one("java", source, "m")[1:] == (
        "@Override public int m(int a) throws E",
        "{ return 1; }",
        "/** M. */",
    )


def test_spans_count_characters_whatever_stands_before():
    source = (
        "# Привет 🙂\nclass Корзина:\n    def добавить(self, товар):\n        '''Кладёт 🙂.'''\n        return товар\n"
    )
    assert the_one("python", source, "добавить") == (
        source[source.index("def") :].rstrip(),
        "def добавить(self, товар):",
        "'''Кладёт 🙂.'''\n        return товар",
        "'''Кладёт 🙂.'''",
    )


def test_a_comment_further_up_or_behind_code_is_no_documentation():
    assert the_one("c", "/* License. */\n\nint f() { }\n", "f")[3] is None
    assert the_one("c", "int x; /* Of x. */\nint f() { }\n", "f")[3] is None


SOURCE = """import x

class A:
    # F.
    def f(self):
        def g():
            return 1
        return g

# Doc.
def h(): pass
"""


@pytest.mark.parametrize(
    ("at", "name"),
    [("return 1", "g"), ("return g", "f"), ("A:", "A"), ("# F", "f"), ("h()", "h"), ("# Doc", "h"), ("import", None)],
)
def test_the_innermost_definition_around_a_place(at, name):
    found = definition_at(parse(grammar("python"), encode(SOURCE)), SOURCE.index(at))
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("language_id", "source"),
    [
        ("python", "def f(a):\n    return a\n\ndef broken(\n"),
        ("python", "def f(a):\n    x = (1,\n\nclass B:\n    pass\n"),
        ("javascript", "function f(a) { return a }\nfunction broken(a {\n"),
        ("typescript", "function f(a: number) { return a }\nclass B { m(\n"),
        ("go", "package a\nfunc f() {}\nfunc broken(a\n"),
        ("rust", "fn f() {}\nfn broken(a: \n"),
        ("c", "int f(void) { return 0; }\nint broken(int\n"),
        ("cpp", "int f() { return 0; }\ntemplate <class\n"),
        ("java", "class A { void f() { } void broken( { }\n"),
    ],
)
def test_what_is_broken_or_unfinished_does_not_hide_what_is_whole(language_id, source):
    assert "f" in found_in(language_id, source)


def test_a_function_without_a_body_yet_has_none():
    source = "def f(a):\n\n\nx = 1\n"
    whole, signature, body, documentation = the_one("python", source, "f")
    assert (whole, signature, documentation) == ("def f(a):", "def f(a):", None)
    assert not body


def test_what_has_no_name_has_an_empty_one():
    assert the_one("c", "struct { int a; } x;\n", "", CLASS)[2] == "{ int a; }"


# Pieces from which something is nearly a definition.
pieces = st.sampled_from(
    [
        *(
            "def f(",
            "):\n",
            "    ",
            '"""',
            "class A",
            "{",
            "}",
            "// c\n",
            "/* c */\n",
            "function g() ",
            "type (",
            ")\n",
        ),
        *("struct s", "fn h()", "#[a]\n", "имя", "🙂", "const k = () => ", "template <class T>\n", "@a\n", ";\n"),
        *("interface I ", "typedef "),
    ]
)


@given(language_id=st.sampled_from(sorted(LANGUAGE_IDS)), source=st.lists(pieces, max_size=25).map("".join))
def test_whatever_the_text_parts_lie_within_each_other(language_id, source):
    for each in definitions(parse(grammar(language_id), encode(source))):
        whole = each.whole
        assert 0 <= whole.start <= each.signature.start <= each.signature.end <= whole.end <= len(source)
        assert whole.start <= each.named.start <= each.named.end <= whole.end
        assert source[each.named.start : each.named.end] == each.name
        if each.body is not None:
            assert each.signature.end <= each.body.start <= each.body.end <= whole.end
        if each.documentation is not None:
            above = each.documentation.end <= whole.start
            inside = each.body is not None and each.body.start <= each.documentation.start
            assert above or inside
