"""asyncio: tasks that take turns with evaluations under way."""
import asyncio

import mlx.core as mx


async def worker(n):
    total = mx.zeros((n,))
    for _ in range(3):
        total = total + mx.random.uniform(shape=(n,))
        mx.async_eval(total)  # expect: async_eval x9
        await asyncio.sleep(0)
    return total.sum().item()  # expect: item x3


async def main():
    print(len(await asyncio.gather(*(worker(n) for n in (8, 16, 32)))))


asyncio.run(main())
