"""What a folder is, among the checkpoints that are known.

Files are compared first, by SHA-256 alone, then tensors. What is known comes from the
records of an instance, from the catalogues that ship with Corral and from an operator's
own; nothing here asks a server or sends anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from registry.checkpoints.canonical import place_of
from registry.checkpoints.catalogue import Catalogue
from registry.checkpoints.digest import Progress, digest_files
from registry.checkpoints.likeness import Kind, Likeness, TensorsFound, compare_tensors
from registry.checkpoints.manifest import FileEntry, Manifest
from registry.checkpoints.tensors import TensorDigest, TensorRoots, digest_tensors, roots_of
from registry.checkpoints.weights import is_weights, open_weights
from registry.errors import BadCheckpoint

# Of one of these alone nobody can say which checkpoint it is from.
_SHARED_BY_MANY = ("tokenizer", "special_tokens", "generation_config", "added_tokens")
_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Known:
    """A checkpoint that a folder may be.

    Attributes:
        name: Of the release, or as the catalogue has it.
        source: Where it is known from.
        state: Of a release.
        digest: Of a release's manifest.
        files: SHA-256 by path.
        tensors: In canonical order; empty where they are not known.
    """

    name: str
    source: str
    files: Mapping[str, str]
    tensors: tuple[TensorDigest, ...] = ()
    state: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class FilesLikeness:
    """How the files of a folder compare with those of a known checkpoint, by their bytes.

    Attributes:
        same: Paths in the checkpoint of files that the folder has, under whatever name.
        different: Paths of files in whose place the folder has other bytes.
        missing: Paths of files that the folder lacks.
        extra: Paths in the folder of files that are not the checkpoint's.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a folder is to one known checkpoint.

    Attributes:
        known: The checkpoint.
        kind: The answer.
        files: How the files compare.
        tensors: How the tensors compare; ``None`` where the files gave the answer.
    """

    known: Known
    kind: Kind
    files: FilesLikeness
    tensors: Likeness | None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a folder is.

    Attributes:
        manifest: Of its files.
        roots: Of its tensors; ``None`` if they were not read.
        form: Whose names and rows the tensors have.
        answers: The most precise first; empty if it resembles nothing that is known.
        notes: What was not read or not compared, and why, in sentences.
    """

    manifest: Manifest
    roots: TensorRoots | None
    form: str | None
    answers: tuple[Answer, ...]
    notes: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """The most precise answer."""
        return self.answers[0].kind if self.answers else Kind.UNKNOWN


def identify(
    files: Sequence[Path],
    *,
    root: Path,
    known: Sequence[Known],
    progress: Progress | None = None,
) -> Identity:
    """Say what the files below ``root`` are.

    Args:
        files: Below ``root``; links are followed.
        root: The checkpoint's folder.
        known: What they may be.
        progress: Called with a number of bytes hashed, of files and then of tensors.

    Raises:
        BadCheckpoint: A file cannot be read, or changed meanwhile.
    """
    manifest = Manifest.of(digest_files(files, root=root, progress=progress))
    compared = [(each, _compare_files(manifest, each, known)) for each in known]
    same = [
        Answer(each, Kind.SAME_FILES, likeness, None)
        for each, likeness in compared
        if likeness.same and not likeness.different and not likeness.missing
    ]
    if any(is_weights(path) for answer in same for path in answer.files.same):
        return Identity(manifest, None, None, tuple(same), ())
    places = {file.relative_to(root).as_posix(): file for file in files}
    tensors, notes = _read(places, progress)
    others = [
        answer
        for each, likeness in compared
        if all(each is not answer.known for answer in same)
        and (answer := _answer(each, likeness, tensors, known)) is not None
    ]
    answers = sorted([*same, *others], key=_precision)
    roots, form = (tensors.roots, tensors.weights.form) if tensors else (None, None)
    return Identity(manifest, roots, form, tuple(answers), notes)


def of_catalogue(catalogue: Catalogue) -> list[Known]:
    """Return what a catalogue knows."""
    return [
        Known(
            name=each.name,
            source=catalogue.source,
            files={file.path: file.sha256 for file in each.files},
            tensors=tuple(
                sorted(
                    (tensor.digest() for tensor in each.tensors),
                    key=lambda tensor: place_of(tensor.name),
                )
            ),
        )
        for each in catalogue.checkpoints
    ]


def _read(
    places: Mapping[str, Path], progress: Progress | None
) -> tuple[TensorsFound | None, tuple[str, ...]]:
    try:
        weights = open_weights(places)
    except BadCheckpoint as error:
        return None, (f"tensors were not compared: {error}",)
    if not weights.wholes:
        return None, weights.notes
    digests = tuple(digest_tensors(weights.wholes, progress=progress))
    return TensorsFound(weights, digests, roots_of(digests)), weights.notes


def _answer(
    known: Known, files: FilesLikeness, tensors: TensorsFound | None, others: Sequence[Known]
) -> Answer | None:
    likeness = compare_tensors(tensors, known.tensors) if tensors else None
    weights = [path for path in known.files if is_weights(path)]
    if weights and all(path in files.same for path in weights):
        # Whether or not the tensors could be read and put in order.
        return Answer(known, Kind.SAME_WEIGHTS, files, None)
    if likeness is not None:
        return Answer(known, likeness.kind, files, likeness)
    if tensors is not None and known.tensors:
        return None  # a configuration says little where no tensor is the same
    told = [path for path in files.same if _tells(known, path, others)]
    return Answer(known, Kind.PART_OF_FILES, files, None) if told else None


def _tells(known: Known, path: str, others: Sequence[Known]) -> bool:
    """Return whether a file says which checkpoint it is from."""
    if PurePosixPath(path).name.startswith(_SHARED_BY_MANY):
        return False
    sha256 = known.files[path]
    holders = {each.name for each in others if sha256 in each.files.values()}
    return is_weights(path) or len(holders) == 1


def _compare_files(found: Manifest, known: Known, others: Sequence[Known]) -> FilesLikeness:
    by_sha: dict[str, list[FileEntry]] = {}
    for entry in found.files:
        by_sha.setdefault(entry.sha256, []).append(entry)
    same = [path for path, sha256 in known.files.items() if sha256 in by_sha]
    used = {entry.path for path in same for entry in by_sha[known.files[path]]}
    folders = {PurePosixPath(path).parent for path in used}
    beside = {PurePosixPath(entry.path) for entry in found.files if entry.path not in used}
    rest = [path for path in known.files if path not in same]
    different = [
        path
        for path in rest
        if any(folder / PurePosixPath(path).name in beside for folder in folders)
    ]
    replaced = {folder / PurePosixPath(path).name for path in different for folder in folders}
    elsewhere = {sha256 for each in others if each is not known for sha256 in each.files.values()}
    return FilesLikeness(
        same=tuple(same),
        different=tuple(different),
        missing=tuple(path for path in rest if path not in different),
        extra=tuple(
            entry.path
            for entry in found.files
            if PurePosixPath(entry.path) in beside - replaced and entry.sha256 not in elsewhere
        ),
    )


def _precision(answer: Answer) -> tuple[int, int, int, str]:
    shared = answer.tensors.shared if answer.tensors else 0
    return _ORDER[answer.kind], -shared, -len(answer.files.same), answer.known.name
