"""Statistics: case records or published aggregates into tables, flows and estimates (paragraphs 22, 23)."""
