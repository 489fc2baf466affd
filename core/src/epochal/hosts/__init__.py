"""What drives a run: Keras's fit, evaluate and predict, or a hand-written loop."""
