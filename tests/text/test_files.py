"""Files that are documents, and everything else a path can lead to."""

import os
import socket
from pathlib import Path

import pytest

from pylot_ls.errors import DocumentError, NotTextError
from pylot_ls.text import files
from pylot_ls.text.files import document_from_file, guess_language_id, read_text

needs_unix = pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")


def write(tmp_path, data, name="a.py"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_line_terminators_are_kept_as_they_are(tmp_path):
    assert read_text(write(tmp_path, b"a\r\nb\rc\nd\x0c")) == "a\r\nb\rc\nd\x0c"


def test_a_byte_order_mark_is_dropped(tmp_path):
    assert read_text(write(tmp_path, b"\xef\xbb\xbfa\xef\xbb\xbf")) == "a\ufeff"


def test_an_empty_file_is_an_empty_text(tmp_path):
    assert read_text(write(tmp_path, b"")) == ""


def test_a_missing_file(tmp_path):
    with pytest.raises(DocumentError, match="There is no file"):
        read_text(tmp_path / "none.py")


@needs_unix
def test_a_path_through_a_file(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read"):
        read_text(write(tmp_path, b"") / "b.py")


def test_a_folder(tmp_path):
    with pytest.raises(DocumentError, match="is a folder"):
        read_text(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    """Refused by the open call itself: the user who runs the tests may read everything."""
    path = write(tmp_path, b"a")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DocumentError, match="permission denied"):
        read_text(path)


@needs_unix
def test_a_pipe_does_not_hang(tmp_path):
    path = tmp_path / "pipe.py"
    os.mkfifo(path)
    with pytest.raises(DocumentError, match="not a regular file"):
        read_text(path)


@needs_unix
def test_a_pipe_that_takes_the_files_place_does_not_hang(tmp_path):
    path = tmp_path / "pipe.py"
    os.mkfifo(path)
    with files._open_without_waiting(path) as file:
        assert file.read() == b""


@needs_unix
def test_a_device():
    with pytest.raises(DocumentError, match="not a regular file"):
        read_text(Path("/dev/null"))


@needs_unix
def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.py")
        with pytest.raises(DocumentError, match="not a regular file"):
            read_text(Path("s.py"))


@needs_unix
def test_a_link_to_itself(tmp_path):
    path = tmp_path / "loop.py"
    path.symlink_to(path)
    with pytest.raises(DocumentError, match="cannot be read"):
        read_text(path)


@pytest.mark.parametrize("name", ["a\0b.py", pytest.param("a\ud800b.py", marks=needs_unix)])
def test_a_path_that_cannot_be(tmp_path, name):
    with pytest.raises(DocumentError, match="possible path") as caught:
        read_text(tmp_path / name)
    str(caught.value).encode()


@needs_unix
def test_a_name_that_could_garble_a_terminal_is_escaped(tmp_path):
    path = write(tmp_path, b"\0", os.fsdecode(b"a\x1b[2J\xff.py"))
    with pytest.raises(NotTextError) as caught:
        read_text(path)
    assert "a\\x1b[2J\\udcff.py" in str(caught.value)


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    assert read_text(write(tmp_path, b"abc")) == "abc"
    with pytest.raises(DocumentError, match="larger than"):
        read_text(write(tmp_path, b"abcd"))


def test_a_file_that_grows_past_the_limit_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path, b"abc")
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    open_it = files._open_without_waiting

    def grow_and_open(path):
        path.write_bytes(b"abcd")
        return open_it(path)

    monkeypatch.setattr(files, "_open_without_waiting", grow_and_open)
    with pytest.raises(DocumentError, match="larger than"):
        read_text(path)


def test_the_limit_is_64_mib():
    assert files.MAX_FILE_BYTES == 64 * 2**20


def test_a_binary_file(tmp_path):
    with pytest.raises(NotTextError, match="binary file: byte 3 is NUL"):
        read_text(write(tmp_path, b"abc\0d"))


@pytest.mark.parametrize(("mark", "place"), [(b"", 3), (b"\xef\xbb\xbf", 6)])
def test_another_encoding_names_the_byte(tmp_path, mark, place):
    with pytest.raises(NotTextError, match=f"byte {place} is 0xe9"):
        read_text(write(tmp_path, mark + "café".encode("latin-1")))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_named(tmp_path, encoding):
    with pytest.raises(NotTextError, match="seems to be UTF-16"):
        read_text(write(tmp_path, "\ufeff漢字".encode(encoding).replace(b"\xff\xfe\xff\xfe", b"\xff\xfe")))


def test_an_encoded_surrogate_is_not_utf_8(tmp_path):
    with pytest.raises(NotTextError, match="byte 0 is 0xed"):
        read_text(write(tmp_path, b"\xed\xa0\x80"))


def test_a_document_from_a_file(tmp_path, monkeypatch):
    write(tmp_path, b"x = 1\r\n", "a b.py")
    monkeypatch.chdir(tmp_path)
    document = document_from_file(Path("a b.py"))
    assert document.uri == (tmp_path / "a b.py").resolve().as_uri()
    assert document.uri.endswith("/a%20b.py")
    assert (document.language_id, document.version, str(document.text)) == ("python", 0, "x = 1\r\n")


@pytest.mark.parametrize(
    ("name", "language_id"),
    [
        ("a.py", "python"),
        ("a.test.TS", "typescript"),
        ("a.rs", "rust"),
        ("a.h", "c"),
        ("a.cc", "cpp"),
        ("a.sh", "shellscript"),
        ("README.md", "markdown"),
        ("Makefile", "makefile"),
        (".py", "plaintext"),
        ("a.unknown", "plaintext"),
        ("noext", "plaintext"),
    ],
)
def test_the_language_a_name_suggests(name, language_id):
    assert guess_language_id(Path("somewhere") / name) == language_id
