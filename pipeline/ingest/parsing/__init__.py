"""Streams of JSON, HTML, XML, lines and tables, which the readers share."""
