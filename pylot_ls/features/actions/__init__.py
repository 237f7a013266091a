"""Actions on a part of a document: what a user may have done by a model, each kind in one file. No LSP here."""
