"""Forgetting on the command line: forget a person, sweep the bytes, verify that nothing is left.

Begin with `commands`; `verify` scans every store (`places`, `scan`) for every spelling of an id
(`spellings`), also inside packed and encoded bytes (`unfold`).
"""
