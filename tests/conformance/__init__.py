"""Keras's own tests of its callbacks, out of the installed wheel, run against ours. README.md tells how."""
