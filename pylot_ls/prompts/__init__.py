"""Prompts: which text stands where. Stable text first, what is being typed last."""
