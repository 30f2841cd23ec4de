"""An exported release is a folder that transformers loads, with the weights that Corral loads."""

from pathlib import Path

import torch
from transformers import LlamaForCausalLM, LlamaTokenizer

from registry.bundled import RELEASE_DIR
from registry.checkpoints import layouts
from registry.releases.store import Store
from workers.generation.loading import load_release


def test_an_exported_release_is_loaded_by_transformers(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    layout = layouts.inspect(RELEASE_DIR)
    manifest = store.add_folder(layout.files, root=layout.root)
    store.materialise(manifest, tmp_path / "exported")

    theirs = LlamaForCausalLM.from_pretrained(tmp_path / "exported")
    tokenizer = LlamaTokenizer.from_pretrained(tmp_path / "exported")

    ours = load_release(manifest, expected_digest=manifest.digest, path_of=store.path_of).model
    expected = ours.state_dict()
    assert theirs.state_dict().keys() == expected.keys()
    assert all(torch.equal(each, expected[name]) for name, each in theirs.state_dict().items())
    assert tokenizer.vocab_size <= theirs.config.vocab_size
