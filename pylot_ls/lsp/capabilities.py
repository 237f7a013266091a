"""What a client can do, read once from its ``initialize`` request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsprotocol import types

# A client that sets this in its experimental capabilities is told what each completion cost.
STATS_CAPABILITY = "pylotCompletionStats"
# A client that sets this there is told of the model: which it is, and whether it can be used yet.
STATUS_CAPABILITY = "pylotStatus"


@dataclass(frozen=True, slots=True)
class ClientAbilities:
    """The abilities that change what the server does.

    Attributes:
        inline_completion: asks for inline completions by itself.
        progress: shows progress that the server begins.
        configuration: can be asked for its settings.
        stats: wants a ``pylot/completion`` notification after each completion.
        status: wants a ``pylot/status`` notification at each change of the model.
    """

    inline_completion: bool = False
    progress: bool = False
    configuration: bool = False
    stats: bool = False
    status: bool = False

    @classmethod
    def of(cls, capabilities: types.ClientCapabilities) -> ClientAbilities:
        """Read them; what a client does not mention it cannot do."""
        document, window, workspace = capabilities.text_document, capabilities.window, capabilities.workspace
        return cls(
            inline_completion=document is not None and document.inline_completion is not None,
            progress=window is not None and bool(window.work_done_progress),
            configuration=workspace is not None and bool(workspace.configuration),
            stats=_experimental(capabilities.experimental, STATS_CAPABILITY),
            status=_experimental(capabilities.experimental, STATUS_CAPABILITY),
        )


def _experimental(experimental: Any, name: str) -> bool:
    return isinstance(experimental, dict) and experimental.get(name) is True
