"""Variables, code lists, countries and crosswalks: pure data and look-ups over it."""
