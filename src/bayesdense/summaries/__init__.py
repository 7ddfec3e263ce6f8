"""From posterior draws to tidy tables; nothing here samples a posterior or draws a figure."""
