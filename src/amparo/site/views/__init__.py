"""The pages; each view reads top to bottom, and access.py has decided before it runs."""
