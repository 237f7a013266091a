"""Connecting an editor: what is put where, and how it is taken out again. Knows neither LSP nor models."""
