"""The conformance suite: what every plugin promises, each promise a check."""
