"""The shop's pictures: one drawing function a form, in the shop's colours. Pure text, no files."""
