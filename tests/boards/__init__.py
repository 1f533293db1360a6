"""The board writer and its index on the simulated AWS: seeded score histories, every fault, a sorted list as judge.

python -m tests.boards --seeds 1000            run seeds 0..999 and all mutants on all cores
python -m tests.boards --seed 17               replay one, with its trace
python -m tests.boards --mutant node_guard     run a writer without one of its guards until it is caught
"""
