"""Every error that pylot-ls raises on purpose.

    PylotError
    ├── SettingsError          a settings file that cannot be read at all
    ├── DocumentError
    │   ├── NotTextError       bytes that are no text
    │   └── PositionError      a position outside the document
    ├── ModelError
    │   ├── ModelNotFoundError no file at the path
    │   ├── ModelUnreadableError not a GGUF file, or a damaged one
    │   ├── ModelUnsupportedError a good file that lacks what a feature needs
    │   ├── ModelTooLargeError a good file for which this machine has no room
    │   ├── ManifestError      a manifest that says what no manifest says
    │   ├── UnknownModelError  no model of that name
    │   └── PullError          a model that cannot be fetched
    │       └── ConnectionLostError  the hub did not answer, or stopped
    ├── EngineError
    │   ├── EngineClosedError  asked after close
    │   ├── RequestError       a request that cannot be served as it stands
    │   └── DecodeError        llama.cpp refused or failed a batch
    ├── ActionError            what an action's model answered cannot be used, or its text changed meanwhile
    ├── SetupError           an editor cannot be connected
    ├── KeyBookError           the API's keys cannot be read or written, or there is none of a name
    ├── ApiError               a request of the API that is refused (api/errors.py)
    ├── FeedbackLogError       the log of what became of suggestions cannot be read or written
    └── ClientError            the server that a command drives stopped or answered an error

Foreign exceptions are mapped to one of these where they enter. The text is for the user: it says what is wrong
and what to do, and holds no traceback.
"""

from __future__ import annotations


class PylotError(Exception):
    """Base of all errors that carry a message for the user."""


class SettingsError(PylotError):
    """A settings source cannot be read at all."""


class DocumentError(PylotError):
    """A document cannot be used as asked."""


class NotTextError(DocumentError):
    """The bytes of a file are no text in UTF-8."""


class PositionError(DocumentError):
    """A position lies outside the document."""


class ModelError(PylotError):
    """A model cannot be used."""


class ModelNotFoundError(ModelError):
    """No model file at the path."""


class ModelUnreadableError(ModelError):
    """The file is not a GGUF model, or is damaged."""


class ModelUnsupportedError(ModelError):
    """The model is sound but lacks what the feature needs."""


class ModelTooLargeError(ModelError):
    """There is no room for the model in this machine's memory, or in what the user allows."""


class ManifestError(ModelError):
    """A manifest cannot be read, or says what no manifest says."""


class UnknownModelError(ModelError):
    """No model of that name is known or installed."""


class PullError(ModelError):
    """A model cannot be fetched from the hub."""


class ConnectionLostError(PullError):
    """The hub did not answer, or stopped in the middle; the next attempt may go on from there."""


class EngineError(PylotError):
    """The engine cannot serve a request."""


class EngineClosedError(EngineError):
    """The engine was closed."""


class RequestError(EngineError):
    """The request itself cannot be served, for example for its length."""


class DecodeError(EngineError):
    """llama.cpp failed to evaluate a batch."""


class ActionError(PylotError):
    """An action came to nothing: its model's answer is of no use, or its text changed while the model worked."""


class SetupError(PylotError):
    """An editor cannot be connected, or what connects it cannot be taken out."""


class KeyBookError(PylotError):
    """The API's keys cannot be read or written, or there is none of that name."""


class FeedbackLogError(PylotError):
    """The log of what became of suggestions cannot be read or written."""


class ClientError(PylotError):
    """The server that a command drives stopped, or answered with an error."""
