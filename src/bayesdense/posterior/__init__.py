"""Draws, intervals and diagnostics: what every table reads."""
