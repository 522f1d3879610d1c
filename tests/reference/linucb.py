"""MABWiser's LinUCB on a stream that tests/bandit.rs makes too: prints the arm of every round.

    pip install mabwiser==2.7.4 && python tests/reference/linucb.py > tests/data/linucb.arms
"""

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

ARMS, WIDTH, ROUNDS = 4, 6, 400
MASK = (1 << 64) - 1


class Rng:
    """SplitMix64, as tests/support/mod.rs has it."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 40) / (1 << 23) - 1.0


rng = Rng(11)
truth = np.array([[rng.unit() for _ in range(WIDTH)] for _ in range(ARMS)])
bandit = MAB(list(range(ARMS)), LearningPolicy.LinUCB(alpha=0.7, l2_lambda=1.5))
# MABWiser wants a first fit: round 0 goes to arm 0.
for round in range(ROUNDS):
    x = np.array([[rng.unit() for _ in range(WIDTH)]])
    arm = bandit.predict(x) if round > 0 else 0
    reward = float(truth[arm] @ x[0]) + 0.1 * rng.unit()
    (bandit.partial_fit if round > 0 else bandit.fit)([arm], [reward], x)
    print(arm)
