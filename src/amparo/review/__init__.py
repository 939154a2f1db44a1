"""Review: what a State has committed to, and what shows whether it is done."""
