"""The only users of undocumented functions of nutpie, Numba and PyTensor."""
