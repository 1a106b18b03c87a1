"""A second model of Daybook's billing, written from docs/CATALOG.md alone and sharing no code.

Plain Python with exact fractions: slow, short, and meant to be read beside the document.
"""
