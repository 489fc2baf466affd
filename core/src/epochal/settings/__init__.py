"""What is switched on and set from outside the code: layers, reading them, and checking parameters."""
