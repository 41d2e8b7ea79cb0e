"""Cells as a notebook runs them: code that is in no file."""
import mlx.core as mx

CELLS = [
    "import mlx.core as mx\nx = mx.arange(1000.0)",
    "y = mx.softmax(x)\nprint((y * x).sum())",
    "for i in range(3):\n    x = x + 1\n    mx.eval(x)",
]
space = {}
for number, cell in enumerate(CELLS, 1):
    exec(compile(cell, f"<cell {number}>", "exec"), space)
