"""Messages in the user's language: each one in the code is in each catalogue that is complete, and whole in it."""

from __future__ import annotations

import ast
import gettext
import pickle
import string
from pathlib import Path

import pytest

import pylot_ls
from pylot_ls.engine.failure import failed
from pylot_ls.errors import ModelNotFoundError
from pylot_ls.language import DOMAIN, ENGLISH, LOCALE_FOLDER, Language, Message, language_of, text_of

PACKAGE = Path(pylot_ls.__file__).parent
SAYS = {"say", "Message"}
COMPLETE = ("ru",)
CATALOGUES = sorted(path.parent.parent.name for path in LOCALE_FOLDER.rglob(f"{DOMAIN}.po"))
RUSSIAN = Language("ru")


def said_in(path):
    """The first arguments of all calls that say something, as they are written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            if name in SAYS and not (path.name == "language.py" and isinstance(node.args[0], ast.Name)):
                yield node.args[0]


def messages_in_the_code():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for text in said_in(path):
            assert isinstance(text, ast.Constant), (
                f"{path}:{text.lineno}: a message has to be written out where it is said"
            )
            found.add(text.value)
    return found


def entries(tag):
    """A catalogue's messages and translations, without its header; one line each, as they are written here."""
    found, key = {}, None
    for line in (LOCALE_FOLDER / tag / "LC_MESSAGES" / f"{DOMAIN}.po").read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if word == "msgid":
            key = ast.literal_eval(rest)
            assert key not in found, f"twice: {key}"
        elif word == "msgstr":
            found[key] = ast.literal_eval(rest)
    del found[""]
    return found


def places_in(template):
    if "{ " in template:  # braces that are text
        return set()
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("tag", COMPLETE)
def test_each_message_in_the_code_is_translated_and_no_other_is(tag):
    translated, written = entries(tag), messages_in_the_code()
    assert written - translated.keys() == set()
    assert translated.keys() - written == set()
    assert [message for message, translation in translated.items() if not translation.strip()] == []


@pytest.mark.parametrize("tag", CATALOGUES)
def test_a_translation_has_the_places_of_its_message(tag):
    wrong = {
        message: translation
        for message, translation in entries(tag).items()
        if translation and places_in(message) != places_in(translation)
    }
    assert wrong == {}


@pytest.mark.parametrize("tag", CATALOGUES)
def test_what_is_compiled_is_what_is_written(tag):
    """Else: msgfmt -o pylot-ls.mo pylot-ls.po, in the catalogue's folder."""
    compiled = gettext.translation(DOMAIN, LOCALE_FOLDER, [tag])
    assert {message: compiled.gettext(message) for message in entries(tag)} == entries(tag)


def test_a_message_is_english_until_it_is_translated_with_what_is_in_it():
    message = Message(
        "there is no room for {path}: {reason}", path="m.gguf", reason=Message("{needed}; raise that", needed="1")
    )
    assert message == "there is no room for m.gguf: 1; raise that"
    assert RUSSIAN.of(message) == "для m.gguf не хватает памяти: 1; увеличьте это значение"
    assert ENGLISH.of(message) == message
    assert RUSSIAN.of("what is no message") == "what is no message"
    assert RUSSIAN.of(pickle.loads(pickle.dumps(message))) == RUSSIAN.of(message)


def test_what_is_filled_in_stays_as_it_is_in_every_script():
    for name in ("{path}", "{", "שלום", "مرحبا", "漢字", "e\u0301", "👩‍👩‍👧", "\u202eabc", "\udcff"):
        for language in (ENGLISH, RUSSIAN, Language("he")):
            assert name in language.say("{file} is damaged", file=name)


def test_a_message_without_values_may_hold_braces():
    assert ENGLISH.say("an object such as {}") == "an object such as {}"


def test_a_message_survives_as_the_text_of_an_error_and_of_an_event():
    message = Message("{file} is damaged", file="a")
    error = ModelNotFoundError(message)
    assert (str(error), RUSSIAN.of(text_of(error))) == ("a is damaged", "файл a повреждён")
    assert RUSSIAN.of(failed("1", error).message) == "файл a повреждён"
    assert text_of(ModelNotFoundError()) == ""
    assert text_of(OSError(2, "no such file")) == "[Errno 2] no such file"


@pytest.mark.parametrize("tag", ["de", "zh-Hant-TW", "xx", "en", "en-GB", "rue"])
def test_a_language_without_a_catalogue_speaks_english(tag):
    assert Language(tag).say("no model") == "no model"


@pytest.mark.parametrize("tag", ["ru", "ru-RU", "ru-Cyrl-BY"])
def test_a_narrower_tag_has_the_catalogue_of_the_wider_one(tag):
    assert Language(tag).say("no model") == "модели нет"


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "English"),
        ("ru", "Russian"),
        ("ru-RU", "Russian"),
        ("pt-BR", "Brazilian Portuguese"),
        ("pt-AO", "Portuguese"),
        ("zh", "Simplified Chinese"),
        ("zh-Hant-HK", "Traditional Chinese"),
        ("zh-TW", "Traditional Chinese"),
        ("ar", "Arabic"),
        ("he", "Hebrew"),
        ("tlh", "tlh"),
        ("x-own", "x-own"),
    ],
)
def test_a_model_is_told_the_english_name_or_the_tag_itself(tag, name):
    assert Language(tag).name == name


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        (None, "en"),
        ("", "en"),
        ("C", "en"),
        ("C.UTF-8", "en"),
        ("POSIX", "en"),
        ("ru", "ru"),
        ("RU", "ru"),
        ("pt-br", "pt-BR"),
        ("de_DE.UTF-8", "de-DE"),
        ("sr_RS@latin", "sr-RS"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("русский", "en"),
        ("../../etc", "en"),
        ("a" * 5000, "en"),
    ],
)
def test_what_clients_call_a_language_becomes_its_tag(given, tag):
    assert language_of(given) == Language(tag)
