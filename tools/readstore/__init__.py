"""A reader of Daybook's files, written from docs/FORMAT.md and the pages it links.

Python's standard library only. Checksums, LZ4 and columns are decoded here, a byte at a time and
slowly: what counts is that it shares no code with the engine.
"""
