"""What a client can do, read once from its ``initialize`` request; and what it is told beyond LSP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsprotocol import types

# A client that sets this in its experimental capabilities is told what each completion cost.
STATS_CAPABILITY = "pylotCompletionStats"
# A client that sets this there is told of the model: which it is, and whether it can be used yet.
MODEL_CAPABILITY = "pylotModel"
# A client that sets this there is told of where suggestions are paused.
PAUSED_CAPABILITY = "pylotPaused"
# What it calls itself in ``clientInfo``. Until 25.07 at least it stands still while it resolves an action, and shows no
# error of one.
_HELIX = "helix"

# Clients that know rust-analyzer's extensions of LSP send a range in the place of a hover's position.
EXPERIMENTAL = {"hoverRange": True}


@dataclass(frozen=True, slots=True)
class ActionAbilities:
    """What a client can do with code actions and edits.

    Attributes:
        literals: takes actions that are more than a command.
        resolves: asks for an action's edit when it is chosen, gives back the data that came with it, and lets the user
            go on meanwhile.
        tells_errors: tells the user why an action came to nothing.
        applies_edits: applies an edit that the server sends by itself.
        versions: takes edits that name the version that they are for.
        annotations: lets the user confirm edits before they are made.
        creates: makes files, as a part of an edit.
    """

    literals: bool = False
    resolves: bool = False
    applies_edits: bool = False
    versions: bool = False
    annotations: bool = False
    creates: bool = False
    tells_errors: bool = True

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities, name: str) -> ActionAbilities:
        """Read them; what a client does not mention it cannot do. ``name``: the client's own."""
        document, workspace = capabilities.text_document, capabilities.workspace
        action = document.code_action if document is not None else None
        edit = workspace.workspace_edit if workspace is not None else None
        resolved = action.resolve_support.properties if action is not None and action.resolve_support else ()
        operations = (edit.resource_operations if edit is not None else None) or ()
        return cls(
            literals=action is not None and action.code_action_literal_support is not None,
            resolves=action is not None and bool(action.data_support) and "edit" in resolved and name != _HELIX,
            applies_edits=workspace is not None and bool(workspace.apply_edit),
            # Neovim names the operations alone, which there are nowhere but in edits with versions.
            versions=edit is not None and (bool(edit.document_changes) or bool(operations)),
            annotations=edit is not None and edit.change_annotation_support is not None,
            creates="create" in operations,
            tells_errors=name != _HELIX,
        )


@dataclass(frozen=True, slots=True)
class ClientAbilities:
    """The abilities that change what the server does.

    Attributes:
        inline_completion: asks for inline completions by itself.
        progress: shows progress that the server begins.
        configuration: can be asked for its settings.
        hover_markdown: shows Markdown in hovers, and rather than plain text.
        stats: wants a ``pylot/completion`` notification after each completion.
        model: wants a ``pylot/model`` notification at each change of the model.
        paused: wants a ``pylot/paused`` notification at each change of where suggestions are paused.
        shows_documents: opens a document that the server names.
        actions: what it can do with code actions and edits.
    """

    inline_completion: bool = False
    progress: bool = False
    configuration: bool = False
    hover_markdown: bool = False
    stats: bool = False
    model: bool = False
    paused: bool = False
    shows_documents: bool = False
    actions: ActionAbilities = field(default_factory=ActionAbilities)

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities, name: str = "") -> ClientAbilities:
        """Read them; what a client does not mention it cannot do. ``name``: the client's own, "" for unknown."""
        document, window, workspace = capabilities.text_document, capabilities.window, capabilities.workspace
        return cls(
            inline_completion=document is not None and document.inline_completion is not None,
            progress=window is not None and bool(window.work_done_progress),
            configuration=workspace is not None and bool(workspace.configuration),
            hover_markdown=_prefers_markdown(document),
            stats=_experimental(capabilities.experimental, STATS_CAPABILITY),
            model=_experimental(capabilities.experimental, MODEL_CAPABILITY),
            paused=_experimental(capabilities.experimental, PAUSED_CAPABILITY),
            shows_documents=window is not None and window.show_document is not None and window.show_document.support,
            actions=ActionAbilities.of(capabilities, name),
        )


def _prefers_markdown(document: types.TextDocumentClientCapabilities | None) -> bool:
    formats = document.hover.content_format if document is not None and document.hover is not None else None
    return next(iter(formats or ()), None) == "markdown"


def _experimental(experimental: Any, name: str) -> bool:
    return isinstance(experimental, dict) and experimental.get(name) is True
