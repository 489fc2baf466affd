"""A run: its callbacks in their order, its call lists, its faults and its end."""
