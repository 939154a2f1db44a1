"""The desk as Django asks for it; the tag that fetches texts."""
