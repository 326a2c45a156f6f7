"""The questions: SQL files as package data, readable in the bare DuckDB shell."""
