"""Drawing functions of the shop's pictures, one a form, as SVG text. `brush` has the shared strokes."""
