"""The small named parts that a model is composed of: laws, maps, sizes and trends."""
