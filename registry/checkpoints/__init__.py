"""Checkpoints: the files of a release on a disk.

What is in a folder, what its bytes hash to, and how two lists of files differ. Files
and bytes only: no SQL, no tensors library, and no code that a checkpoint brings along
is ever run.
"""
