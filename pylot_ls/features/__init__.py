"""What the server can do, as functions of documents and an engine. They know no LSP."""
