"""Commands of ``patina-lab`` that stand in files of their own."""
