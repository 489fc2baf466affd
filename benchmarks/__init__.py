"""The benchmark of epochal: what it costs, against the limits that it promises to keep."""
