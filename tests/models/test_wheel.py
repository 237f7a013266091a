"""What people install has the models, and not how they were made."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from hatchling.builders.wheel import WheelBuilder

from pylot_ls.bundled import MODEL_FILE_NAME
from pylot_ls.editors import emacs

REPOSITORY = Path(__file__).parents[2]


def test_the_wheel_holds_models_manifests_and_cards_only():
    builder = WheelBuilder(str(REPOSITORY))
    files = [PurePosixPath(each.distribution_path) for each in builder.recurse_included_files()]
    inside = PurePosixPath("pylot_ls/_models")
    models = {file.relative_to(inside) for file in files if file.is_relative_to(inside)}
    assert {PurePosixPath(MODEL_FILE_NAME), PurePosixPath("pylot-tiny/README.md")} <= models
    assert {file.suffix for file in models} == {".gguf", ".toml", ".md"}
    assert all(file.parts[0] == "pylot_ls" for file in files)
    assert PurePosixPath("pylot_ls/locale/ru/LC_MESSAGES/pylot-ls.mo") in files


def test_the_wheel_holds_what_setup_gives_to_each_editor_and_no_sources_of_vs_codes_extension():
    files = {each.distribution_path for each in WheelBuilder(str(REPOSITORY)).recurse_included_files()}
    inside = {name.removeprefix("pylot_ls/_editors/") for name in files if name.startswith("pylot_ls/_editors/")}
    assert {"neovim/lsp/pylot.lua", "neovim/plugin/pylot.lua", "neovim/doc/pylot.txt", "emacs/pylot.el"} <= inside
    assert {f"emacs/{name}" for name in emacs.FILES} <= inside
    allowed = {"README.md", "package.json"}
    assert {name for name in inside if name.startswith("vscode/") and not name.endswith(".vsix")} <= {
        f"vscode/{name}" for name in allowed
    }
