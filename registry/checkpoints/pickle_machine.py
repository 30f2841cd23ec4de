"""Carry out a pickle of tensors on stand-ins.

The machine has what a pickle's program works with, a stack, marks and a memo, and does
what ``torch.save`` asks of it: make dictionaries, name storages, describe tensors. It
calls nothing that the pickle names. Nothing that was made may vanish either: there is no
instruction to drop a value, a key is set once, a memo place is filled once and in order,
and at the end one dictionary is left.

Source: the comments of ``pickletools`` in Python's library; only what they promise of
protocol 2 is relied on.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from registry.checkpoints.faults import Fault
from registry.checkpoints.pickle_opcodes import PROTOCOL, Op, Step
from registry.checkpoints.pickle_values import (
    Dict,
    Global,
    Storage,
    Value,
    close_metadata,
    global_of,
    kind_of,
    storage_of,
    view_of,
)
from registry.errors import PickleProblem

STACK_LIMIT = 10_000
MARK_LIMIT = 8
MEMO_LIMIT = 100_000
TUPLE_LIMIT = 16

_LENGTHS = {Op.EMPTY_TUPLE: 0, Op.TUPLE1: 1, Op.TUPLE2: 2, Op.TUPLE3: 3}


class Machine:
    """Takes one step after the other; ``result`` is there after the last.

    Args:
        sizes: How many bytes each entry with a storage has, by the storage's key.

    Attributes:
        storages: Those that were named, by their keys.
        result: What was left at the end.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.storages: dict[str, Storage] = {}
        self.result: Dict | None = None
        self._sizes = sizes
        self._stack: list[Value] = []
        self._marks: list[int] = []
        self._memo: list[Value] = []
        self._began = False

    @property
    def unnamed(self) -> list[str]:
        """Keys of storages that the archive has and the pickle did not name."""
        return [key for key in self._sizes if key not in self.storages]

    def take(self, step: Step) -> None:
        """Carry out one instruction.

        Raises:
            Fault: It does what ``torch.save`` would not ask for.
        """
        if (step.op is Op.PROTO) is self._began:
            raise Fault(PickleProblem.MALFORMED, "PROTO does not stand at the beginning, alone")
        self._ACTIONS[step.op](self, step)
        if len(self._stack) > STACK_LIMIT:
            raise Fault(PickleProblem.TOO_LARGE, f"over {STACK_LIMIT} values wait at a time")

    def _begin(self, step: Step) -> None:
        self._began = True
        if step.argument != PROTOCOL:
            raise Fault(
                PickleProblem.NO_STATE_DICT,
                f"it has the pickle protocol {step.argument}, not {PROTOCOL}",
            )

    def _stop(self, _step: Step) -> None:
        value = self._pop()
        if self._stack or self._marks:
            raise Fault(PickleProblem.MALFORMED, "values are left over at the end")
        if not isinstance(value, Dict):
            raise Fault(PickleProblem.NO_STATE_DICT, f"it holds {kind_of(value)}, not a dictionary")
        self.result = value

    def _mark(self, _step: Step) -> None:
        if len(self._marks) >= MARK_LIMIT:
            raise Fault(PickleProblem.TOO_LARGE, "its values are nested too deep")
        self._marks.append(len(self._stack))

    def _push_argument(self, step: Step) -> None:
        self._stack.append(step.argument)

    def _push_flag(self, step: Step) -> None:
        self._stack.append(step.op is Op.NEWTRUE)

    def _push_dict(self, _step: Step) -> None:
        self._stack.append(Dict())

    def _push_global(self, step: Step) -> None:
        self._stack.append(global_of(*step.argument))

    def _push_tuple(self, step: Step) -> None:
        if step.op is Op.TUPLE:
            items = self._pop_to_mark()
        else:
            items = [self._pop() for _ in range(_LENGTHS[step.op])][::-1]
        if len(items) > TUPLE_LIMIT:
            raise Fault(PickleProblem.TOO_LARGE, f"a tuple has {len(items)} items")
        self._stack.append(tuple(items))

    def _put(self, step: Step) -> None:
        if step.argument != len(self._memo) or len(self._memo) >= MEMO_LIMIT:
            raise Fault(PickleProblem.MALFORMED, "the memo is not filled in order, each place once")
        self._memo.append(self._top())

    def _get(self, step: Step) -> None:
        if step.argument >= len(self._memo):
            raise Fault(PickleProblem.MALFORMED, "it takes from an empty place of the memo")
        self._stack.append(self._memo[step.argument])

    def _name_storage(self, _step: Step) -> None:
        storage = storage_of(self._pop())
        known = self.storages.setdefault(storage.key, storage)
        if known != storage:
            raise Fault(PickleProblem.OUT_OF_BOUNDS, "one storage has two dtypes or lengths")
        if self._sizes.get(storage.key) != storage.size_bytes:
            raise Fault(
                PickleProblem.OUT_OF_BOUNDS,
                f"the storage {storage.key} should have {storage.size_bytes} bytes, "
                f"the archive has {self._sizes.get(storage.key, 'none')}",
            )
        self._stack.append(storage)

    def _reduce(self, _step: Step) -> None:
        arguments, called = self._pop(), self._pop()
        if called is Global.ORDERED_DICT and arguments == ():
            self._stack.append(Dict(is_ordered=True))
        elif called is Global.REBUILD_TENSOR:
            self._stack.append(view_of(arguments))
        else:
            raise Fault(PickleProblem.MALFORMED, f"it calls {kind_of(called)} with something else")

    def _build(self, _step: Step) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Dict) or not target.is_ordered:
            raise Fault(PickleProblem.MALFORMED, f"it gives attributes to {kind_of(target)}")
        close_metadata(state)

    def _set_item(self, _step: Step) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _set_items(self, _step: Step) -> None:
        self._set(self._pop_to_mark())

    def _set(self, flat: list[Value]) -> None:
        target = self._top()
        if not isinstance(target, Dict) or target.is_closed or len(flat) % 2:
            raise Fault(PickleProblem.MALFORMED, f"it sets items of {kind_of(target)}")
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, str):
                raise Fault(PickleProblem.NO_STATE_DICT, f"a key is {kind_of(key)}, not a string")
            if key in target.items:
                raise Fault(PickleProblem.MALFORMED, f"the key {key!a} is set twice")
            target.items[key] = value

    def _top(self) -> Value:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Fault(PickleProblem.MALFORMED, "it takes a value where there is none")
        return self._stack[-1]

    def _pop(self) -> Value:
        value = self._top()
        self._stack.pop()
        return value

    def _pop_to_mark(self) -> list[Value]:
        if not self._marks:
            raise Fault(PickleProblem.MALFORMED, "it goes back to a mark where there is none")
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    _ACTIONS: ClassVar[dict[Op, Callable[["Machine", Step], None]]] = {
        Op.PROTO: _begin,
        Op.MARK: _mark,
        Op.STOP: _stop,
        Op.EMPTY_DICT: _push_dict,
        Op.EMPTY_TUPLE: _push_tuple,
        Op.TUPLE1: _push_tuple,
        Op.TUPLE2: _push_tuple,
        Op.TUPLE3: _push_tuple,
        Op.TUPLE: _push_tuple,
        Op.NEWTRUE: _push_flag,
        Op.NEWFALSE: _push_flag,
        Op.BININT: _push_argument,
        Op.BININT1: _push_argument,
        Op.BININT2: _push_argument,
        Op.LONG1: _push_argument,
        Op.BINUNICODE: _push_argument,
        Op.BINPUT: _put,
        Op.LONG_BINPUT: _put,
        Op.BINGET: _get,
        Op.LONG_BINGET: _get,
        Op.GLOBAL: _push_global,
        Op.BINPERSID: _name_storage,
        Op.REDUCE: _reduce,
        Op.BUILD: _build,
        Op.SETITEM: _set_item,
        Op.SETITEMS: _set_items,
    }
