"""A script that trains with Keras's class trains with ours: Keras itself is the oracle.

Every parameter of every built-in is given values that scripts use and values that nobody would; the fit with Keras's
class tells what has to happen with ours, in every host. `nox -s drop_in` tries all of them, the tests a sample.
"""
