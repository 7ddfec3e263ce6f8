"""How the sampler sees the variables. No result depends on anything here."""
