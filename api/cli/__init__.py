"""The command line: ``corral``.

One module for each subject. ``main`` names every command and imports none, so that only the
module of the command that is used is loaded. Operators' commands open the records directly;
people's commands speak HTTP through ``api.client``.
"""
