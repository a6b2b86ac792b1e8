"""Importers: read other formats as wire events and send them to the collect endpoint or into the stores.

Begin with `importing`, the loop of every import. `ranklens`, `online_retail`, `items` and `events` read
one format each; `http_road` and `direct` are the two ways in.
"""
