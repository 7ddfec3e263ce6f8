"""Draw from the posterior: NUTS with pilots, and everything that makes it fast."""
