"""Stub until the report lands."""


def write_report(run, out, limit=50):
    out.write_text("<html></html>")
