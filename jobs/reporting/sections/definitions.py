"""Definitions of the words on the page."""

from jobs.reporting.section import Section

SECTION = Section("Definitions", order=90)
