"""How the bundled release was made: corpus, tokenizer, training, measuring.

``config.toml`` is the whole recipe; ``python -m workers.training.train`` follows it. The
same recipe, data, software and machine give the same bytes. Nothing here runs in the service.
"""
