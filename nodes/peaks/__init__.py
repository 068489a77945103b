"""Shapes of peaks and their widths, for every pipeline that fits one. Plain functions, no nodes."""
