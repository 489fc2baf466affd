"""Switching callbacks on and off in a config file."""
