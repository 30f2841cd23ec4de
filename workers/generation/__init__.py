"""Generating text with exactly the registered weights.

``engine`` is the protocol that the rest of the workers knows; ``llama`` is the engine.
``loading`` turns a manifest into tensors whose bytes were hashed, ``batching`` decides who
shares the next step, ``sampling`` chooses tokens, ``row`` holds one output on its way.
"""
