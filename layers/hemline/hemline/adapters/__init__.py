"""Implementations of the ports: AWS, onnxruntime, memory. Only this package does such I/O."""
