"""A search for the best network within a budget."""
