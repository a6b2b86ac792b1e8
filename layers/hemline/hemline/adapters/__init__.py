"""The only place that imports AWS clients, onnxruntime and files."""
