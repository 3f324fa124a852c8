import asyncio

import torch
import torch.nn as nn


async def actor(name, queue, steps):
    for t in range(steps):
        observation = torch.randn(4)
        if name == "b" and t == 9:
            observation = observation[:3]
        await queue.put((name, observation))
        await asyncio.sleep(0)


class Learner:
    def __init__(self):
        self.value = nn.Linear(4, 1)
        self.optimizer = torch.optim.SGD(self.value.parameters(), lr=0.01)

    async def run(self, queue, updates, batch=4):
        for update in range(updates):
            observations = [(await queue.get())[1] for _ in range(batch)]
            states = torch.stack(observations)
            loss = (self.value(states) - 1).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        print("updates", updates, loss.item())


async def main():
    torch.manual_seed(0)
    queue = asyncio.Queue(maxsize=8)
    actors = [asyncio.create_task(actor(name, queue, 12)) for name in "ab"]
    await Learner().run(queue, updates=6)
    await asyncio.gather(*actors)


asyncio.run(main())
