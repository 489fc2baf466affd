"""Which callbacks are active in a run, and the objects for them."""
