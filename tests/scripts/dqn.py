"""Deep Q-learning on a small corridor world (no gym needed)."""
import argparse
import collections
import random
from itertools import count

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

use_cuda = torch.cuda.is_available()
FloatTensor = torch.cuda.FloatTensor if use_cuda else torch.FloatTensor
LongTensor = torch.cuda.LongTensor if use_cuda else torch.LongTensor

Step = collections.namedtuple('Step', 'state action reward next_state done')


class Corridor:
    """Get to the right end of a line by pushing left, not at all, or right."""

    actions = 3
    state_size = 4

    def __init__(self, length=5.0, limit=50):
        self.length, self.limit = length, limit

    def observe(self):
        return np.array([self.x, self.v, self.length - self.x, self.push], dtype=np.float32)

    def reset(self):
        self.x = self.v = self.push = 0.0
        self.steps = 0
        return self.observe()

    def step(self, action):
        self.push = 0.1 * (action - 1)
        self.v = float(np.clip(self.v + self.push + np.random.normal(0, 0.02), -0.5, 0.5))
        self.x = max(0.0, self.x + self.v)
        self.steps += 1
        arrived = self.x >= self.length
        return self.observe(), 10.0 if arrived else -0.1, arrived or self.steps >= self.limit


class ReplayMemory:
    def __init__(self, capacity):
        self.buffer = collections.deque(maxlen=capacity)

    def push(self, *step):
        self.buffer.append(Step(*step))

    def sample(self, n):
        picked = random.sample(self.buffer, n)
        return Step(*zip(*picked))

    def __len__(self):
        return len(self.buffer)


class QNet(nn.Module):
    def __init__(self, inputs, outputs, hidden=64):
        super(QNet, self).__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, 1)
        self.advantage = nn.Linear(hidden, outputs)

    def forward(self, s):
        h = F.relu(self.fc1(s))
        h = F.relu(self.fc2(h))
        a = self.advantage(h)
        return self.value(h) + a - a.mean(1, keepdim=True)


class Agent:
    def __init__(self, env, opt):
        self.env, self.opt = env, opt
        self.policy = QNet(env.state_size, env.actions)
        self.target = QNet(env.state_size, env.actions)
        self.target.load_state_dict(self.policy.state_dict())
        self.target.eval()
        if use_cuda:
            self.policy.cuda()
            self.target.cuda()
        self.optimizer = torch.optim.RMSprop(self.policy.parameters(), lr=opt.lr)
        self.memory = ReplayMemory(opt.memory)
        self.steps = 0

    def epsilon(self):
        return self.opt.eps_end + (self.opt.eps_start - self.opt.eps_end) * np.exp(-self.steps / self.opt.eps_decay)

    def act(self, state):
        self.steps += 1
        if random.random() < self.epsilon():
            return random.randrange(self.env.actions)
        with torch.no_grad():
            q = self.policy(FloatTensor(state).unsqueeze(0))
        return q.argmax(1).item()

    def learn(self):
        if len(self.memory) < self.opt.batch_size:
            return None
        batch = self.memory.sample(self.opt.batch_size)
        states = FloatTensor(np.array(batch.state))
        actions = LongTensor(batch.action).unsqueeze(1)
        rewards = FloatTensor(batch.reward).unsqueeze(1)
        next_states = FloatTensor(np.array(batch.next_state))
        alive = 1 - FloatTensor(batch.done).unsqueeze(1)

        q = self.policy(states).gather(1, actions)
        with torch.no_grad():
            best = self.policy(next_states).argmax(1, keepdim=True)
            q_next = self.target(next_states).gather(1, best)
        expected = rewards + self.opt.gamma * alive * q_next

        loss = F.smooth_l1_loss(q, expected)
        self.optimizer.zero_grad()
        loss.backward()
        for p in self.policy.parameters():
            p.grad.data.clamp_(-1, 1)
        self.optimizer.step()
        return loss.item()


def plot(durations, means):
    plt.clf()
    plt.title('training')
    plt.plot(durations)
    plt.plot(means)
    plt.pause(0.001)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--episodes', type=int, default=300)
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--memory', type=int, default=10000)
    parser.add_argument('--gamma', type=float, default=0.98)
    parser.add_argument('--lr', type=float, default=5e-4)
    parser.add_argument('--eps-start', type=float, default=0.95)
    parser.add_argument('--eps-end', type=float, default=0.05)
    parser.add_argument('--eps-decay', type=float, default=800)
    parser.add_argument('--target-update', type=int, default=5)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--plot', action='store_true')
    opt = parser.parse_args()
    random.seed(opt.seed)
    np.random.seed(opt.seed)
    torch.manual_seed(opt.seed)

    env = Corridor()
    agent = Agent(env, opt)
    durations, means = [], []
    for episode in range(1, opt.episodes + 1):
        state, losses = env.reset(), []
        for t in count(1):
            action = agent.act(state)
            next_state, reward, done = env.step(action)
            agent.memory.push(state, action, reward, next_state, done)
            state = next_state
            loss = agent.learn()
            if loss is not None:
                losses.append(loss)
            if done:
                break
        durations.append(t)
        window = torch.tensor(durations[-20:], dtype=torch.float)
        means.append(window.mean().item())
        if episode % opt.target_update == 0:
            agent.target.load_state_dict(agent.policy.state_dict())
        if episode % 10 == 0:
            print('episode {} steps {} mean {:.1f} eps {:.2f} loss {:.4f}'.format(
                episode, t, means[-1], agent.epsilon(), np.mean(losses) if losses else float('nan')))
            if opt.plot:
                plot(durations, means)
            torch.save(agent.policy.state_dict(), 'dqn.pth')
    plt.plot(means)
    plt.savefig('durations.png')


if __name__ == '__main__':
    main()
