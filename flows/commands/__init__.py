"""The commands of `pengi`, a file for each thing that people do."""
