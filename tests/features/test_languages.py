"""A text with its cursor (``|``) and what a model writes there in, what is suggested out: seven languages with braces.

What the model writes goes on behind the suggestion, as it does: with what stands behind the cursor, or with more.
"""

import pytest

from pylot_ls.engine.scripted_backend import ScriptedBackend
from pylot_ls.features.completion import CompletionOptions, complete
from pylot_ls.text.document import Document
from pylot_ls.text.rope import Text

# Several lines where nothing is there yet, indented as the file is, and an end before the bracket that follows.
BODIES = [
    (
        "javascript",
        "function f(a) {\n  |\n}\n\nf(1);\n",
        "const b = a + 1;\n  return b;\n}\n\nfunction g() {\n",
        "const b = a + 1;\n  return b;",
    ),
    (
        "javascript",
        "function f(a) {\n  |\n}\n",
        "if (a) {\n    return 1;\n  }\n  return 2;\n}\n",
        "if (a) {\n    return 1;\n  }\n  return 2;",
    ),
    ("javascript", "const f = (a) => {\n  |\n};\n", "a();\n  b();\n};\n", "a();\n  b();"),
    (
        "javascript",
        "class A {\n  constructor(x) {\n    |\n  }\n}\n",
        "this.x = x;\n    this.y = 1;\n  }\n\n  f() {",
        "this.x = x;\n    this.y = 1;",
    ),
    ("javascript", "f(function (a) {\n  |\n});\n", "b(a);\n  c(a);\n});\n", "b(a);\n  c(a);"),
    ("javascript", "x.then((a) => {\n  |\n}).catch(b);\n", "c(a);\n  d();\n}).catch(e);", "c(a);\n  d();"),
    (
        "javascript",
        "switch (a) {\n  case 1:\n    |\n  case 2:\n    b();\n}\n",
        "c();\n    break;\n  case 3:\n",
        "c();\n    break;",
    ),
    ("javascript", "export const f = () => {\n\t|\n}\n", "a();\n\tb();\n}\n", "a();\n\tb();"),
    ("javascript", "const x = {\n  a: 1,\n  |\n};\n", "b: 2,\n  c: 3,\n};", "b: 2,"),
    (
        "javascriptreact",
        "const A = () => {\n  |\n};\n",
        "const b = 1;\n  return <div>{b}</div>;\n};\n",
        "const b = 1;\n  return <div>{b}</div>;",
    ),
    ("typescript", "interface A {\n  |\n}\n", "x: number;\n  y: string;\n}\n", "x: number;\n  y: string;"),
    (
        "typescript",
        "function f(a: number): string {\n\t|\n}\n",
        "const b = a;\n    return `${b}`;\n}\n",
        "const b = a;\n\treturn `${b}`;",
    ),
    ("typescript", "enum A {\n  |\n}\n", "B = 1,\n  C = 2,\n}\n", "B = 1,\n  C = 2,"),
    (
        "go",
        "package a\n\nfunc f(x int) int {\n\t|\n}\n",
        "y := x + 1\n\treturn y\n}\n\nfunc g",
        "y := x + 1\n\treturn y",
    ),
    (
        "go",
        "package a\n\nfunc f(x int) int {\n\t|\n}\n",
        "if x > 0 {\n        return 1\n    }\n    return 0\n}\n",
        "if x > 0 {\n\t\treturn 1\n\t}\n\treturn 0",
    ),
    ("go", "package a\n\ntype A struct {\n\t|\n}\n", "X int\n\tY string\n}\n", "X int\n\tY string"),
    ("go", "package a\n\nfunc f() {\n\tif err != nil {\n\t\t|\n\t}\n}\n", "return err\n\t}\n\tx()", "return err"),
    ("go", "package a\n\nimport (\n\t|\n)\n", '"fmt"\n\t"os"\n)\n', '"fmt"\n\t"os"'),
    ("go", "package a\n\nfunc f() {\n\tgo func() {\n\t\t|\n\t}()\n}\n", "a()\n\t\tb()\n\t}()", "a()\n\t\tb()"),
    (
        "go",
        "package a\n\nfunc f() {\n\tswitch x {\n\tcase 1:\n\t\t|\n\tcase 2:\n\t}\n}\n",
        "a()\n\t\tb()\n\tcase 3:\n",
        "a()\n\t\tb()",
    ),
    ("go", "package a\n\ntype A interface {\n\t|\n}\n", "F(x int) error\n\tG()\n}\n", "F(x int) error\n\tG()"),
    ("rust", "fn f(a: u32) -> u32 {\n    |\n}\n", "let b = a + 1;\n    b * 2\n}\n\nfn g", "let b = a + 1;\n    b * 2"),
    (
        "rust",
        "impl A {\n    fn f(&self) {\n        |\n    }\n}\n",
        "self.a();\n        self.b();\n    }\n",
        "self.a();\n        self.b();",
    ),
    (
        "rust",
        "fn f() {\n    match x {\n        |\n    }\n}\n",
        "Some(a) => a,\n        None => 0,\n    }\n",
        "Some(a) => a,\n        None => 0,",
    ),
    ("rust", "struct A {\n    |\n}\n", "a: u32,\n    b: String,\n}\n", "a: u32,\n    b: String,"),
    ("rust", "enum A {\n    |\n}\n", "B(u32),\n    C { x: u8 },\n}\n", "B(u32),\n    C { x: u8 },"),
    ("c", "int f(int a) {\n    |\n}\n", "int b = a;\n    return b;\n}\n\nint g", "int b = a;\n    return b;"),
    (
        "c",
        "int f(int a)\n{\n\t|\n}\n",
        "if (a) {\n        return 1;\n    }\n    return 0;\n}\n",
        "if (a) {\n\t\treturn 1;\n\t}\n\treturn 0;",
    ),
    ("c", "struct A {\n    |\n};\n", "int x;\n    int y;\n};\n", "int x;\n    int y;"),
    (
        "c",
        "int f(void) {\n    switch (a) {\n    case 1:\n        |\n    }\n}\n",
        "b();\n        break;\n    }",
        "b();\n        break;",
    ),
    (
        "cpp",
        "class A {\npublic:\n    void f() {\n        |\n    }\n};\n",
        "a();\n        b();\n    }\n",
        "a();\n        b();",
    ),
    ("cpp", "int f() {\n  auto g = [&](int x) {\n    |\n  };\n}\n", "return x;\n  };\n", "return x;"),
    ("cpp", "namespace a {\n|\n}\n", "int f();\nint g();\n}\n", "int f();\nint g();"),
    ("cpp", "template <typename T>\nT f(T a) {\n  |\n}\n", "T b = a;\n  return b;\n}\n", "T b = a;\n  return b;"),
    ("cpp", "class A : public B {\n  |\n};\n", "int x;\n  int y;\n};", "int x;\n  int y;"),
    ("cpp", "class A {\npublic:\n    |\nprivate:\n    int x_;\n};\n", "A();\n    ~A();\nprivate:", "A();\n    ~A();"),
    ("cpp", "enum class A {\n  |\n};\n", "B,\n  C,\n};", "B,\n  C,"),
    (
        "java",
        "class A {\n    int f(int a) {\n        |\n    }\n}\n",
        "int b = a;\n        return b;\n    }\n\n    int g",
        "int b = a;\n        return b;",
    ),
    ("java", "class A {\n    |\n}\n", "int x;\n    int y;\n}\n", "int x;\n    int y;"),
    (
        "java",
        "class A {\n    void f() {\n        if (a) {\n            |\n        }\n    }\n}\n",
        "return;\n        }\n        b();",
        "return;",
    ),
    ("java", "enum A {\n    |\n}\n", "B,\n    C\n}\n", "B,\n    C"),
    (
        "java",
        "class A {\n    void f() {\n        try {\n            |\n        } catch (E e) {\n        }\n    }\n}\n",
        "a();\n            b();\n        } catch",
        "a();\n            b();",
    ),
    (
        "java",
        "class A {\n    void f() {\n        a.forEach(x -> {\n            |\n        });\n    }\n}\n",
        "b(x);\n            c(x);\n        });",
        "b(x);\n            c(x);",
    ),
    ("java", "interface A {\n    |\n}\n", "int f();\n    void g(int a);\n}\n", "int f();\n    void g(int a);"),
    (
        "java",
        "class A {\n  void f() {\n    switch (a) {\n      case 1:\n        |\n    }\n  }\n}\n",
        "b();\n        break;\n    }",
        "b();\n        break;",
    ),
    (
        "java",
        "class A {\n\tvoid f() {\n\t\t|\n\t}\n}\n",
        "int a = 1;\n        return a;\n    }\n",
        "int a = 1;\n\t\treturn a;",
    ),
]

# The rest of what is begun, in balance with what follows.
EXPRESSIONS = [
    ("javascript", "const x = a + |;\n", "b * 2;\nconst y", "b * 2"),
    ("javascript", "f(a, |);\n", "b, c);\n", "b, c"),
    ("javascript", "if (a && |) {\n  b();\n}\n", "c) {\n", "c"),
    ("javascript", "const x = [1, |];\n", "2, 3];", "2, 3"),
    ("javascript", "const o = { a: 1, | };\n", "b: 2 };\n", "b: 2"),
    ("javascript", "const s = `a ${|}`;\n", "b.c}`;", "b.c"),
    ("javascript", "items.map((x) => |);\n", "x + 1);\n", "x + 1"),
    ("javascript", "import { | } from 'a';\n", "b, c } from 'a';", "b, c"),
    ("javascript", "for (const x of |) {\n}\n", "items) {\n", "items"),
    ("javascript", "return |\n", "a\n  b", "a"),
    ("javascript", "function f() {|}\n", " return a; }\n", " return a;"),
    ("javascript", "if (a) {|}\n", " b();\n}\n", " b();"),
    ("javascript", "const x = a ? b : |;\n", "c;\nfoo", "c"),
    ("javascript", "const { a, | } = b;\n", "c, d } = b;", "c, d"),
    ("javascript", "const s = 'a|';\n", "bc';\n", "bc"),
    ("javascriptreact", "const A = () => <div className={|}>x</div>;\n", "a}>", "a"),
    ("typescript", "const m = new Map<string, |>();\n", "number>();", "number"),
    ("typescript", "function f(a: |): void {}\n", "string): void {", "string"),
    ("typescript", "type A = { a: |; };\n", "number; };", "number"),
    ("typescript", "const x = y as |;\n", "unknown as string;", "unknown as string"),
    ("go", "package a\n\nfunc f() {\n\tx := g(|)\n}\n", "a, b)\n", "a, b"),
    ("go", "package a\n\nfunc f() {\n\tfor i := 0; i < |; i++ {\n\t}\n}\n", "len(x); i++ {", "len(x)"),
    ("go", "package a\n\nvar x = map[string]int{|}\n", '"a": 1}\n', '"a": 1'),
    ("go", "package a\n\nfunc f() {\n\tx := []int{1, |}\n}\n", "2, 3}\n\ty", "2, 3"),
    ("go", "package a\n\nfunc f() {\n\tif x, ok := m[|]; ok {\n\t}\n}\n", "k]; ok {", "k"),
    ("go", "package a\n\nfunc (a *A) f(x int|) error {\n}\n", ", y string) error {", ", y string"),
    ("go", "package a\n\nfunc f() {\n\tdefer |\n}\n", "x.Close()\n\ty", "x.Close()"),
    ("rust", "fn f() {\n    let v: Vec<|> = Vec::new();\n}\n", "u32> = Vec", "u32"),
    ("rust", 'fn f() {\n    println!("{}", |);\n}\n', "a.b());\n", "a.b()"),
    ("rust", "fn f<'a>(x: &'a |) {}\n", "str) {", "str"),
    ("rust", "fn f() {\n    let x = if a { b } else { | };\n}\n", "c };\n", "c"),
    ("rust", "fn f(a: &|) {}\n", "str) {}", "str"),
    ("rust", "fn f() -> Result<|> {\n}\n", "(), E> {", "(), E"),
    ("rust", "#[derive(|)]\nstruct A;\n", "Debug, Clone)]\n", "Debug, Clone"),
    ("rust", "fn f() {\n    if let Some(a) = | {\n    }\n}\n", "b() {", "b()"),
    ("rust", "fn f() {\n    for i in 0..| {\n    }\n}\n", "n {\n", "n"),
    ("rust", "use a::{|};\n", "b, c};", "b, c"),
    ("c", "int f(void) {\n    int x = g(|);\n}\n", "a, b);\n", "a, b"),
    ("c", "int f(void) {\n    for (int i = 0; i < |; i++) {\n    }\n}\n", "n; i++) {", "n"),
    ("c", "int a[] = { | };\n", "1, 2 };", "1, 2"),
    ("c", "#include <|>\n", "stdio.h>\n#include", "stdio.h"),
    ("c", "int f(void) {\n    if (a && |) {\n    }\n}\n", "b) {", "b"),
    ("c", "struct A a = { .x = | };\n", "1, .y = 2 };", "1, .y = 2"),
    ("c", 'int f(void) {\n    printf("%d\\n", |);\n}\n', "a);\n", "a"),
    ("c", "int f(int a, |)\n{\n}\n", "int b)\n{", "int b"),
    ("c", "while (|) {\n}\n", "a < b) {", "a < b"),
    ("c", "int *p = &a[|];\n", "i];\n", "i"),
    ("cpp", "int f() {\n  std::vector<|> v;\n}\n", "int> v;", "int"),
    ("cpp", "int f() {\n  std::cout << | << std::endl;\n}\n", "a << b << std::endl;", "a << b"),
    ("cpp", "A::A(int x) : x_(|) {\n}\n", "x) {", "x"),
    ("cpp", "int f() {\n  return std::max<|>(a, b);\n}\n", "int>(a, b);", "int"),
    ("cpp", "int f() {\n  for (const auto& x : |) {\n  }\n}\n", "xs) {", "xs"),
    ("cpp", "int f() {\n  auto x = std::make_unique<A>(|);\n}\n", "b, c);\n", "b, c"),
    (
        "cpp",
        "int f() {\n  std::sort(a.begin(), a.end(), [](int x, int y) { | });\n}\n",
        "return x < y; });",
        "return x < y;",
    ),
    ("java", "class A {\n    void f() {\n        System.out.println(|);\n    }\n}\n", "a + b);\n", "a + b"),
    (
        "java",
        "class A {\n    void f() {\n        List<|> x = new ArrayList<>();\n    }\n}\n",
        "String> x = new ArrayList<>();",
        "String",
    ),
    ("java", "class A {\n    void f() {\n        for (int x : |) {\n        }\n    }\n}\n", "xs) {", "xs"),
    ("java", "class A {\n    int f(String a, |) {\n    }\n}\n", "int b) {", "int b"),
    ("java", 'class A {\n    void f() {\n        throw new E("a" + |);\n    }\n}\n', "b);\n    }", "b"),
    ("java", "@A(|)\nclass B {}\n", "value = 1)\n", "value = 1"),
]

COMMENTS = [
    ("javascript", "// do |\nlet x;\n", "this\nfoo();", "this"),
    ("javascript", "/**\n * |\n */\nfunction f() {}\n", "It does.\n * @param", "It does."),
    ("go", "package a\n\n// f does |\nfunc f() {}\n", "this.\nfunc", "this."),
    ("rust", "/// |\nfn f() {}\n", "It does.\n/// b", "It does."),
    ("c", "/* |\n */\nint x;\n", "It does.\n * b", "It does."),
    ("java", "class A {\n    /**\n     * |\n     */\n    int f;\n}\n", "It does.\n     *", "It does."),
]


@pytest.fixture
def suggest(start_engine):
    async def suggest(language_id, marked, answer):
        before, after = marked.split("|")
        document = Document("file:///a", language_id, 1, Text.from_str(before + after))
        engine = start_engine(ScriptedBackend(answer))
        suggestion = (await complete(document, len(before), engine, CompletionOptions())).suggestion
        return suggestion and suggestion.text

    return suggest


@pytest.mark.parametrize(("language_id", "marked", "answer", "expected"), BODIES)
@pytest.mark.asyncio
async def test_a_body(suggest, language_id, marked, answer, expected):
    assert await suggest(language_id, marked, answer) == expected


@pytest.mark.parametrize(("language_id", "marked", "answer", "expected"), EXPRESSIONS)
@pytest.mark.asyncio
async def test_the_middle_of_an_expression(suggest, language_id, marked, answer, expected):
    assert await suggest(language_id, marked, answer) == expected


@pytest.mark.parametrize(("language_id", "marked", "answer", "expected"), COMMENTS)
@pytest.mark.asyncio
async def test_a_comment(suggest, language_id, marked, answer, expected):
    assert await suggest(language_id, marked, answer) == expected
