"""Documents that nobody would write, and that are opened all the same: text, language, and places to ask at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BadDocument:
    """A text with places (line and column, from 0) at which a suggestion is asked for."""

    text: str
    language: str
    places: tuple[tuple[int, int], ...]


_BINARY = "".join(map(chr, range(256))) * 8
_MINIFIED = "!function(e,t){for(var n=0;n<t.length;n++)e[t[n]]={a:function(){return n}}}(window,['b','c']);"
_LONG = "x" * 5_000_000

BAD_DOCUMENTS = {
    "binary": BadDocument(f"\x7fELF\0\0{_BINARY}\n\0\0\n", "plaintext", ((0, 0), (0, 5), (1, 0), (9, 2))),
    "minified": BadDocument(_MINIFIED * 2000, "javascript", ((0, 0), (0, 90_000), (0, 10**6))),
    "minified, one screen": BadDocument(_MINIFIED * 40, "javascript", ((0, 0), (0, 1777), (0, 10**6))),
    "one line of 5 MB": BadDocument(_LONG, "python", ((0, 0), (0, 2_500_000), (0, 5_000_000))),
    "beside a line of 5 MB": BadDocument(f"a = 1\nb = '{_LONG}'\nc = \n", "python", ((0, 5), (1, 9), (2, 4), (3, 0))),
    "mixed line endings": BadDocument(
        "def f():\r\n    a = 1\n    b = 2\r    \r\n\nx = \r\n\r",
        "python",
        ((0, 8), (1, 4), (3, 4), (4, 0), (5, 4), (7, 0)),
    ),
    "tabs and spaces": BadDocument(
        "def f():\n\tif a:\n        b\n    \tc\n \t \td = \n\t    \n", "python", ((2, 9), (3, 6), (4, 8), (5, 5))
    ),
    "unfinished Python": BadDocument(
        'def f(\n    if (x[{\'a\nclass :\n  """do\nfor in while ==\n@\n',
        "python",
        ((0, 6), (1, 14), (3, 7), (5, 1), (6, 0)),
    ),
    "unfinished JavaScript": BadDocument(
        "function (a { if [`${b\n/* x\n} }) => {\n  <a\n", "javascript", ((0, 22), (1, 4), (2, 9), (3, 4), (4, 0))
    ),
    "unfinished Rust": BadDocument("fn f<'a(x: &'a\n  match { r#\"\n  => !\n", "rust", ((0, 14), (1, 13), (2, 6))),
    "unfinished C++": BadDocument(
        '#if A\ntemplate<class \nint f( { R"(\n#define x \\\n', "cpp", ((1, 15), (2, 12), (3, 12))
    ),
    "half a surrogate pair": BadDocument("s = '\ud83d\nt = '\ude00'\n\udc00 = \n", "python", ((0, 6), (1, 6), (2, 4))),
    "nested deeply": BadDocument("[" * 5000 + "\n" + "(" * 5000, "python", ((0, 5000), (1, 0), (1, 5000))),
    "an empty file": BadDocument("", "python", ((0, 0), (7, 7))),
    "white space": BadDocument("\n \t\n\r\n\u2028\u00a0\n", "python", ((0, 0), (1, 2), (2, 0), (3, 2), (4, 0))),
}
