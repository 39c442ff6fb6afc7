"""Formats of recorded traffic, one public module each, found by listing.

A module defines

    NOTE            one line: what the file is, and what counts as an arrival
    knows(head)     whether a file that begins like this `_source.Head` is one
    rows(source)    `Arrival`, `Bad` and `Remark` of the rows of a `_source.Source`

Most are a call of `_rows.each` with a layout (`_rows.table`, `_rows.json_lines`,
`_rows.json_objects`) and a function that makes an arrival of one record. Why a row is
bad is said in words of ours: nothing that a row holds may reach them.
"""
