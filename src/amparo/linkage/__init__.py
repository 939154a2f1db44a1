"""Linkage: which records of different agencies are one person, in clear or from keyed encodings."""
