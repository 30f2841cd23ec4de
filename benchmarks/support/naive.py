"""The worker that many start with: a Celery task a job, ``generate``, then one text at a time.

It has the bundled weights in transformers' own model, the filters and the policy of the service,
and writes what came out to a file. It has no records, no leases, no receipts and no proofs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from filters.catalog import load_filters
from filters.contract import Sample
from filters.policy import default_policy
from filters.screen import screen
from registry.bundled import RELEASE_DIR
from registry.checkpoints.tokenizer import load_tokenizer
from registry.settings import read_settings
from workers.broker import make_app, queue

TASK = "naive.job"
QUEUE = "naive"


def main() -> None:
    """Serve the queue until the process is told to stop."""
    results = Path(sys.argv[1]) / f"{os.getpid()}.jsonl"
    model: Any = LlamaForCausalLM.from_pretrained(RELEASE_DIR, dtype=torch.float32)
    model.train(mode=False)
    tokenizer = load_tokenizer(RELEASE_DIR / "tokenizer.model")
    filters, policy = load_filters(), default_policy()
    app = make_app(read_settings())

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def job(wish: dict[str, Any]) -> None:
        """Generate one text and screen it."""
        torch.manual_seed(wish["seed"])
        ids = torch.tensor([tokenizer.encode(wish["prompt"])])
        made = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            temperature=wish["temperature"],
            top_p=wish["top_p"],
            max_new_tokens=wish["max_new_tokens"],
            pad_token_id=0,
        )[0, ids.shape[1] :].tolist()
        text = tokenizer.decode(made)
        [verdict] = screen([Sample(text, wish["prompt"])], filters=filters, policy=policy)
        with results.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"tokens": len(made), "decision": verdict.decision}) + "\n")

    app.amqp.queues.add(queue(QUEUE))
    results.touch()
    app.Worker(
        pool="solo",
        queues=[QUEUE],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    ).start()


if __name__ == "__main__":
    main()
