"""Pickles that name what no tensor needs."""

from collections.abc import Iterator
from pathlib import Path

from registry.errors import PickleProblem
from tests.support.attack import Attack
from tests.support.pickled import (
    PROTO,
    REDUCE,
    STOP,
    call,
    named,
    number,
    several,
    state,
    tensor,
    text,
    weights,
)


def touch(marker: Path) -> bytes:
    """Push what ``os.system`` returns after making the marker."""
    return call("posix", "system", text(f"touch '{marker}'"))


def by_global(marker: Path) -> Iterator[Attack]:
    """Yield pickles that call something which is able to run anything."""
    code, shell = text(f"open({str(marker)!r}, 'w')"), text(f"touch '{marker}'")
    none = call("builtins", "dict")
    calls = {
        ("posix", "system"): (shell,),
        ("os", "popen"): (shell,),
        ("subprocess", "getoutput"): (shell,),
        ("subprocess", "Popen"): (several(text("touch"), text(str(marker))),),
        ("builtins", "eval"): (code,),
        ("builtins", "exec"): (code,),
        ("__builtin__", "eval"): (code,),
        ("builtins", "open"): (text(str(marker)), text("w")),
        ("builtins", "getattr"): (named("posix", "system"), text("__call__")),
        ("builtins", "__import__"): (text("os"),),
        ("importlib", "import_module"): (text("os"),),
        ("pkgutil", "resolve_name"): (text("os:system"),),
        ("runpy", "run_path"): (text(str(marker.with_name("none"))),),
        ("timeit", "timeit"): (code, text("pass"), named("time", "perf_counter"), number(1)),
        ("cProfile", "run"): (code, text(str(marker))),
        ("trace", "Trace"): (),
        ("code", "InteractiveInterpreter"): (),
        ("pydoc", "locate"): (text("os.system"),),
        ("pydoc", "pipepager"): (text("text"), text(f"cat > '{marker}'")),
        ("operator", "attrgetter"): (text("system"),),
        ("operator", "methodcaller"): (text("system"), shell),
        ("functools", "partial"): (named("posix", "system"), shell),
        ("ctypes", "CDLL"): (text("none.so"),),
        ("logging.config", "dictConfig"): (none,),
        ("pathlib", "Path"): (text(str(marker)),),
        ("pickle", "loads"): (named("collections", "OrderedDict"),),
        ("marshal", "loads"): (named("collections", "OrderedDict"),),
        ("_codecs", "encode"): (text("abc"), text("rot13")),
        ("torch.utils.collect_env", "run"): (shell,),
        ("torch.serialization", "load"): (text(str(marker)),),
        ("torch.hub", "load_local"): (text("none"),),
        ("numpy.f2py.crackfortran", "getlincoef"): (code, none),
        ("numpy.core.multiarray", "_reconstruct"): (named("numpy", "ndarray"), several()),
        ("numpy", "load"): (text("none"), named("posix", "system")),
        ("torch.jit", "load"): (text("none"),),
    }
    for (module, name), arguments in calls.items():
        pickle = state(a=tensor(), b=call(module, name, *arguments))
        yield Attack(
            f"calls `{module}.{name}`",
            "callables",
            weights(pickle),
            PickleProblem.GLOBAL,
            "GLOBAL",
        )


def by_name(marker: Path) -> Iterator[Attack]:
    """Yield pickles whose names look like allowed ones."""
    shell = several(text(f"touch '{marker}'"))
    names = {
        "a dotted name below an allowed one": ("collections", "OrderedDict.fromkeys"),
        "a dotted name through the globals of a function": (
            "torch._utils",
            "_rebuild_tensor_v2.__globals__",
        ),
        "a dotted name through a module of torch": ("torch", "serialization.os.system"),
        "an allowed name in another module": ("posix", "OrderedDict"),
        "an allowed name with a space": ("collections ", "OrderedDict"),
        "an allowed name with a zero byte": ("collections\0", "OrderedDict"),
        "an allowed name with a Cyrillic letter": (
            "c\N{CYRILLIC SMALL LETTER O}llections",
            "OrderedDict",
        ),
        "an allowed name in capitals": ("Collections", "ordereddict"),
        "the module of Python 2": ("__builtin__", "getattr"),
        "an empty name": ("torch", ""),
    }
    for what, (module, name) in names.items():
        pickle = PROTO + named(module, name) + shell + REDUCE + STOP
        yield Attack(what, "names", weights(pickle), PickleProblem.GLOBAL, "GLOBAL")
    yield Attack(
        "a name that is not UTF-8",
        "names",
        weights(PROTO + b"ccollections\nOrdered\xffDict\n" + STOP),
        PickleProblem.MALFORMED,
        "GLOBAL",
    )
    yield Attack(
        "a name without an end",
        "names",
        weights(PROTO + b"c" + b"a" * 5000),
        PickleProblem.MALFORMED,
        "GLOBAL",
    )
