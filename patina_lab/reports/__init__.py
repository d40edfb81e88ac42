"""Notebooks run as reports: papermill in, one HTML file without outside requests out."""
