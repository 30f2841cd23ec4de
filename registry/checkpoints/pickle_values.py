"""What a pickle of tensors is made of: stand-ins that hold numbers and do nothing.

No value here is what the pickle names. A global is a member of ``Global``, a storage is
the name of an entry, and a tensor is where its elements lie in a storage.
"""

import math
import re
from dataclasses import dataclass, field
from enum import Enum, auto

from registry.checkpoints.faults import Fault
from registry.checkpoints.headers import ITEM_BYTES
from registry.errors import PickleProblem

RANK_LIMIT = 8
SIZE_LIMIT = 1 << 40

_LOCATION = re.compile(r"[a-z]{1,16}(:[0-9]{1,4})?", re.ASCII)
# Other kinds of tensors, which could do no harm; saying so gives better advice.
_PLAIN = re.compile(r"torch\._utils\._rebuild_[a-z0-9_]+|torch(\.storage)?\.[A-Za-z0-9]+Storage")
_KEY = re.compile(r"[0-9]{1,20}", re.ASCII)


class Global(Enum):
    """The names that a pickle may use, as what is meant by them."""

    ORDERED_DICT = auto()
    REBUILD_TENSOR = auto()
    F16 = auto()
    BF16 = auto()
    F32 = auto()
    F64 = auto()
    I64 = auto()
    I32 = auto()
    I16 = auto()
    I8 = auto()
    U8 = auto()
    BOOL = auto()


GLOBALS = {
    ("collections", "OrderedDict"): Global.ORDERED_DICT,
    ("torch._utils", "_rebuild_tensor_v2"): Global.REBUILD_TENSOR,
    ("torch", "HalfStorage"): Global.F16,
    ("torch", "BFloat16Storage"): Global.BF16,
    ("torch", "FloatStorage"): Global.F32,
    ("torch", "DoubleStorage"): Global.F64,
    ("torch", "LongStorage"): Global.I64,
    ("torch", "IntStorage"): Global.I32,
    ("torch", "ShortStorage"): Global.I16,
    ("torch", "CharStorage"): Global.I8,
    ("torch", "ByteStorage"): Global.U8,
    ("torch", "BoolStorage"): Global.BOOL,
}


@dataclass(eq=False, slots=True)
class Dict:
    """A dictionary.

    Attributes:
        items: What was set; a key is set once.
        is_ordered: Whether it was made as an ``OrderedDict``.
        is_closed: Whether it was used where its content counts, so that it stays as it is.
    """

    items: dict[str, "Value"] = field(default_factory=dict)
    is_ordered: bool = False
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """A row of elements, kept in one entry of the archive.

    Attributes:
        key: The entry is ``data/<key>``.
        dtype: A key of ``registry.checkpoints.headers.ITEM_BYTES``.
        length: How many elements it has.
    """

    key: str
    dtype: str
    length: int

    @property
    def size_bytes(self) -> int:
        """How many bytes it has."""
        return self.length * ITEM_BYTES[self.dtype]


@dataclass(frozen=True, slots=True)
class View:
    """A tensor: elements of a storage, each at most once.

    Attributes:
        storage: Where they are.
        offset: The first one's place, counted in elements.
        shape: Sizes of the dimensions.
        strides: From one to the next in each dimension, counted in elements.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """How many bytes its elements have together."""
        return math.prod(self.shape) * ITEM_BYTES[self.storage.dtype]


Value = Global | Dict | Storage | View | str | int | tuple[object, ...]


def kind_of(value: Value) -> str:
    """Return what a value is, as it is called in an error."""
    match value:
        case View():
            return "a tensor"
        case Dict():
            return "a dictionary"
        case Global():
            return value.name
        case int():
            return "a number"
        case _:
            return {str: "a string", tuple: "a tuple", Storage: "a storage"}[type(value)]


def global_of(module: str, name: str) -> Global:
    """Return what is meant by a name.

    Raises:
        Fault: It is not one of the names in ``GLOBALS``.
    """
    known = GLOBALS.get((module, name))
    if known is None:
        is_plain = _PLAIN.fullmatch(f"{module}.{name}")
        problem = PickleProblem.NO_STATE_DICT if is_plain else PickleProblem.GLOBAL
        raise Fault(problem, f"it names {f'{module}.{name}'[:160]!a}")
    return known


def storage_of(identifier: object) -> Storage:
    """Return the storage that a persistent identifier describes.

    Raises:
        Fault: It describes none.
    """
    match identifier:
        case ("storage", Global() as kind, str(key), str(location), int(length)) if (
            kind.name in ITEM_BYTES
            and _KEY.fullmatch(key)
            and _LOCATION.fullmatch(location)
            and type(length) is int
            and 0 <= length <= SIZE_LIMIT
        ):
            return Storage(key, kind.name, length)
    raise Fault(PickleProblem.MALFORMED, "what it names as a storage is none")


def view_of(arguments: object) -> View:
    """Return the tensor that the arguments of ``_rebuild_tensor_v2`` describe.

    Raises:
        Fault: They describe none, or one that leaves its storage or overlaps itself.
    """
    match arguments:
        case (
            Storage() as storage,
            int(offset),
            tuple(shape),
            tuple(strides),
            bool(),
            Dict() as hooks,
        ) if type(offset) is int:
            if hooks.items or not hooks.is_ordered:
                raise Fault(PickleProblem.NO_STATE_DICT, "a tensor has hooks")
            hooks.is_closed = True
            view = View(storage, offset, _sizes(shape), _sizes(strides))
            _check(view)
            return view
    raise Fault(PickleProblem.MALFORMED, "a tensor is not described as torch.save() does it")


def close_metadata(state: object) -> None:
    """Check what ``Module.state_dict`` of torch adds to a state dict: versions of its parts.

    Raises:
        Fault: It is anything else.
    """
    match state:
        case Dict(items={"_metadata": Dict() as metadata, **others}) if not others:
            parts = [part for part in metadata.items.values() if isinstance(part, Dict)]
            values = [value for part in parts for value in part.items.values()]
            if len(parts) == len(metadata.items) and all(isinstance(each, int) for each in values):
                for each in (state, metadata, *parts):
                    each.is_closed = True
                return
    raise Fault(PickleProblem.MALFORMED, "a dictionary is given attributes other than versions")


def _sizes(numbers: tuple[object, ...]) -> tuple[int, ...]:
    if len(numbers) > RANK_LIMIT:
        raise Fault(PickleProblem.TOO_LARGE, f"a tensor has {len(numbers)} dimensions")
    sizes = tuple(each for each in numbers if type(each) is int and 0 <= each <= SIZE_LIMIT)
    if len(sizes) != len(numbers):
        raise Fault(PickleProblem.OUT_OF_BOUNDS, "a tensor's sizes or strides make no sense")
    return sizes


def _check(view: View) -> None:
    """Refuse a view with elements outside its storage, or with one element at two places."""
    if len(view.shape) != len(view.strides) or view.offset < 0:
        raise Fault(PickleProblem.OUT_OF_BOUNDS, "a tensor's offset or strides make no sense")
    if math.prod(max(size, 1) for size in view.shape) > SIZE_LIMIT:
        raise Fault(PickleProblem.TOO_LARGE, "a tensor's shape is too large")
    if 0 in view.shape:  # Sliced away by torch, whose offset may then be anything.
        return
    reach = 0
    for stride, size in sorted(zip(view.strides, view.shape, strict=True)):
        if size > 1 and stride <= reach:
            raise Fault(PickleProblem.OUT_OF_BOUNDS, "a tensor has one element at many places")
        reach += (size - 1) * stride
    if view.offset + reach >= view.storage.length:
        raise Fault(PickleProblem.OUT_OF_BOUNDS, "a tensor reaches out of its storage")
