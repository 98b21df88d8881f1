"""Commands: one file each, found by its name. A file defines HELP, ``add_arguments(parser)`` and ``run(arguments)``.

They are all imported to print the help, so what a command needs is imported inside ``run``.
"""
