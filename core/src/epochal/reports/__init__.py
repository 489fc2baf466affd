"""What a run would do, what a callback does, and what is wrong with an installation."""
