"""What a release takes in memory is known before it is loaded."""

from registry.checkpoints.headers import Tensor
from workers.generation.weighing import EMBEDDING, HEAD, Weight, weights_bytes


def tensor(name: str, *shape: int, dtype: str = "BF16") -> Tensor:
    return Tensor(name, dtype, shape, 0, 0)


def test_products_take_the_precision_of_the_device_and_the_embedding_that_of_the_file() -> None:
    tensors = [tensor(EMBEDDING, 100, 8), tensor(HEAD, 100, 8), tensor("model.norm.weight", 8)]

    assert weights_bytes(tensors, item_bytes=4) == 800 * 2 + 800 * 4 + 8 * 4


def test_a_head_that_is_the_embedding_is_a_product_of_its_own() -> None:
    tensors = [tensor(EMBEDDING, 100, 8, dtype="F32")]

    assert weights_bytes(tensors, item_bytes=2) == 800 * 4 + 800 * 2


def test_all_of_it_is_weights_and_cache() -> None:
    assert Weight(weights_bytes=3, cache_bytes=4, file_bytes=1).size_bytes == 7
