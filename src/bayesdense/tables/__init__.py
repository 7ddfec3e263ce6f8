"""Tables of a fit: draws in, data frames out."""
