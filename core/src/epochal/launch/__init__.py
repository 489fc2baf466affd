"""Running a script or module, with Keras's calls in it driven."""
