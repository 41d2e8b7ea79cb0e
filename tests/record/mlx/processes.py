"""Children by multiprocessing and by subprocess."""
import multiprocessing
import subprocess
import sys

import mlx.core as mx


def total(n):
    return mx.arange(n).sum().item()  # expect: item


if __name__ == "__main__":
    print(total(4))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(total, [10]))
    code = "import mlx.core as mx; print(mx.full((3,), 2.0).sum().item())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    print(done.stdout.strip())
