"""Rankers as ONNX: opened for serving (`ranker`), scanned (`scan`) and tried out before publishing."""
