"""What a client can do, read once from its ``initialize`` request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsprotocol import types

# A client that sets this in its experimental capabilities is told what each completion cost.
STATS_CAPABILITY = "pylotCompletionStats"


@dataclass(frozen=True, slots=True)
class ClientAbilities:
    """The abilities that change what the server does.

    Attributes:
        inline_completion: asks for inline completions by itself.
        progress: shows progress that the server begins.
        configuration: can be asked for its settings.
        hover_markdown: shows Markdown in hovers, and rather than plain text.
        stats: wants a ``pylot/completion`` notification after each completion.
    """

    inline_completion: bool = False
    progress: bool = False
    configuration: bool = False
    hover_markdown: bool = False
    stats: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> ClientAbilities:
        """Read them; what a client does not mention it cannot do."""
        document, window, workspace = capabilities.text_document, capabilities.window, capabilities.workspace
        return cls(
            inline_completion=document is not None and document.inline_completion is not None,
            progress=window is not None and bool(window.work_done_progress),
            configuration=workspace is not None and bool(workspace.configuration),
            hover_markdown=_prefers_markdown(document),
            stats=_experimental(capabilities.experimental, STATS_CAPABILITY),
        )


def _prefers_markdown(document: types.TextDocumentClientCapabilities | None) -> bool:
    formats = document.hover.content_format if document is not None and document.hover is not None else None
    return next(iter(formats or ()), None) == "markdown"


def _experimental(experimental: Any, name: str) -> bool:
    return isinstance(experimental, dict) and experimental.get(name) is True
