"""What is installed: the metadata of distributions, discovery, and callbacks given as files."""
