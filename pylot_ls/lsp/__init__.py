"""The language server: the only importer of pygls and lsprotocol.

From the wire inwards: ``framing`` (bytes to JSON, pure), ``stdio`` (threads and signals), ``protocol`` (JSON to
handlers), with ``lifecycle`` (which message is served when, pure), ``params`` (JSON to LSP's types) and ``parent``
(the editor's life) beside it.
"""
