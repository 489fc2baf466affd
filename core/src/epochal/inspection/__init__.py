"""What an object implements, as far as it shows without a run."""
