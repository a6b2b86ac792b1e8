"""Rankers as ONNX: opened for serving (`ranker`), scanned and tried out before they are published."""
