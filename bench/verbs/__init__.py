"""The verbs of the command line, one file each, found by listing this folder.

Each defines ``command``, a click command that reads its options, calls the package and
prints; it holds no logic of its own and imports what is heavy only when it runs.
"""
