"""The recipe of pylot-tiny: from permissively licensed Python source to a GGUF file.

Steps, each a module to run with ``python -m pylot_tiny.<step>``: ``corpus``, ``vocabulary``, ``train``, ``export``.
"""
